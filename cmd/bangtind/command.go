package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/internal/control/command"
	"bangtin/internal/journal"
	"bangtin/media/fetch"
)

// command builds what takes the department's commands.
func (d *display) command(ctx context.Context) error {
	var sender command.Sender // an interface that holds a nil pointer is not nil
	if d.site.Content != nil && d.site.Broker != nil {
		sender = &command.Uploader{URL: d.site.Content.URL, Client: fetch.NewClient(d.dialer().DialContext)}
	}
	var err error
	d.commands, err = command.New(ctx, command.Config{
		Journal: d.journal, Clock: d.clock, Orders: d.orders, Display: d.control, Player: d.player, Library: d.library,
		Sender: sender, Machine: command.Logind{Address: command.SystemBus}, Diagnose: d.report,
		Gate: d.site.Gate, Kernel: d.kernel, Forgets: d.forgets, Refused: d.control.Refused, Log: d.log,
		Loop: func(name string) func() { return d.health.Aside(name, command.Stall) },
	})
	return err
}

// Limits of a report: the newest incidents, and the first missing files.
const (
	reportIncidents = 50
	reportMissing   = 50
)

// report is what the department cannot see from afar. What cannot be found out is said in it.
func (d *display) report(ctx context.Context) (*command.Report, error) {
	at := d.clock.Stamp()
	r := &command.Report{
		At: at.Wall, Device: d.site.ID, Version: version, Run: at.Mono, State: d.state(), Trust: d.keyring.standing.Document().Version,
		Missing: []string{}, Lacking: d.lacking.list(), Problems: []string{},
	}
	for _, f := range d.library.Missing() {
		if len(r.Missing) < reportMissing {
			r.Missing = append(r.Missing, f.SHA256)
		}
	}
	var err error
	if r.Incidents, err = d.journal.Recent(ctx, journal.KindIncident, reportIncidents); err != nil {
		r.Problems = append(r.Problems, err.Error())
	}
	if err := d.measure(r); err != nil {
		r.Problems = append(r.Problems, err.Error())
	}
	return r, nil
}

// measure asks the kernel and the Go runtime.
func (d *display) measure(r *command.Report) error {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	r.Memory = int64(memory.Sys)
	var disk unix.Statfs_t
	var machine unix.Sysinfo_t
	var name unix.Utsname
	if err := errors.Join(unix.Statfs(d.site.Data, &disk), unix.Sysinfo(&machine), unix.Uname(&name)); err != nil {
		return fmt.Errorf("cannot measure the machine: %w", err)
	}
	r.DiskFree = int64(disk.Bavail) * disk.Bsize
	r.MemoryFree = int64(machine.Freeram) * int64(machine.Unit)
	r.Uptime = time.Duration(machine.Uptime) * time.Second
	r.System = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	return nil
}
