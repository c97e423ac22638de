//go:build unix

package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"bangtin/internal/trust"
	"bangtin/internal/wire"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// startAgent runs OpenSSH's agent and gives it the keys. The desk uses it.
func startAgent(d *desk, env []string, add ...string) *exec.Cmd {
	d.t.Helper()
	for _, tool := range []string{"ssh-agent", "ssh-add"} {
		if _, err := exec.LookPath(tool); err != nil {
			d.t.Skipf("%s is not installed: there is no real agent to sign with", tool)
		}
	}
	dir, err := os.MkdirTemp("", "agent-") // a socket's path holds 107 bytes: t.TempDir() is too deep for one
	d.check(err)
	d.t.Cleanup(func() { d.check(os.RemoveAll(dir)) })
	d.agent = filepath.Join(dir, "s")
	cmd := exec.Command("ssh-agent", "-D", "-a", d.agent)
	cmd.Env = append(os.Environ(), env...)
	d.check(cmd.Start())
	d.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait() // it was killed
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("unix", d.agent)
		if err == nil {
			d.check(conn.Close())
			break
		}
		if time.Now().After(end) {
			d.t.Fatalf("ssh-agent does not listen: %v", err)
		}
	}
	for _, words := range add {
		out, err := d.sshAdd(words)
		if err != nil {
			d.t.Fatalf("ssh-add %s: %v\n%s", words, err, out)
		}
	}
	return cmd
}

// sshAdd runs ssh-add with the options that stand before the name of a key.
func (d *desk) sshAdd(words string) ([]byte, error) {
	var args []string
	for _, w := range bytes.Fields([]byte(words)) {
		args = append(args, string(w))
	}
	args[len(args)-1] = d.path(args[len(args)-1])
	cmd := exec.CommandContext(d.t.Context(), "ssh-add", args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+d.agent)
	return cmd.CombinedOutput()
}

const agentOrder = "power --display tinh-bien-01 --state schedule --reason r --trust @trust.json --out @o.json --key "

func TestKeysOfARealAgentSign(t *testing.T) {
	d := newDesk(t)
	d.trust()
	startAgent(d, nil, "duc.key", "an.key")
	for name, key := range map[string]string{"fingerprint": "agent:" + d.fingerprint("duc"), "public half": "@duc.pub"} {
		t.Run(name, func(t *testing.T) {
			d.must(agentOrder + key)
			doc, err := trust.ParseDocument(d.read("trust.json"))
			d.check(err)
			v, err := doc.Verify(d.read("o.json"), trust.TypePower)
			d.check(err)
			if _, err := wire.ParsePowerOrder(v.Payload); err != nil || v.People[0] != "pham.duc" {
				t.Errorf("signed by %v: %v", v.People, err)
			}
		})
	}
	d.check(os.Remove(d.path("o.json")))
	d.refuses(agentOrder+"agent:"+d.fingerprint("an"), exitFailed, "without the role")
	d.refuses(agentOrder+"agent:"+d.fingerprint("binh"), exitFailed, "not among the keys of the ssh-agent", "ssh-add -l")
	d.refuses(agentOrder+"agent:SHA256:nonsense", exitFailed, "not among the keys")
	d.refuses(agentOrder+"@none.pub", exitFailed, "cannot be read")
	d.write("bad.pub", []byte("ssh-ed25519 nonsense"))
	d.refuses(agentOrder+"@bad.pub", exitFailed, "not a public SSH key")
}

