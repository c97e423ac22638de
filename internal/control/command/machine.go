package command

import (
	"context"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

const (
	// rebootWithin is how long the machine may take to go down once it was told to.
	rebootWithin = 3 * time.Minute
	// maxReport is in bytes.
	maxReport = 256 << 10
)

// RebootEvidence tells the runs of the kernel apart.
type RebootEvidence struct {
	Before string `json:"before,omitempty"` // identity of the kernel's run
	After  string `json:"after,omitempty"`
	Error  string `json:"error,omitempty"`
}

// reboot asks the machine to start anew. All goes well when nothing comes after it: the next start of the daemon sees
// by the kernel's identity what became of it.
func (c *Commands) reboot(ctx context.Context, beat func()) outcome {
	if c.cfg.Machine == nil {
		return failed("no-reboot", RebootEvidence{Error: "this controller cannot be started anew from here"})
	}
	if err := c.cfg.Machine.Reboot(ctx); err != nil {
		return failed("no-reboot", RebootEvidence{Before: c.cfg.Kernel, Error: err.Error()})
	}
	c.cfg.Log.Warn("the machine is going down by command")
	limit := time.NewTimer(rebootWithin)
	defer limit.Stop()
	tick := time.NewTicker(idleBeat)
	defer tick.Stop()
	for {
		beat()
		select {
		case <-ctx.Done():
			return outcome{}
		case <-limit.C:
			return failed("still-running", RebootEvidence{Before: c.cfg.Kernel, After: c.cfg.Kernel})
		case <-tick.C:
		}
	}
}

// rebooted judges at the start after a reboot was asked for.
func (c *Commands) rebooted(kept *slot) outcome {
	evidence := RebootEvidence{Before: kept.Kernel, After: c.cfg.Kernel}
	if kept.Kernel == "" || c.cfg.Kernel == "" || kept.Kernel == c.cfg.Kernel {
		return outcome{status: wire.Interrupted, reason: "restarted", evidence: evidence}
	}
	return done(evidence)
}

// A Report is what the department needs to know of a controller that it cannot see. It holds no secret: no key, no
// certificate, no file's content.
type Report struct {
	At        time.Time         `json:"at"`
	Device    string            `json:"device"`
	Version   string            `json:"version"` // of the daemon
	System    string            `json:"system"`  // the kernel's name and release
	Uptime    time.Duration     `json:"uptime_ns"`
	State     wire.State        `json:"state"`
	Trust     uint64            `json:"trust_version"`
	DiskFree  int64             `json:"disk_free"`   // bytes below the data folder
	Memory    int64             `json:"memory"`      // bytes the daemon has from the system
	MemFree   int64             `json:"memory_free"` // bytes the machine can still give
	Missing   []string          `json:"missing"`     // SHA-256 of files that playlists lack, at most 50
	Incidents []journal.Record  `json:"incidents"`   // the newest, at most 50
	Lacking   map[string]string `json:"lacking"`     // what the daemon does without, by code
	Problems  []string          `json:"problems"`    // what could not be found out
}

func (c *Commands) diagnose(ctx context.Context, cmd *wire.Command) outcome {
	report, err := c.cfg.Diagnose(ctx)
	if err != nil {
		return failed("no-report", FileEvidence{Error: err.Error()})
	}
	for {
		raw, err := wire.Encode(report)
		if err != nil {
			return failed("no-report", FileEvidence{Error: err.Error()})
		}
		if len(raw) <= maxReport {
			return c.send(ctx, cmd.ID+".json", raw)
		}
		if len(report.Incidents) == 0 {
			return failed("no-report", FileEvidence{Error: "it is too large", Bytes: len(raw)})
		}
		report.Incidents = report.Incidents[:len(report.Incidents)/2] // the newest come first
	}
}
