package haltest

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"
)

// RunReport checks the driver outside go test and writes what came of each check: "pass NAME (TIME)", "skip" or "FAIL",
// with what the check said below it, and a last line that counts, after one that says so where nobody looked at the panel. It returns whether no check failed and none was cut
// short; the checks that come after ctx's end are skipped. An error of w changes nothing but the report.
func RunReport(ctx context.Context, h Harness[T], w io.Writer) (passed bool) {
	verdicts := map[string]int{}
	unseen := false
	for _, c := range checks() {
		r := &report{}
		r.ctx, r.cancel = context.WithCancel(ctx)
		began := time.Now()
		if err := ctx.Err(); err != nil {
			r.say("not made: %v", err)
			r.skipped = true
		} else {
			r.run(func() {
				h.run(r, func(t T, b Bench) {
					unseen = unseen || b.Lit == nil
					c.check(t, b)
				})
			})
		}
		r.cancel()
		verdicts[r.verdict()]++
		fmt.Fprintf(w, "%s %s (%v)\n", r.verdict(), c.name, time.Since(began).Round(10*time.Millisecond))
		for _, line := range r.lines {
			fmt.Fprintf(w, "     %s\n", strings.ReplaceAll(line, "\n", "\n     "))
		}
	}
	if unseen {
		fmt.Fprintln(w, "nobody looked at the panel: what the driver says of its power was compared with its commands alone")
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", verdicts["pass"], verdicts["FAIL"], verdicts["skip"])
	return verdicts["FAIL"] == 0 && ctx.Err() == nil
}

// A report is the T of one check. Like that of go test it may be written to by several goroutines.
type report struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu              sync.Mutex
	lines           []string
	failed, skipped bool
	cleanup         []func()
}

// maxLines bounds what one check may say: a driver that logs without end must not fill a disk.
const maxLines = 1000

// run runs a check in a goroutine of its own, which Fatalf and Skipf end, and then its cleanup.
func (r *report) run(check func()) {
	r.alone(check)
	r.cancel()
	for len(r.cleanup) > 0 {
		last := r.cleanup[len(r.cleanup)-1]
		r.cleanup = r.cleanup[:len(r.cleanup)-1]
		r.alone(last)
	}
}

// alone runs f and waits. What panics has failed, and the checks after it are made all the same.
func (r *report) alone(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if e := recover(); e != nil {
				r.Errorf("panic: %v", e)
			}
		}()
		f()
	}()
	<-done
}

func (r *report) verdict() string {
	switch {
	case r.failed:
		return "FAIL"
	case r.skipped:
		return "skip"
	}
	return "pass"
}

func (r *report) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.lines) < maxLines {
		r.lines = append(r.lines, fmt.Sprintf(format, args...))
	}
}

func (r *report) Helper() {}

func (r *report) Logf(format string, args ...any) { r.say(format, args...) }

func (r *report) Errorf(format string, args ...any) {
	r.say(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
}

func (r *report) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *report) Skipf(format string, args ...any) {
	r.say(format, args...)
	r.mu.Lock()
	r.skipped = true
	r.mu.Unlock()
	runtime.Goexit()
}

func (r *report) Cleanup(f func()) { r.cleanup = append(r.cleanup, f) }

func (r *report) Context() context.Context { return r.ctx }