// What the agent makes is plain Ed25519 over the message, up to the longest message it takes.
func TestAgentSignsPlainEd25519(t *testing.T) {
	d := newDesk(t)
	startAgent(d, nil, "duc.key")
	p := &Program{Getenv: d.getenv}
	s, err := p.agentKey("agent:" + d.fingerprint("duc"))
	d.check(err)
	for _, n := range []int{0, 1, 4096, maxAgent} {
		message := bytes.Repeat([]byte{'m'}, n)
		sig, err := s.Sign(message)
		if err != nil || !ed25519.Verify(s.Public(), message, sig) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := s.Sign(make([]byte, maxAgent+1)); err == nil {
		t.Error("signed more than the agent takes")
	}
}

func TestAgentThatDoesNotSign(t *testing.T) {
	key := func(d *desk) string { return agentOrder + "agent:" + d.fingerprint("duc") }
	t.Run("none runs", func(t *testing.T) {
		d := newDesk(t)
		d.trust()
		d.refuses(key(d), exitFailed, "SSH_AUTH_SOCK is not set")
	})
	t.Run("locked", func(t *testing.T) {
		d := newDesk(t)
		d.trust()
		startAgent(d, nil, "duc.key")
		d.lock()
		d.refuses(key(d), exitFailed, "not among the keys", "ssh-add -X")
	})
	t.Run("locked between list and signature", func(t *testing.T) {
		d := newDesk(t)
		startAgent(d, nil, "duc.key")
		s, err := (&Program{Getenv: d.getenv}).agentKey("agent:" + d.fingerprint("duc"))
		d.check(err)
		d.lock()
		if sig, err := s.Sign([]byte("m")); err == nil {
			t.Errorf("a locked agent signed: %x", sig)
		}
	})
	t.Run("asks its owner, who says no", func(t *testing.T) {
		d := newDesk(t)
		d.trust()
		startAgent(d, []string{"SSH_ASKPASS=/bin/false", "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0"}, "-c duc.key")
		d.refuses(key(d), exitFailed, "not used by the ssh-agent")
	})
	t.Run("died", func(t *testing.T) {
		d := newDesk(t)
		d.trust()
		cmd := startAgent(d, nil, "duc.key")
		d.check(cmd.Process.Kill())
		cmd.Wait() // it was killed
		d.refuses(key(d), exitFailed, "does not answer")
	})
	t.Run("hangs", func(t *testing.T) {
		d := newDesk(t)
		d.trust()
		cmd := startAgent(d, nil, "duc.key")
		d.check(cmd.Process.Signal(syscall.SIGSTOP))
		d.wait = 200 * time.Millisecond
		d.refuses(key(d), exitFailed, "does not answer", "timeout")
	})
	t.Run("hangs at the signature", func(t *testing.T) {
		d := newDesk(t)
		cmd := startAgent(d, nil, "duc.key")
		s, err := (&Program{Getenv: d.getenv, AgentWait: 50 * time.Millisecond}).agentKey("agent:" + d.fingerprint("duc"))
		d.check(err)
		d.check(cmd.Process.Signal(syscall.SIGSTOP))
		if sig, err := s.Sign([]byte("m")); err == nil {
			t.Errorf("a stopped agent signed: %x", sig)
		}
	})
}

// lock locks the agent, as ssh-add -x does after asking on a terminal.
func (d *desk) lock() {
	d.t.Helper()
	conn, err := net.Dial("unix", d.agent)
	d.check(err)
	d.check(agent.NewClient(conn).Lock([]byte("con cá vàng")))
	d.check(conn.Close())
}

func TestKeysOfOtherKindsAreRefused(t *testing.T) {
	d := newDesk(t)
	d.trust()
	startAgent(d, nil)
	public := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	sk, err := ssh.ParsePublicKey(ssh.Marshal(struct {
		Name        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, public, "ssh:"}))
	d.check(err)
	d.write("fido.pub", ssh.MarshalAuthorizedKey(sk))
	d.refuses(agentOrder+"@fido.pub", exitFailed, "@fido.pub", "FIDO", "sk-ssh-ed25519")
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	d.check(err)
	other, err := ssh.NewPublicKey(private.Public())
	d.check(err)
	d.write("ecdsa.pub", ssh.MarshalAuthorizedKey(other))
	d.refuses(agentOrder+"@ecdsa.pub", exitFailed, "ecdsa-sha2-nistp256", "ssh-ed25519")
}
