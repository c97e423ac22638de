package main_test

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"bangtin/internal/stick"
)

// killed runs the program as a process that is killed before its nth labelled write, and tells whether it was.
func (w *world) killed(n int) bool {
	w.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = w.env(envKill + "=" + strconv.Itoa(n))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		w.t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// TestAPowerCutAtEveryStep: whatever is cut, afterwards there are the old files or the new ones, never some of each; and
// what was begun is finished without the stick.
func TestAPowerCutAtEveryStep(t *testing.T) {
	base := newWorld(t)
	base.commission()
	names := []string{stick.Trust, stick.Seal, stick.Site}
	old, fresh := map[string]string{}, map[string]string{}
	newer := siteFile(base, "tinh-bien-01", "# newer\n")
	files := resealed(base, sound(base), "tinh-bien-01", newer, issued().Add(time.Hour))
	files[stick.Trust] = document(t, "a", 2)
	for _, name := range names {
		old[name], fresh[name] = base.kept(name), string(files[name])
	}
	steps := 0
	for {
		for _, name := range names {
			base.write(base.paths.Data+"/"+name, old[name])
		}
		_ = os.Remove(base.paths.Data + "/enrol.code")
		base.unplug("sdb1")
		base.stick("sdb1", files)
		if !base.killed(steps) {
			break
		}
		base.unplug("sdb1")
		if base.killed(1000) {
			t.Fatal("killed where nobody should be")
		}
		same, changed := 0, 0
		for _, name := range names {
			switch base.kept(name) {
			case old[name]:
				same++
			case fresh[name]:
				changed++
			}
		}
		if same != len(names) && changed != len(names) {
			t.Errorf("cut at step %d: %d old files and %d new ones", steps, same, changed)
		}
		if wrote := steps > 0; wrote != (changed == len(names)) {
			t.Errorf("cut at step %d: %d new files", steps, changed)
		}
		steps++
	}
	// The note; code, trust document, seal and site file; the end.
	if steps != 6 {
		t.Errorf("%d steps were cut", steps)
	}
}
