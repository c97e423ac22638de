package main

// owned is always so: a centre runs on Linux.
func owned(string) (string, bool) { return "", true }
