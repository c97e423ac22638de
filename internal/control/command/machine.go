package command

import (
	"context"
	"time"

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
