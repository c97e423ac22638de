package drm_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"bangtin/hal"
	"bangtin/hal/drm"
)

// A screen counts what it is asked for.
type screen struct {
	released, taken int
	err             error
}

func (s *screen) Release(context.Context) error { s.released++; return s.err }
func (s *screen) Take()                         { s.taken++ }

func newPanel(t *testing.T, root string, s *screen) *drm.Panel {
	t.Helper()
	p := drm.New(root, s, slog.New(slog.NewTextHandler(t.Output(), nil)))
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

func TestOutputThatCannotBeSwitchedOff(t *testing.T) {
	held := errors.New("the player holds it")
	for _, test := range []struct {
		name string
		s    screen
		want error
	}{
		{"the player does not let go", screen{err: held}, held},
		{"there is no card", screen{}, hal.ErrPortGone},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPanel(t, t.TempDir(), &test.s)
			if err := p.SetPower(t.Context(), false); !errors.Is(err, test.want) {
				t.Errorf("SetPower(false): %v, want %v", err, test.want)
			}
			if err := p.SetPower(t.Context(), true); err != nil || test.s.taken != 1 {
				t.Errorf("SetPower(true): %v, taken %d times", err, test.s.taken)
			}
		})
	}
}

func TestWhatIsNoCardIsNamed(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "card0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPanel(t, root, &screen{})
	if err := p.SetPower(t.Context(), false); err == nil {
		t.Error("a file that is no card was switched off")
	}
}

func TestPowerIsNeverKnown(t *testing.T) {
	p := newPanel(t, t.TempDir(), &screen{})
	if power, err := p.Power(t.Context()); power != hal.PowerUnknown || !errors.Is(err, hal.ErrUnsupported) {
		t.Errorf("Power: %v, %v", power, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s := &screen{}
	p = newPanel(t, t.TempDir(), s)
	if err := p.SetPower(ended, false); !errors.Is(err, context.Canceled) || s.released != 0 {
		t.Errorf("SetPower with an ended context: %v, released %d times", err, s.released)
	}
}
