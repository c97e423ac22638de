package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
)

// patience is how long anything may take before a test gives up on it. It decides nothing else.
const patience = 20 * time.Second

// A field is a centre as the tool makes it, with the real broker on its configuration, and the centre's HTTPS.
type field struct {
	*desk
	ports  [3]int // displays, department, HTTPS
	server *httptest.Server

	cmd    *exec.Cmd
	exited chan struct{}
	mu     sync.Mutex
	output bytes.Buffer
}

func newField(t *testing.T) *field {
	t.Helper()
	f := &field{desk: newDesk(t)}
	f.now = time.Now()
	for i := range f.ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		f.check(err)
		defer l.Close()
		f.ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	user := ""
	if os.Getuid() == 0 {
		user = " --broker-user root" // else it becomes a user who may not read the test's folder
	}
	f.must(fmt.Sprintf("center init --dir @c --host localhost --host 127.0.0.1 --broker-port %d --department-port %d --https-port %d%s",
		f.ports[0], f.ports[1], f.ports[2], user))
	f.must("trust new --organisation Sở_KHCN --grant playlist:editor=@an.pub --grant playlist:approver=@binh.pub --grant power=@duc.pub " +
		"--grant collect=@c/keys/centre.pub --grant time=@c/keys/centre.pub --grant trust=@r1.pub --grant trust=@r2.pub --sign @r1.key --sign @r2.key --out @c/trust.json")
	return f
}

func (f *field) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.output.Write(p)
}

func (f *field) brokerLog() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.output.String()
}

// startBroker starts Mosquitto and returns when it says that it runs.
func (f *field) startBroker() {
	f.t.Helper()
	runs := strings.Count(f.brokerLog(), " running")
	started := make(chan error)
	f.exited = make(chan struct{})
	go func() { // the kernel ties the broker's life to this thread
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(f.exited)
		f.cmd = exec.Command("mosquitto", "-c", f.path("c/broker/mosquitto.conf"))
		f.cmd.Stdout, f.cmd.Stderr = f, f
		f.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		err := f.cmd.Start()
		started <- err
		if err == nil {
			f.cmd.Wait()
		}
	}()
	f.check(<-started)
	f.t.Cleanup(f.stopBroker)
	f.until("the broker runs", func() bool { return strings.Count(f.brokerLog(), " running") > runs })
}

func (f *field) stopBroker() {
	f.cmd.Process.Signal(syscall.SIGTERM)
	<-f.exited
}

func (f *field) until(what string, ok func() bool) {
	f.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("not seen: %s\nbroker: %s", what, f.brokerLog())
		}
	}
}

// serve is the centre's HTTPS, with what the display's enrolment needs of it.
func (f *field) serve() {
	f.t.Helper()
	c := f.centre()
	f.server = httptest.NewUnstartedServer((&Program{Now: func() time.Time { return f.now }}).enroller(c).Handler())
	pair, err := tls.LoadX509KeyPair(c.path("pki/server.pem"), c.path("pki/server.key"))
	f.check(err)
	f.server.TLS = &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert}
	f.server.StartTLS()
	f.t.Cleanup(f.server.Close)
}

func (f *field) centre() *centre {
	f.t.Helper()
	c, err := (&Program{Now: func() time.Time { return f.now }}).openCentre(f.path("c"))
	f.check(err)
	return c
}

var codePattern = regexp.MustCompile(`(?m)^  ([A-Z2-7-]{39})$`)

// code has a code made for a display.
func (f *field) code(device string) enrol.Code {
	f.t.Helper()
	m := codePattern.FindStringSubmatch(f.must("center enrol --dir @c --device " + device))
	if m == nil {
		f.t.Fatal("no code is printed")
	}
	code, err := enrol.ParseCode(m[1])
	f.check(err)
	return code
}

// display enrols one over HTTPS and returns its files.
func (f *field) display(device string) pki.Files {
	f.t.Helper()
	key, keyPEM, err := pki.NewKey()
	f.check(err)
	csr, err := pki.MakeRequest(key, device)
	f.check(err)
	a, err := enrol.Ask(f.t.Context(), f.server.URL, f.code(device), csr, f.now, f.now)
	f.check(err)
	return f.files(device, []byte(a.Certificate), keyPEM)
}

// files writes what one end of a connection needs.
func (f *field) files(name string, certificate, key []byte) pki.Files {
	f.t.Helper()
	dir := f.t.TempDir()
	files := pki.Files{CA: f.path("c/pki/ca.pem"), Certificate: filepath.Join(dir, name+".pem"), Key: filepath.Join(dir, name+".key")}
	f.check(os.WriteFile(files.Certificate, certificate, 0o600))
	f.check(os.WriteFile(files.Key, key, 0o600))
	return files
}

func (f *field) operator(name string) pki.Files {
	f.t.Helper()
	f.must("center operator --dir @c --name " + name)
	return pki.Files{CA: f.path("c/operators/" + name + "/ca.pem"), Certificate: f.path("c/operators/" + name + "/operator.pem"), Key: f.path("c/operators/" + name + "/operator.key")}
}

func (f *field) centreFiles() pki.Files {
	return pki.Files{CA: f.path("c/pki/ca.pem"), Certificate: f.path("c/pki/centre.pem"), Key: f.path("c/pki/centre.key")}
}

// A party is one client of the broker and what it has heard, each as "topic payload".
type party struct {
	client mqtt.Client
	gone   chan struct{}
	mu     sync.Mutex
	heard  []string
}

// connect returns the broker's refusal where it has one.
func (f *field) connect(files pki.Files, port int, id string) (*party, error) {
	conf, err := files.ClientConfig(func() time.Time { return f.now })
	f.check(err)
	p := &party{gone: make(chan struct{})}
	o := mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tls://127.0.0.1:%d", port)).SetClientID(id).SetProtocolVersion(4).SetTLSConfig(conf).
		SetAutoReconnect(false).SetConnectTimeout(patience).SetConnectionLostHandler(func(mqtt.Client, error) { close(p.gone) })
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.heard = append(p.heard, m.Topic()+" "+string(m.Payload()))
	})
	p.client = mqtt.NewClient(o)
	token := p.client.Connect()
	if !token.WaitTimeout(patience) {
		f.t.Fatal("the broker does not answer")
	}
	if token.Error() != nil {
		return nil, token.Error()
	}
	f.t.Cleanup(func() { p.client.Disconnect(0) })
	return p, nil
}

// join connects somebody who must be let in, and has it listen to everything there is.
func (f *field) join(files pki.Files, port int, id string, filters ...string) *party {
	f.t.Helper()
	p, err := f.connect(files, port, id)
	f.check(err)
	for _, filter := range filters {
		f.wait(p.client.Subscribe(filter, 1, nil))
	}
	return p
}

func (f *field) wait(token mqtt.Token) {
	f.t.Helper()
	if !token.WaitTimeout(patience) {
		f.t.Fatal("the broker does not answer")
	}
	f.check(token.Error())
}

// say publishes and waits for the broker's word, which is the same for what its ACL keeps back.
func (f *field) say(p *party, topic, payload string) {
	f.t.Helper()
	f.wait(p.client.Publish(topic, 1, false, payload))
}

func (p *party) has(line string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.heard, line)
}

func (p *party) lines() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.heard)
}
