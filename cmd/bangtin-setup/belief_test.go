package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"bangtin/internal/stick"
)

// TestOnlyANewDisplayBelievesAStick: what a display went by once is damaged or gone, and a stranger comes with a stick of
// his own.
func TestOnlyANewDisplayBelievesAStick(t *testing.T) {
	remove := func(names ...string) func(*world) {
		return func(w *world) {
			for _, name := range names {
				if err := os.Remove(filepath.Join(w.paths.Data, name)); err != nil {
					w.t.Fatal(err)
				}
			}
		}
	}
	for name, spoil := range map[string]func(*world){
		"a damaged document": func(w *world) { w.write(filepath.Join(w.paths.Data, stick.Trust), "damaged") },
		"an empty document":  func(w *world) { w.write(filepath.Join(w.paths.Data, stick.Trust), "") },
		"a folder in its place": func(w *world) {
			remove(stick.Trust)(w)
			w.write(filepath.Join(w.paths.Data, stick.Trust, "x"), "")
		},
		"no document":                  remove(stick.Trust),
		"no document and no seal":      remove(stick.Trust, stick.Seal),
		"no document and no site file": remove(stick.Trust, stick.Site),
		"the journal alone": func(w *world) {
			remove(stick.Trust, stick.Seal, stick.Site)(w)
			w.write(filepath.Join(w.paths.Data, "journal.db"), "x")
		},
		"the certificate alone": func(w *world) {
			remove(stick.Trust, stick.Seal, stick.Site)(w)
			w.write(filepath.Join(w.paths.Data, "device.pem"), "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.commission()
			spoil(w)
			before := w.kept(stick.Site) + w.kept(stick.Trust)
			file := siteFile(w, "tinh-bien-01", "# stranger\n")
			w.stick("sdb1", map[string][]byte{
				stick.Site: file, stick.Seal: seal(t, "bsite", "tinh-bien-01", file, issued().Add(time.Hour)), stick.Trust: document(t, "b", 1),
			})
			if n := w.runUntil("setup", "S04"); !strings.Contains(strings.Join(n.Details, " "), "damaged or gone") {
				t.Errorf("said %+v", n)
			}
			if w.kept(stick.Site)+w.kept(stick.Trust) != before {
				t.Error("the stranger's files were taken")
			}
		})
	}
}

// TestTheImageJudgesWhereTheDocumentIsDamaged: the department's own stick mends it, a stranger's does not.
func TestTheImageJudgesWhereTheDocumentIsDamaged(t *testing.T) {
	w := newWorld(t)
	w.commission()
	w.write(w.paths.ImageTrust, string(document(t, "a", 1)))
	w.write(filepath.Join(w.paths.Data, stick.Trust), "damaged")
	newer := siteFile(w, "tinh-bien-01", "# newer\n")
	w.stick("sdb1", resealed(w, sound(w), "tinh-bien-01", newer, issued().Add(time.Hour)))
	if w.run(); w.kept(stick.Site) != string(newer) || w.kept(stick.Trust) != string(document(t, "a", 1)) {
		t.Errorf("not taken\n%s", w.log)
	}
}

// TestATrapInTheDisplaysFolder: it belongs to the daemon's user, and root reads there before network and daemon.
func TestATrapInTheDisplaysFolder(t *testing.T) {
	for _, name := range []string{"setup.json", stick.Trust, stick.Seal} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.commission()
			path := filepath.Join(w.paths.Data, name)
			_ = os.Remove(path)
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			if status := w.run(); status != 0 || w.told.String() != "READY=1\n" || len(w.names(w.paths.Connections)) == 0 {
				t.Errorf("ended with %d, told systemd %q\n%s", status, w.told, w.log)
			}
		})
	}
}

// TestADocumentThatComesMeanwhile: the daemon hears of a newer trust document while the stick is read, or while what was on
// it is stored.
func TestADocumentThatComesMeanwhile(t *testing.T) {
	for name, brought := range map[string][]byte{"the same document": document(t, "a", 1), "a successor": document(t, "a", 2), "none": nil} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.commission()
			newest := filepath.Join(t.TempDir(), "trust.json")
			w.write(newest, string(document(t, "a", 3)))
			newer := siteFile(w, "tinh-bien-01", "# newer\n")
			files := resealed(w, sound(w), "tinh-bien-01", newer, issued().Add(time.Hour))
			if files[stick.Trust] = brought; brought == nil {
				delete(files, stick.Trust)
			}
			w.stick("sdb1", files)
			m := w.main()
			m.Reader = append([]string{"/bin/sh", "-c", `cp "$0" "$1"; shift; exec "$@"`, newest, filepath.Join(w.paths.Data, stick.Trust)}, m.Reader...)
			if status := m.Run(t.Context()); status != 0 || w.kept(stick.Site) != string(newer) || w.kept(stick.Trust) != string(document(t, "a", 3)) {
				t.Errorf("ended with %d, another document is kept, or another site file\n%s", status, w.log)
			}
		})
	}
	t.Run("while it is stored", func(t *testing.T) {
		w := newWorld(t)
		w.commission()
		newer := siteFile(w, "tinh-bien-01", "# newer\n")
		w.stick("sdb1", resealed(w, sound(w), "tinh-bien-01", newer, issued().Add(time.Hour)))
		w.fault = func(label string) {
			if label == "setup-note" {
				w.write(filepath.Join(w.paths.Data, stick.Trust), string(document(t, "a", 3)))
			}
		}
		if w.run(); w.kept(stick.Site) != string(newer) || w.kept(stick.Trust) != string(document(t, "a", 3)) {
			t.Errorf("another document is kept, or another site file\n%s", w.log)
		}
	})
}

// TestASealFromTheFuture: it would bar every later one, so it is refused; where it was taken, it bars nothing.
func TestASealFromTheFuture(t *testing.T) {
	within, beyond := time.Date(2036, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2036, 11, 1, 0, 0, 1, 0, time.UTC) // 10 years after the build time of tests
	w := newWorld(t)
	w.commission()
	newer := siteFile(w, "tinh-bien-01", "# newer\n")
	w.stick("sdb1", resealed(w, sound(w), "tinh-bien-01", newer, beyond))
	if n := w.runUntil("setup", "S05"); !strings.Contains(strings.Join(n.Details, " "), "2036-11-01") || w.kept(stick.Site) == string(newer) {
		t.Errorf("said %+v", n)
	}
	w.unplug("sdb1")
	w.write(filepath.Join(w.paths.Data, stick.Seal), string(seal(t, "asite", "tinh-bien-01", []byte(w.kept(stick.Site)), beyond)))
	w.stick("sdb1", resealed(w, sound(w), "tinh-bien-01", newer, within))
	if w.run(); w.kept(stick.Site) != string(newer) {
		t.Errorf("the seal from the future bars another: %+v\n%s", w.notice("setup"), w.log)
	}
}
