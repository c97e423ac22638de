package main

import "context"

func (b *bench) wrong(context.Context) error { return nil }
