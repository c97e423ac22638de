package main_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	. "bangtin/cmd/bangtin-setup"
	"bangtin/internal/notice"
	"bangtin/internal/site"
	"bangtin/internal/stick"
)

func digest(file []byte) string {
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:])
}

func TestANewDisplayTakesWhatIsOnTheStick(t *testing.T) {
	w := newWorld(t)
	files := sound(w)
	w.stick("sda1", files)
	if status := w.run(); status != 0 {
		t.Fatalf("ended with %d\n%s", status, w.log)
	}
	for _, name := range []string{stick.Site, stick.Seal, stick.Trust} {
		if w.kept(name) != string(files[name]) {
			t.Errorf("%s is not what is on the stick", name)
		}
	}
	if w.kept("enrol.code") != code+"\n" {
		t.Errorf("kept the code %q", w.kept("enrol.code"))
	}
	n := w.notice("setup")
	if n.Code != "S10" || !strings.Contains(strings.Join(n.Details, "\n"), digest(files[stick.Trust])) {
		t.Errorf("said %+v", n)
	}
	if strings.Contains(w.log.String(), code[:9]) {
		t.Errorf("the code is in the log: %s", w.log)
	}
	if w.told.String() != "READY=1\n" {
		t.Errorf("systemd was told %q", w.told)
	}
	for name, mode := range map[string]os.FileMode{stick.Site: 0o640, stick.Trust: 0o644, "enrol.code": 0o600} {
		if info, err := os.Stat(filepath.Join(w.paths.Data, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v, want mode %v", name, info.Mode(), err, mode)
		}
	}
	if left := w.names(w.paths.Data); strings.Join(left, " ") != "enrol.code site.seal site.toml trust.json" {
		t.Errorf("in the folder: %q", left)
	}
	if text := w.done.String(); !strings.Contains(text, "nmcli connection reload\n") || strings.Contains(text, "restart bangtind") {
		t.Errorf("others were told %q", text)
	}
}

func (w *world) names(dir string) (names []string) {
	w.t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// commission has the world as after a good stick that was pulled out.
func (w *world) commission() {
	w.t.Helper()
	w.stick("sda1", sound(w))
	if status := w.run(); status != 0 {
		w.t.Fatalf("not commissioned: %s", w.log)
	}
	w.unplug("sda1")
	*w.told, *w.done, *w.log = lines{}, lines{}, lines{}
}

func (w *world) unplug(name string) {
	w.t.Helper()
	for _, path := range []string{filepath.Join(w.paths.Blocks, name), filepath.Join(w.paths.Devices, name)} {
		if err := os.RemoveAll(path); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestCodes(t *testing.T) {
	at := func(hours int) time.Time { return issued().Add(time.Duration(hours) * time.Hour) }
	change := func(name string, data []byte) func(*world, map[string][]byte) map[string][]byte {
		return func(_ *world, files map[string][]byte) map[string][]byte {
			files[name] = data
			return files
		}
	}
	remove := func(name string) func(*world, map[string][]byte) map[string][]byte {
		return func(_ *world, files map[string][]byte) map[string][]byte {
			delete(files, name)
			return files
		}
	}
	for _, test := range []struct {
		name         string
		commissioned bool
		change       func(*world, map[string][]byte) map[string][]byte
		code, detail string
	}{
		{"no site file", false, remove(stick.Site), "S03", "site.toml is missing"},
		{"no seal", false, remove(stick.Seal), "S03", "site.seal is missing"},
		{"nothing to judge by", false, remove(stick.Trust), "S03", "trust.json is missing"},
		{"a site file that is too large", false, change(stick.Site, make([]byte, site.MaxSize+1)), "S03", "site.toml has more than 65536 bytes"},
		{"a code that is too long", false, change(stick.Code, make([]byte, stick.MaxCode+1)), "S03", "code.txt has more than 256 bytes"},
		{"no trust document", false, change(stick.Trust, []byte("{}")), "S04", "malformed"},
		{"another department's document", true, func(w *world, f map[string][]byte) map[string][]byte {
			f[stick.Trust] = document(w.t, "b", 2)
			return f
		}, "S04", "unknown-key"},
		{"a seal that is none", false, change(stick.Seal, []byte("x")), "S05", "malformed"},
		{"another file's seal", false, func(w *world, f map[string][]byte) map[string][]byte {
			f[stick.Site] = siteFile(w, "tinh-bien-01", "# changed\n")
			return f
		}, "S05", "altered"},
		{"sealed by a stranger", false, func(w *world, f map[string][]byte) map[string][]byte {
			f[stick.Seal] = seal(w.t, "bsite", "tinh-bien-01", f[stick.Site], issued())
			return f
		}, "S05", "unknown-key"},
		{"sealed by another role", false, func(w *world, f map[string][]byte) map[string][]byte {
			f[stick.Seal] = seal(w.t, "at1", "tinh-bien-01", f[stick.Site], issued())
			return f
		}, "S05", "wrong-role"},
		{"a site file with mistakes", false, func(w *world, f map[string][]byte) map[string][]byte {
			return resealed(w, f, "tinh-bien-01", siteFile(w, "tinh-bien-01", "colour = 3\nport = 7\n"), issued())
		}, "S06", "line 7: unknown key"},
		{"older", true, func(w *world, f map[string][]byte) map[string][]byte {
			return resealed(w, f, "tinh-bien-01", siteFile(w, "tinh-bien-01", "# older\n"), at(-1))
		}, "S07", ""},
		{"another display's, newer", true, func(w *world, f map[string][]byte) map[string][]byte {
			return resealed(w, f, "tinh-bien-02", siteFile(w, "tinh-bien-02", ""), at(1))
		}, "S08", `for "tinh-bien-02", and this is "tinh-bien-01"`},
		{"another display's, older", true, func(w *world, f map[string][]byte) map[string][]byte {
			return resealed(w, f, "tinh-bien-02", siteFile(w, "tinh-bien-02", ""), at(-1))
		}, "S08", "tinh-bien-02"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.commissioned {
				w.commission()
			}
			before := w.kept(stick.Site) + w.kept(stick.Seal) + w.kept(stick.Trust)
			w.stick("sdb1", test.change(w, sound(w)))
			var n = w.notice("setup")
			if test.commissioned {
				w.run()
				n = w.notice("setup")
			} else {
				n = w.runUntil("setup", test.code)
			}
			if n.Code != test.code || !strings.Contains(strings.Join(n.Details, "\n"), test.detail) {
				t.Errorf("said %+v, want %s with %q\n%s", n, test.code, test.detail, w.log)
			}
			if w.kept(stick.Site)+w.kept(stick.Seal)+w.kept(stick.Trust) != before {
				t.Error("what the display had was changed")
			}
			if !strings.HasPrefix(w.told.String(), "READY=1\n") {
				t.Errorf("systemd was told %q", w.told)
			}
		})
	}
}

func TestNothingAnywhere(t *testing.T) {
	w := newWorld(t)
	w.plug("sda1", "pci/ata1/block", map[string]string{"removable": "0"}) // a disk that is built in
	n := w.runUntil("setup", "S01")
	if n.Vi == "" || !strings.HasPrefix(w.told.String(), "READY=1\n") {
		t.Errorf("said %+v, systemd was told %q", n, w.told)
	}
}

// TestASiteFileThatCannotBeUsed: the display has one, which is not to have none.
func TestASiteFileThatCannotBeUsed(t *testing.T) {
	for name, test := range map[string]struct {
		spoil  func(w *world, path string)
		detail string
	}{
		"mistakes":  {func(w *world, path string) { w.write(path, string(siteFile(w, "tinh-bien-01", "colour = 3\n"))) }, "line 7: unknown key"},
		"damaged":   {func(w *world, path string) { w.write(path, "\x00\x01") }, "line 1"},
		"too large": {func(w *world, path string) { w.write(path, strings.Repeat("#", site.MaxSize+1)) }, "more than 65536 bytes"},
		"no file": {func(w *world, path string) {
			replaceBy(w.t, path, func(at string) error { return os.Symlink("/dev/null", at) })
		}, "no file"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.commission()
			test.spoil(w, filepath.Join(w.paths.Data, stick.Site))
			if n := w.runUntil("setup", "S11"); !strings.Contains(strings.Join(n.Details, "\n"), test.detail) {
				t.Errorf("said %+v", n)
			}
			w.stick("sdb1", sound(w))
			if w.run(); w.kept(stick.Site) != string(siteFile(w, "tinh-bien-01", "")) || w.notice("setup").Code != "" {
				t.Errorf("its stick mends nothing: said %+v\n%s", w.notice("setup"), w.log)
			}
		})
	}
}

func TestAStickThatCannotBeRead(t *testing.T) {
	for name, sector := range map[string]string{"exFAT": "\xeb\x76\x90EXFAT   ", "NTFS": "\xeb\x52\x90NTFS    "} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.write(filepath.Join(w.paths.Devices, "sdc1"), sector+strings.Repeat("\x00", 512))
			w.plug("sdc1", "usb2/2-1", nil)
			if n := w.runUntil("setup", "S02"); !strings.Contains(strings.Join(n.Details, " "), name) {
				t.Errorf("said %+v", n)
			}
		})
	}
	t.Run("gone", func(t *testing.T) {
		w := newWorld(t)
		w.plug("sdc1", "usb2/2-1", nil)
		w.runUntil("setup", "S02")
	})
}

