package main

import "context"

func (b *bench) watchdog(context.Context) error { return nil }
