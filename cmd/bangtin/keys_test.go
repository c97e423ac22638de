package main

import (
	"bytes"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"

	"github.com/creack/pty"
)

func TestKeysNew(t *testing.T) {
	d := newDesk(t)
	out := d.must("keys new --person le.ca --name Lê_Thị_Ca --out @ca.key --no-passphrase")
	info, err := os.Stat(d.path("ca.key"))
	d.check(err)
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("private key has mode %v", info.Mode())
	}
	key, err := readPublic(d.path("ca.pub"))
	d.check(err)
	if key.Person != "le.ca" || key.Name != "Lê Thị Ca" || !strings.Contains(out, key.ID) {
		t.Errorf("public key %+v; said %s", key, out)
	}
	private := d.read("ca.key")
	d.refuses("keys new --person le.ca --name Ca --out @ca.key --no-passphrase", exitFailed, "@ca.pub", "never overwritten")
	d.check(os.Remove(d.path("ca.pub")))
	d.refuses("keys new --person le.ca --name Ca --out @ca.key --no-passphrase", exitFailed, "@ca.key", "never overwritten")
	if !bytes.Equal(private, d.read("ca.key")) {
		t.Error("the private key was overwritten")
	}
	leftovers(d, ".")
}

func TestKeysNewRefuses(t *testing.T) {
	d := newDesk(t)
	d.write("short", []byte("1234567\n"))
	tests := map[string]struct {
		line string
		code int
		word string
	}{
		"no terminal":        {"", exitUsage, "no terminal"},
		"short passphrase":   {"--passphrase-file @short", exitFailed, "at least 8"},
		"no such file":       {"--passphrase-file @none", exitFailed, "@none"},
		"both":               {"--passphrase-file @short --no-passphrase", exitUsage, "give one"},
		"name with a bell":   {"--no-passphrase --name \a", exitUsage, "--name"},
		"folder not there":   {"--no-passphrase --out @none/k.key", exitFailed, "cannot be written"},
		"capital in person":  {"--no-passphrase --person An", exitUsage, "--person"},
		"newline in person":  {"--no-passphrase --person a\nb", exitUsage, "unexpected"},
		"out would be a pub": {"--no-passphrase --out @an.key", exitFailed, "never overwritten"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses("keys new --person an --name An --out @new.key "+tt.line, tt.code, tt.word)
			if _, err := os.Stat(d.path("new.key")); err == nil {
				t.Error("a key was written")
			}
		})
	}
}

func TestProtectedKeySignsWithItsPassphraseAlone(t *testing.T) {
	d := newDesk(t)
	d.write("good", []byte("con cá vàng\r\nsecond line\n"))
	d.write("wrong", []byte("con cá xanh\n"))
	d.must("keys new --person ca --name Ca --out @ca.key --passphrase-file @good")
	if !bytes.Contains(d.read("ca.key"), []byte("OPENSSH PRIVATE KEY")) {
		t.Error("not in OpenSSH's format")
	}
	order := "power --display tinh-bien-01 --state schedule --reason r --key @ca.key --out @o.json"
	d.refuses(order, exitUsage, "--passphrase-file")
	d.refuses(order+" --passphrase-file @wrong", exitFailed, "@ca.key", "check the passphrase")
	d.must(order + " --passphrase-file @good")
}

func TestPassphraseIsAskedTwiceOnATerminal(t *testing.T) {
	tests := map[string]struct {
		typed string
		code  int
	}{
		"the same twice": {"con cá vàng\ncon cá vàng\n", exitOK},
		"a slip":         {"con cá vàng\ncon cá vang\n", exitFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			master, tty, err := pty.Open()
			d.check(err)
			t.Cleanup(func() {
				master.Close()
				tty.Close()
			})
			_, err = master.WriteString(tt.typed)
			d.check(err)
			var said bytes.Buffer
			p := &Program{
				Args:  []string{"keys", "new", "--person", "ca", "--name", "Ca", "--out", d.path("ca.key")},
				Stdin: tty, Stdout: &said, Stderr: &said, Getenv: func(string) string { return "" }, Now: time.Now,
			}
			if code := p.Run(t.Context()); code != tt.code {
				t.Fatalf("exit %d, want %d\n%s", code, tt.code, said.String())
			}
			if strings.Contains(said.String(), "con cá") || strings.Count(said.String(), "mật khẩu") < 1 {
				t.Errorf("said:\n%s", said.String())
			}
			if _, err := os.Stat(d.path("ca.key")); (err == nil) != (tt.code == exitOK) {
				t.Errorf("key: %v", err)
			}
		})
	}
}

// OpenSSH's own tool reads the keys and calls them by the same name.
func TestOpenSSHUnderstandsTheKeys(t *testing.T) {
	tool, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed: nothing to compare with")
	}
	d := newDesk(t)
	d.write("pass", []byte("con cá vàng\n"))
	d.must("keys new --person ca --name Lê_Ca --out @ca.key --passphrase-file @pass")
	pub, err := exec.CommandContext(t.Context(), tool, "-y", "-P", "con cá vàng", "-f", d.path("ca.key")).CombinedOutput()
	if err != nil || !bytes.Equal(bytes.TrimSpace(pub), bytes.TrimSpace(d.read("ca.pub"))) {
		t.Errorf("%v: ssh-keygen makes %s of the private key, beside it lies %s", err, pub, d.read("ca.pub"))
	}
	key, err := readPublic(d.path("ca.pub"))
	d.check(err)
	line, err := exec.CommandContext(t.Context(), tool, "-lf", d.path("ca.pub")).CombinedOutput()
	if err != nil || !strings.Contains(string(line), key.ID) {
		t.Errorf("%v: ssh-keygen says %s, the key's id is %s", err, line, key.ID)
	}
}

func TestReadPublicRefuses(t *testing.T) {
	d := newDesk(t)
	good := string(d.read("an.pub"))
	fields := strings.Fields(good)
	tests := map[string]string{
		"empty":         "",
		"no name":       strings.Join(fields[:3], " "),
		"no comment":    strings.Join(fields[:2], " "),
		"capitals":      fields[0] + " " + fields[1] + " An Nguyễn",
		"two keys":      good + good,
		"private key":   string(d.read("an.key")),
		"not this kind": "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA== a b",
	}
	for name, line := range tests {
		t.Run(name, func(t *testing.T) {
			d.write("bad.pub", []byte(line))
			if key, err := readPublic(d.path("bad.pub")); err == nil {
				t.Errorf("read %+v", key)
			}
		})
	}
	d.write("crlf.pub", []byte(strings.ReplaceAll(good, "\n", "\r\n")))
	key, err := readPublic(d.path("crlf.pub"))
	if err != nil || !trust.ValidName(key.Name) {
		t.Errorf("a file with Windows line ends: %+v, %v", key, err)
	}
}

// leftovers fails when a temporary file stayed behind.
func leftovers(d *desk, folder string) {
	d.t.Helper()
	entries, err := os.ReadDir(d.path(folder))
	d.check(err)
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".part") {
			d.t.Errorf("%s stayed behind in %s", e.Name(), folder)
		}
	}
}