func TestAStickThatHangs(t *testing.T) {
	w := newWorld(t)
	w.stick("sda1", nil)
	m := w.main()
	m.Reader, m.Limit = []string{"/bin/sh", "-c", "exec sleep 1000"}, 50*time.Millisecond
	w.until(m, "setup", "S02")
	if !strings.Contains(w.told.String(), "READY=1") {
		t.Errorf("nobody was told that the start goes on: %s", w.log)
	}
}

func TestAStickAfterABadOne(t *testing.T) {
	w := newWorld(t)
	w.stick("sda1", map[string][]byte{stick.Site: []byte("x")})
	w.stick("sdb1", sound(w))
	if status := w.run(); status != 0 || w.notice("setup").Code != "S10" {
		t.Errorf("ended with %d, said %+v\n%s", status, w.notice("setup"), w.log)
	}
}

func TestTheStickComesBeforeTheBootPartition(t *testing.T) {
	w := newWorld(t)
	w.boot(sound(w))
	files := sound(w)
	w.stick("sda1", resealed(w, files, "tinh-bien-01", siteFile(w, "tinh-bien-01", "# of the stick\n"), issued()))
	if status := w.run(); status != 0 || !strings.Contains(w.kept(stick.Site), "of the stick") {
		t.Errorf("ended with %d\n%s", status, w.log)
	}
}

