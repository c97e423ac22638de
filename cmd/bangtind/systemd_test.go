package main_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bangtin/internal/wire"
)

// TestSystemdIsTold reads what the daemon says to a notify socket: READY once, WATCHDOG again and again, STOPPING.
func TestSystemdIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path("notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w.inbox(w.approved(10))
	r := w.start("NOTIFY_SOCKET="+w.path("notify"), "WATCHDOG_USEC=3000000")
	awaitNotice(t, conn, "READY=1")
	if s := w.until("an answer", func(*wire.State) bool { return true }); s.Airtime.DeliveredS == 0 && s.Player.State == "" {
		t.Errorf("ready with nothing to show for it: %+v", s)
	}
	awaitNotice(t, conn, "WATCHDOG=1")
	awaitNotice(t, conn, "WATCHDOG=1")
	r.stop()
	awaitNotice(t, conn, "STOPPING=1")
}

func awaitNotice(t *testing.T, conn *net.UnixConn, want string) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(90 * time.Second)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 256)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("systemd was not told %s: %v", want, err)
		}
		if string(buf[:n]) == want {
			return
		}
	}
}

func TestTwoDaemonsDoNotShareAJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.start()
	w.until("an answer", func(*wire.State) bool { return true })
	second := w.start()
	<-second.exited
	if code := second.cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(second.log(), "is another bangtind running?") {
		t.Errorf("the second ended with %d: %s", code, second.log())
	}
	r.stop()
}

// TestCheckSaysOneClearLine runs --check on site files good and bad; none of them leaves anything behind.
func TestCheckSaysOneClearLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, to string
		code           int
		want           string
	}{
		{"valid", "", "", 0, "site file is valid"},
		{"unknown key", "driver =", "drivr =", 1, `did you mean "panel.driver"?`},
		{"no such driver", `"sim"`, `"pdp"` + "\nport = \"/dev/ttyUSB0\"", 1, `"pdp" is none of mdc, lg, nec, sicp, cec, hdmi, sim`},
		{"not TOML", "[site]", "[site", 1, "cannot read site file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.siteToml()
			good, err := os.ReadFile(w.path("site.toml"))
			if err != nil {
				t.Fatal(err)
			}
			w.write(bytes.Replace(good, []byte(tt.from), []byte(tt.to), 1), "site.toml")
			cmd := exec.Command(os.Args[0], "--site", w.path("site.toml"), "--check")
			cmd.Env = append(os.Environ(), "BANGTIN_TEST_DAEMON=1")
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != tt.code || !strings.Contains(string(out), tt.want) {
				t.Errorf("%v %s", err, out)
			}
			if _, err := os.Stat(w.path("data", "journal.db")); err == nil {
				t.Error("--check made a journal")
			}
		})
	}
}
