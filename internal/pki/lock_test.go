package pki_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"bangtin/internal/pki"
)

// A lock that somebody holds, and does not let go of, keeps nobody else waiting without limit.
func TestLockSoon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := pki.Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pki.LockSoon(t.Context(), path); !errors.Is(err, pki.ErrLocked) {
		t.Errorf("while it is held: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pki.LockSoon(over, path); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	unlock()
	if unlock, err = pki.LockSoon(t.Context(), path); err != nil {
		t.Fatalf("after it was let go: %v", err)
	}
	if _, err := pki.LockSoon(t.Context(), path); !errors.Is(err, pki.ErrLocked) {
		t.Errorf("held by the second kind: %v", err)
	}
	unlock()
}