func TestTheBootPartition(t *testing.T) {
	w := newWorld(t)
	w.boot(sound(w))
	if status := w.run(); status != 0 || w.kept(stick.Site) == "" {
		t.Fatalf("ended with %d\n%s", status, w.log)
	}
	// What was flashed stays there: once it is the older one, nothing is said of it.
	newer := siteFile(w, "tinh-bien-01", "# newer\n")
	w.stick("sda1", resealed(w, sound(w), "tinh-bien-01", newer, issued().Add(time.Hour)))
	w.run()
	w.unplug("sda1")
	if status := w.run(); status != 0 || w.notice("setup").Code != "" || w.kept(stick.Site) != string(newer) {
		t.Errorf("ended with %d, said %+v, kept %q", status, w.notice("setup"), w.kept(stick.Site))
	}
}

// TestABootPartitionThatIsSlow: it comes to light after the first look, or cannot be read at the first try.
func TestABootPartitionThatIsSlow(t *testing.T) {
	t.Run("late", func(t *testing.T) {
		w := newWorld(t)
		ended := make(chan int, 1)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		go func() { ended <- w.main().Run(ctx) }()
		for w.notice("setup").Code != "S01" {
			select {
			case status := <-ended:
				t.Fatalf("ended with %d\n%s", status, w.log)
			case <-time.After(time.Millisecond):
			}
		}
		w.boot(sound(w))
		if status := <-ended; status != 0 || w.kept(stick.Site) == "" || w.notice("setup").Code != "S10" {
			t.Errorf("ended with %d, said %+v\n%s", status, w.notice("setup"), w.log)
		}
	})
	t.Run("the second try", func(t *testing.T) {
		w := newWorld(t)
		w.boot(sound(w))
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		m := w.main()
		first := filepath.Join(t.TempDir(), "first")
		m.Reader = append([]string{"/bin/sh", "-c", `mkdir "$0" 2>/dev/null && exit 1; exec "$@"`, first}, m.Reader...)
		if status := m.Run(ctx); status != 0 || w.kept(stick.Site) == "" {
			t.Errorf("ended with %d\n%s", status, w.log)
		}
	})
}

// TestAStickThatIsSlow: USB comes to light after the boot partition was read, and counts for more.
func TestAStickThatIsSlow(t *testing.T) {
	for _, commissioned := range []bool{false, true} {
		w := newWorld(t)
		if commissioned {
			w.commission()
		}
		w.boot(sound(w))
		m := w.main()
		m.Linger = patience
		ended := make(chan int, 1)
		go func() { ended <- m.Run(t.Context()) }()
		newer := siteFile(w, "tinh-bien-01", "# of the stick\n")
		for !strings.Contains(w.told.String(), "READY=1") {
			select {
			case status := <-ended:
				t.Fatalf("ended with %d\n%s", status, w.log)
			case <-time.After(time.Millisecond):
			}
		}
		w.stick("sda1", resealed(w, sound(w), "tinh-bien-01", newer, issued().Add(time.Hour)))
		if status := <-ended; status != 0 || w.kept(stick.Site) != string(newer) {
			t.Errorf("commissioned %v: ended with %d\n%s", commissioned, status, w.log)
		}
	}
}

