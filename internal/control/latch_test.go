package control_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/hal"
	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// TestClearedThoughTheDiskIsBroken: a person lifts the latch while nothing can be written, and is told so soon; who it was
// is written when that can be, once, and a restart before finds the display latched.
func TestClearedThoughTheDiskIsBroken(t *testing.T) {
	for name, broken := range map[string]func(*disk) (mend func()){
		"full": func(d *disk) func() { d.full.Store(true); return func() { d.full.Store(false) } },
		"hung": func(d *disk) func() {
			hang := make(chan struct{})
			d.hung.Store(&hang)
			return func() { d.hung.Store(nil); close(hang) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				s.rig.SetSmoke(true)
				time.Sleep(time.Minute)
				mend := broken(s.disk)
				s.rig.SetSmoke(false)
				time.Sleep(time.Minute)
				asked := time.Now()
				if err := s.control.ClearFire(s.t.Context(), "đã kiểm tra", "ky.thuat"); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(asked); waited > 3*time.Second {
					t.Errorf("told after %v", waited)
				}
				time.Sleep(time.Minute)
				if r := s.rig.Snapshot(); !r.RelayClosed || r.Panel != hal.PowerOn {
					t.Errorf("a minute after it was cleared: %s", r)
				}
				if raw, err := s.journal.Setting(s.t.Context(), "control.fire"); err != nil || raw == nil {
					t.Errorf("the disk was not broken: %q, %v", raw, err)
				}
				mend()
				time.Sleep(time.Minute)
				if raw, err := s.journal.Setting(s.t.Context(), "control.fire"); err != nil || raw != nil {
					t.Errorf("the latch still stands on disk: %q, %v", raw, err)
				}
				if n := s.cleared(); n != 1 {
					t.Errorf("%d records of who cleared it", n)
				}
			})
		})
	}
}

// TestOffAtTheConsoleThoughTheDiskIsBroken: the emergency switch obeys at once, and says that the disk has not.
func TestOffAtTheConsoleThoughTheDiskIsBroken(t *testing.T) {
	for name, broken := range map[string]func(*disk) (mend func()){
		"full": func(d *disk) func() { d.full.Store(true); return func() { d.full.Store(false) } },
		"hung": func(d *disk) func() {
			hang := make(chan struct{})
			d.hung.Store(&hang)
			return func() { d.hung.Store(nil); close(hang) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(s *stage) {
				mend := broken(s.disk)
				for _, wish := range []wire.PowerWish{wire.WishOff, wire.WishOff} { // the second behind one that waits
					asked := time.Now()
					err := s.orders.Local(s.t.Context(), wish, time.Hour, "khẩn cấp", "bdbp")
					if waited := time.Since(asked); !errors.Is(err, control.ErrUnsaved) || waited > 3*time.Second {
						t.Errorf("told %v after %v", err, waited)
					}
				}
				time.Sleep(time.Minute)
				s.wantRule("while the disk is broken", "local", "off")
				mend()
				time.Sleep(time.Minute)
				if raw, err := s.journal.Setting(s.t.Context(), "control.local"); err != nil || raw == nil {
					t.Errorf("it is not on disk: %q, %v", raw, err)
				}
				if err := s.orders.Local(s.t.Context(), wire.WishSchedule, 0, "xong", "bdbp"); err != nil {
					t.Error(err)
				}
				n := 0
				for _, body := range s.bodies(journal.KindOrder) {
					if strings.Contains(body, "khẩn cấp") {
						n++
					}
				}
				if n != 2 {
					t.Errorf("%d records of who switched", n)
				}
			})
		})
	}
}

// cleared counts the records of a cleared fire latch.
func (s *stage) cleared() int {
	s.t.Helper()
	all, err := s.journal.Pending(s.t.Context(), 1<<20)
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, r := range all {
		if r.Kind == journal.KindOrder && strings.Contains(string(r.Body), "fire latch cleared") {
			n++
		}
	}
	return n
}

// TestTheCopyLatchesToo: either place is enough, and who clears the latch clears both.
func TestTheCopyLatchesToo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fire-latch")
	copied := func() string {
		_, fire, err := control.OpenLatchFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return fire
	}
	play(t, func(s *stage) {
		restart := func() {
			s.end()
			s.close()
			s.ordersOf = func(o *control.Orders) {
				f, fire, err := control.OpenLatchFile(path)
				if err != nil {
					t.Fatal(err)
				}
				o.KeepCopy(f, fire)
			}
			s.begin()
			time.Sleep(time.Minute)
		}
		restart()
		s.disk.full.Store(true)
		s.rig.SetSmoke(true)
		time.Sleep(time.Minute)
		s.rig.SetSmoke(false)
		time.Sleep(10 * time.Second)
		if got := copied(); got == "" {
			t.Fatal("the copy has no latch though the disk is only full")
		}
		restart() // with a disk that works, whose journal knows of no fire
		if st := s.control.State(); st.Want.Rule != "fire" || s.rig.Snapshot().RelayClosed {
			t.Errorf("rule %s after a restart", st.Want.Rule)
		}
		if raw, err := s.journal.Setting(s.t.Context(), "control.fire"); err != nil || raw == nil {
			t.Errorf("the journal was not told: %q, %v", raw, err)
		}
		if err := s.control.ClearFire(s.t.Context(), "đã kiểm tra", "ky.thuat"); err != nil {
			t.Fatal(err)
		}
		if got := copied(); got != "" {
			t.Errorf("the copy still says %q", got)
		}
	})
}

// TestALiftedLatchDoesNotComeBack: the copy could not be written while a person cleared the latch, and can be later.
func TestALiftedLatchDoesNotComeBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fire-latch")
	play(t, func(s *stage) {
		restart := func() {
			s.end()
			s.close()
			s.ordersOf = func(o *control.Orders) {
				f, fire, err := control.OpenLatchFile(path)
				if err != nil {
					t.Fatal(err)
				}
				o.KeepCopy(f, fire)
			}
			s.begin()
			time.Sleep(time.Minute)
		}
		restart()
		s.rig.SetSmoke(true)
		time.Sleep(time.Minute)
		s.rig.SetSmoke(false)
		time.Sleep(10 * time.Second)
		for _, err := range []error{os.Rename(path, path+".aside"), os.Mkdir(path, 0o700)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		asked := time.Now()
		if err := s.control.ClearFire(s.t.Context(), "đã kiểm tra", "ky.thuat"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(asked); waited > time.Second {
			t.Errorf("the person waited %v for the copy", waited)
		}
		time.Sleep(time.Minute)
		for _, err := range []error{os.Remove(path), os.Rename(path+".aside", path)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Second)
		restart()
		if fire := s.orders.Fire(); fire != "" {
			t.Errorf("after a restart it burns again: %s", fire)
		}
		if n := s.cleared(); n != 1 {
			t.Errorf("%d records of who cleared it", n)
		}
	})
}
