package command_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"

	"bangtin/internal/control/command"
)

// privateBus starts a dbus-daemon of the test's own and returns its address.
func privateBus(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("dbus-daemon is not installed")
	}
	dir, err := os.MkdirTemp("", "bus-") // a socket's path holds 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	conf := filepath.Join(dir, "bus.conf")
	err = os.WriteFile(conf, fmt.Appendf(nil, `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=%s/bus</listen>
  <policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
`, dir), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--config-file="+conf, "--nofork", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // killed: its error says so
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(address)
}

// A login stands in for systemd-logind.
type login struct {
	mu     sync.Mutex
	asked  []bool
	refuse *dbus.Error
}

func (l *login) Reboot(interactive bool) *dbus.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, interactive)
	return l.refuse
}

func TestLogind(t *testing.T) {
	t.Parallel()
	address := privateBus(t)
	machine := command.Logind{Address: address}
	if err := machine.Reboot(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot reboot: ") {
		t.Errorf("without logind: %v", err)
	}
	bus, err := dbus.Connect(address, dbus.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	l := &login{}
	if err := bus.Export(l, "/org/freedesktop/login1", "org.freedesktop.login1.Manager"); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.RequestName("org.freedesktop.login1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	err = machine.Reboot(t.Context())
	l.mu.Lock()
	if err != nil || len(l.asked) != 1 || l.asked[0] {
		t.Errorf("asked %v, error %v", l.asked, err)
	}
	l.refuse = dbus.NewError("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", []any{"Interactive authentication required."})
	l.mu.Unlock()
	if err := machine.Reboot(t.Context()); err == nil || !strings.Contains(err.Error(), "authentication required") {
		t.Errorf("where it is not allowed: %v", err)
	}
	if err := (command.Logind{Address: "unix:path=/nowhere"}).Reboot(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot reach the system bus") {
		t.Errorf("without a bus: %v", err)
	}
}
