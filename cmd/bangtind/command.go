package main

import (
	"context"

	"bangtin/internal/control/command"
)

// command builds what takes the department's commands.
func (d *display) command(ctx context.Context) error {
	var err error
	d.commands, err = command.New(ctx, command.Config{
		Journal: d.journal, Clock: d.clock, Orders: d.orders, Display: d.control, Player: d.player, Library: d.library,
		Diagnose: d.report, Gate: d.site.Gate, Kernel: d.kernel, Refused: d.control.Refused, Log: d.log,
		Loop: func(name string) func() { return d.health.Loop(name, command.Stall) },
	})
	return err
}

func (d *display) report(context.Context) (*command.Report, error) {
	return &command.Report{At: d.clock.Now(), Device: d.site.ID, Version: version, State: d.state()}, nil
}
