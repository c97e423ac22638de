package main

import "context"

func (b *bench) inside(context.Context) error { return nil }