func TestANewerFileForACommissionedDisplay(t *testing.T) {
	w := newWorld(t)
	w.commission()
	newer := siteFile(w, "tinh-bien-01", "[network]\ntime = [\"time.example\"]\n")
	w.stick("sdb1", resealed(w, sound(w), "tinh-bien-01", newer, issued().Add(time.Hour)))
	if status := w.run(); status != 0 || w.kept(stick.Site) != string(newer) {
		t.Fatalf("ended with %d\n%s", status, w.log)
	}
	if text := w.done.String(); !strings.Contains(text, "try-restart bangtind.service") || !strings.Contains(text, "try-restart systemd-timesyncd.service") {
		t.Errorf("others were told %q", text)
	}
	if text, err := os.ReadFile(filepath.Join(w.paths.Timesync, "bangtin.conf")); err != nil || string(text) != "[Time]\nNTP=time.example\n" {
		t.Errorf("time servers: %q, %v", text, err)
	}
}

func TestTheSameStickAgain(t *testing.T) {
	w := newWorld(t)
	w.commission()
	w.stick("sdb1", sound(w))
	if status := w.run(); status != 0 || strings.Contains(w.done.String(), "restart") || w.notice("setup").Code != "" {
		t.Errorf("ended with %d, told %q, said %+v", status, w.done, w.notice("setup"))
	}
}

func TestTheSameFileSealedLater(t *testing.T) {
	w := newWorld(t)
	w.commission()
	files := sound(w)
	w.stick("sdb1", resealed(w, files, "tinh-bien-01", files[stick.Site], issued().Add(time.Hour)))
	if status := w.run(); status != 0 || w.kept(stick.Seal) != string(files[stick.Seal]) || strings.Contains(w.done.String(), "restart") {
		t.Errorf("ended with %d, told %q, or another seal is kept", status, w.done)
	}
}

func TestWhichDocumentJudges(t *testing.T) {
	t.Run("the image's, and not the stick's", func(t *testing.T) {
		w := newWorld(t)
		w.write(w.paths.ImageTrust, string(document(t, "b", 1)))
		w.stick("sda1", sound(w))
		w.runUntil("setup", "S04")
	})
	t.Run("the image's, where the stick has none", func(t *testing.T) {
		w := newWorld(t)
		w.write(w.paths.ImageTrust, string(document(t, "a", 1)))
		files := sound(w)
		delete(files, stick.Trust)
		w.stick("sda1", files)
		if w.run(); w.notice("setup").Code != "" || w.kept(stick.Trust) != string(document(t, "a", 1)) {
			t.Errorf("said %+v, kept %.40q\n%s", w.notice("setup"), w.kept(stick.Trust), w.log)
		}
	})
	t.Run("the image's successor", func(t *testing.T) {
		w := newWorld(t)
		w.write(w.paths.ImageTrust, string(document(t, "a", 1)))
		files := sound(w)
		files[stick.Trust] = document(t, "a", 2)
		w.stick("sda1", files)
		if w.run(); w.notice("setup").Code != "" || w.kept(stick.Trust) != string(document(t, "a", 2)) {
			t.Errorf("said %+v, kept %.40q\n%s", w.notice("setup"), w.kept(stick.Trust), w.log)
		}
	})
	t.Run("the display's own, and not the image's", func(t *testing.T) {
		w := newWorld(t)
		w.commission()
		w.write(w.paths.ImageTrust, string(document(t, "b", 9)))
		newer := siteFile(w, "tinh-bien-01", "# newer\n")
		w.stick("sdb1", resealed(w, sound(w), "tinh-bien-01", newer, issued().Add(time.Hour)))
		if w.run(); w.kept(stick.Site) != string(newer) {
			t.Errorf("not taken\n%s", w.log)
		}
	})
	t.Run("the display's newer one, with a stick that has the older one", func(t *testing.T) {
		w := newWorld(t)
		w.commission()
		w.write(filepath.Join(w.paths.Data, stick.Trust), string(document(t, "a", 3)))
		newer := siteFile(w, "tinh-bien-01", "# newer\n")
		w.stick("sdb1", resealed(w, sound(w), "tinh-bien-01", newer, issued().Add(time.Hour)))
		if w.run(); w.kept(stick.Site) != string(newer) || w.kept(stick.Trust) != string(document(t, "a", 3)) {
			t.Errorf("not taken, or another document\n%s", w.log)
		}
	})
}

func TestADiskThatTakesNothing(t *testing.T) {
	w := newWorld(t)
	if err := os.RemoveAll(w.paths.Data); err != nil {
		t.Fatal(err)
	}
	w.write(w.paths.Data, "no folder") // not even root writes below it
	w.stick("sda1", sound(w))
	w.runUntil("setup", "S09")
}

func TestEveryCodeHasWords(t *testing.T) {
	for _, code := range Codes() {
		n := Say(code)
		if n.Code != code || n.Vi == "" || n.En == "" {
			t.Errorf("%s: %+v", code, n)
		}
		if err := notice.Put(t.TempDir(), n); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}
