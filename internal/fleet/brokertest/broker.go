package brokertest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Common names with a right beyond their own level: the centre may read and write everything, the observer read it.
// The operator has what PROTOCOL.md leaves to a person of the department.
const (
	CentreName   = "centre"
	ObserverName = "observer"
	OperatorName = "operator-truc-ban"
)

// startTimeout is for Mosquitto to listen; it takes some 20 ms.
const startTimeout = 10 * time.Second

// A Broker is a real Mosquitto on a loopback port, set up as in the field: TLS with client certificates, the
// certificate's name as user and client id, and patterns that keep each display on its own level. It keeps nothing
// on disk: killed, it has forgotten everything, which is the worst that a broker may do.
type Broker struct {
	CA   *CA
	Addr string // 127.0.0.1:port, the same after a restart

	dir string

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
	output lockedBuffer
}

// The ACL of PROTOCOL.md. %u is the certificate's common name.
const acl = `user ` + CentreName + `
topic readwrite bt/v1/#

user ` + ObserverName + `
topic read bt/v1/#

user ` + OperatorName + `
topic read bt/v1/d/+/conn
topic read bt/v1/d/+/state
topic read bt/v1/d/+/cmd/ack
topic readwrite bt/v1/d/+/desired/+
topic write bt/v1/d/+/cmd/req

pattern write bt/v1/d/%u/conn
pattern write bt/v1/d/%u/state
pattern write bt/v1/d/%u/evt
pattern write bt/v1/d/%u/cmd/ack
pattern write bt/v1/d/%u/time/req
pattern read bt/v1/d/%u/evt/ack
pattern read bt/v1/d/%u/desired/+
pattern read bt/v1/d/%u/cmd/req
pattern read bt/v1/d/%u/time/resp
`

// NewBroker prepares a broker with its own CA in dir and starts it. Close ends it; it also dies with this process.
func NewBroker(dir string) (*Broker, error) {
	ca, err := NewCA("test CA")
	if err != nil {
		return nil, err
	}
	b := &Broker{CA: ca, dir: dir}
	server, err := ca.Issue(Leaf{CommonName: "broker", Hosts: []string{"127.0.0.1", "localhost"}})
	if err != nil {
		return nil, err
	}
	if err := b.UseCertificate(server); err != nil {
		return nil, err
	}
	for range 5 { // a free port may be taken by somebody else before Mosquitto has it
		if err = b.startAnywhere(); err == nil {
			return b, nil
		}
	}
	return nil, err
}

func (b *Broker) startAnywhere() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	b.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	if err := b.write(map[string][]byte{
		"mosquitto.conf": []byte(b.conf(port)), "acl": []byte(acl), "clients.pem": b.CA.PEM,
	}); err != nil {
		return err
	}
	return b.Start()
}

// conf leaves message_size_limit open: wire.MaxOrder must get through, and a display has to bear longer ones too.
func (b *Broker) conf(port int) string {
	conf := fmt.Sprintf(`listener %d 127.0.0.1
cafile %[2]s/clients.pem
certfile %[2]s/server.pem
keyfile %[2]s/server.key
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file %[2]s/acl
persistence false
set_tcp_nodelay true
log_dest stderr
`, port, b.dir)
	if os.Getuid() == 0 {
		conf += "user root\n" // else it becomes a user who may not read the test's folder
	}
	return conf
}

func (b *Broker) write(files map[string][]byte) error {
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(b.dir, name), data, 0o600); err != nil {
			return fmt.Errorf("cannot set up broker: %w", err)
		}
	}
	return nil
}

// URL is what a display is configured with.
func (b *Broker) URL() string { return "tls://" + b.Addr }

// UseCertificate replaces the broker's own certificate from its next start on.
func (b *Broker) UseCertificate(p Pair) error {
	return b.write(map[string][]byte{"server.pem": p.Certificate, "server.key": p.Key})
}

// Issue writes the files of a client, in a folder of its own.
func (b *Broker) Issue(commonName string) (Files, error) {
	dir, err := os.MkdirTemp(b.dir, "client-")
	if err != nil {
		return Files{}, fmt.Errorf("cannot issue certificate: %w", err)
	}
	return b.CA.IssueFiles(dir, "client", Leaf{CommonName: commonName})
}

// Start starts the broker and returns when it listens.
func (b *Broker) Start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd != nil {
		return errors.New("cannot start broker: it runs")
	}
	cmd := exec.Command("mosquitto", "-c", filepath.Join(b.dir, "mosquitto.conf"))
	cmd.Stdout, cmd.Stderr = &b.output, &b.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runs := b.runs()
	exited, err := startTied(cmd)
	if err != nil {
		return fmt.Errorf("cannot start broker: %w", err)
	}
	b.cmd, b.exited = cmd, exited
	return b.awaitListening(runs)
}

// startTied starts a process that dies with this one. The kernel ties it to the thread that started it, so that
// thread has to wait for its end.
func startTied(cmd *exec.Cmd) (exited chan struct{}, err error) {
	exited, started := make(chan struct{}), make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(exited)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how a killed broker ended is of no interest
		}
	}()
	return exited, <-started
}

// awaitListening waits for Mosquitto's own word: on its port another test's broker may be listening.
func (b *Broker) awaitListening(runs int) error {
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); {
		select {
		case <-b.exited:
			b.cmd = nil
			return fmt.Errorf("cannot start broker: it ended:\n%s", b.Log())
		case <-time.After(10 * time.Millisecond):
		}
		if b.runs() > runs {
			return nil
		}
	}
	return fmt.Errorf("cannot start broker: it does not listen:\n%s", b.Log())
}

// runs counts how often Mosquitto has said that it runs.
func (b *Broker) runs() int { return strings.Count(b.Log(), " running\n") }

// Kill ends the broker with SIGKILL and returns when it is gone. Killing one that does not run is harmless.
func (b *Broker) Kill() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return nil
	}
	if err := b.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot kill broker: %w", err)
	}
	<-b.exited
	b.cmd = nil
	return nil
}

// Close is Kill: the broker has nothing to put in order.
func (b *Broker) Close() error { return b.Kill() }

// Log is what the broker has written since the beginning.
func (b *Broker) Log() string { return b.output.String() }

// freePort finds a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("cannot find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// A lockedBuffer may be written by a process and read by a test at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
