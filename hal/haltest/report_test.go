package haltest_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"bangtin/hal"
	"bangtin/hal/haltest"
	"bangtin/hal/sim"
)

func TestReport(t *testing.T) {
	good := func(haltest.T) haltest.Bench { return simBench(nil) }
	for _, test := range []struct {
		name   string
		setup  func(haltest.T) haltest.Bench
		ctx    func(context.Context) context.Context
		passed bool
		want   []string
	}{
		{"a good driver", good, nil, true, []string{
			`(?m)^pass on and off \(`, `(?m)^skip unplugged \(0s\)\n     this bench cannot unplug the port$`, `(?m)^pass capabilities`,
			`(?m)^12 passed, 0 failed, 4 skipped$`,
		}},
		{"a driver that takes silence for off", func(t haltest.T) haltest.Bench {
			b := simBench(nil)
			b.New = func() hal.Panel { return credulous{sim.NewRig(sim.Config{}).Panel()} }
			return b
		}, nil, false, []string{`(?m)^FAIL on and off .*\n     Power is on, but there is no picture$`}},
		{"a bench that fails", func(t haltest.T) haltest.Bench {
			t.Fatalf("no panel at %s", "all")
			return haltest.Bench{}
		}, nil, false, []string{`(?m)^FAIL close .*\n     no panel at all$`, `(?m)^0 passed, 16 failed, 0 skipped$`}},
		{"a driver that panics", func(haltest.T) haltest.Bench { return haltest.Bench{} }, nil, false,
			[]string{`(?m)^FAIL on and off .*\n     panic: `, `(?m)^0 passed, 5 failed, 11 skipped$`}},
		{"no time left", good, func(ctx context.Context) context.Context {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx
		}, false, []string{`(?m)^skip on and off \(0s\)\n     not made: context canceled$`, `(?m)^0 passed, 0 failed, 16 skipped$`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.ctx != nil {
					ctx = test.ctx(ctx)
				}
				var b strings.Builder
				if passed := haltest.RunReport(ctx, haltest.Harness[haltest.T]{Setup: test.setup}, &b); passed != test.passed {
					t.Errorf("passed: %v", passed)
				}
				for _, want := range test.want {
					if !regexp.MustCompile(want).MatchString(b.String()) {
						t.Errorf("the report does not say %s:\n%s", want, b.String())
					}
				}
			})
		})
	}
}

// A credulous panel says on whatever it is.
type credulous struct{ hal.Panel }

func (credulous) Power(context.Context) (hal.Power, error) { return hal.PowerOn, nil }

// TestCleanup: what a bench undoes is undone after each check, the last first, with the context ended.
func TestCleanup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		setup := func(t haltest.T) haltest.Bench {
			t.Cleanup(func() { order = append(order, "first") })
			t.Cleanup(func() {
				if t.Context().Err() == nil {
					order = append(order, "too early")
				}
				order = append(order, "last")
			})
			t.Skipf("enough")
			return haltest.Bench{}
		}
		haltest.RunReport(t.Context(), haltest.Harness[haltest.T]{Setup: setup}, new(strings.Builder))
		if got, want := strings.Join(order, " "), strings.TrimSpace(strings.Repeat("last first ", 16)); got != want {
			t.Errorf("cleanups ran as %q", got)
		}
	})
}
