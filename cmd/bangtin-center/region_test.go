package main_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/pki"
	"bangtin/internal/trust"
)

// A region is a centre as it stands in the field: the folder that `bangtin center init` makes, Mosquitto on the
// configuration in it, and the program bangtin-center, each in a process of its own.
type region struct {
	t        *testing.T
	dir      string
	port     string // of the broker for displays
	metrics  string
	document *trust.Document
	ca       *pki.Authority

	broker, centre *process
}

func newRegion(t *testing.T) *region {
	t.Helper()
	g := &region{t: t, dir: filepath.Join(t.TempDir(), "centre")}
	raiseFiles(t)
	programs := build(t)
	_, g.port, _ = strings.Cut(freeAddress(t), ":")
	_, department, _ := strings.Cut(freeAddress(t), ":")
	g.metrics = freeAddress(t)
	g.make(filepath.Join(programs, "bangtin"), department)
	g.broker = g.spawn("mosquitto", "-c", filepath.Join(g.dir, "broker", "mosquitto.conf"))
	g.eventually("the broker runs", func() bool { return strings.Contains(g.broker.out.String(), " running\n") })
	g.centre = g.spawn(filepath.Join(programs, "bangtin-center"), "--dir", g.dir, "run")
	g.eventually("the centre hears", func() bool { return g.metric("bangtin_broker_connected") == "1" })
	return g
}

// build compiles what the test starts, as it is shipped.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+"/", "bangtin/cmd/bangtin", "bangtin/cmd/bangtin-center").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot build: %v\n%s", err, out)
	}
	return dir
}

// raiseFiles lets this process and those it starts hold as many files as the system allows: Go raises its own limit, and
// lowers it again for others.
func raiseFiles(t *testing.T) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}

// make has the tool make the centre's folder, and adds what people would: the trust document, and ports that are free.
func (g *region) make(tool, department string) {
	g.t.Helper()
	_, https, _ := strings.Cut(freeAddress(g.t), ":")
	args := []string{"center", "init", "--dir", g.dir, "--host", "127.0.0.1", "--broker-port", g.port, "--department-port", department, "--https-port", https}
	if os.Getuid() == 0 {
		args = append(args, "--broker-user", "root") // else it becomes a user who may not read the test's folder
	}
	if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
		g.t.Fatalf("center init: %v\n%s", err, out)
	}
	config := string(must(os.ReadFile(g.path("center.toml")))(g.t))
	config = strings.Replace(config, "127.0.0.1:9464", g.metrics, 1)
	config += "time = \"trusted\"\n" // nobody may keep the clock of the machine of a test
	people := must(brokertest.NewDepartment())(g.t)
	g.document = people.Document
	key := must(ssh.ParseRawPrivateKey(must(os.ReadFile(g.path("keys/centre.key")))(g.t)))(g.t)
	public := key.(*ed25519.PrivateKey).Public().(ed25519.PublicKey)
	g.document.Keys = append(g.document.Keys, trust.NewKey(public, "may-chu", "may-chu"))
	grant := trust.Grant{Threshold: 1, Members: []trust.Member{{Key: trust.KeyID(public)}}}
	g.document.Roles[trust.RoleCollect], g.document.Roles[trust.RoleTime] = grant, grant
	if err := os.WriteFile(g.path("trust.json"), must(g.document.Seal(people.Keepers...))(g.t), 0o600); err != nil {
		g.t.Fatal(err)
	}
	g.ca = must(pki.LoadAuthority(g.path("pki/ca.pem"), g.path("pki/ca.key")))(g.t)
	if err := os.WriteFile(g.path("center.toml"), []byte(config), 0o600); err != nil {
		g.t.Fatal(err)
	}
}

func (g *region) path(name string) string { return filepath.Join(g.dir, name) }

// A process is a program beside the test, which dies with it.
type process struct {
	cmd    *exec.Cmd
	out    *lockedBuffer
	exited chan struct{}
}

func (g *region) spawn(program string, args ...string) *process {
	g.t.Helper()
	p := &process{cmd: exec.Command(program, args...), out: &lockedBuffer{}, exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() { // the kernel ties the process to this thread
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // how it ended is of no interest
		}
	}()
	if err := <-started; err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		p.stop()
		if g.t.Failed() {
			g.t.Logf("%s:\n%.4000s", filepath.Base(program), p.out)
		}
	})
	return p
}

// stop ends it in good order; it is harmless the second time.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	<-p.exited
}

func (g *region) eventually(what string, holds func() bool) {
	g.t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatalf("never came true: %s", what)
		}
	}
}

func (g *region) metric(name string) string { return metric(g.metrics, name) }

// A cost is what a process has used since its start, and holds now.
type cost struct {
	cpu      time.Duration
	resident int64 // bytes
}

// costOf asks the kernel about a process.
func costOf(t *testing.T, pid int) cost {
	t.Helper()
	stat := string(must(os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)))(t))
	words := strings.Fields(stat[strings.LastIndex(stat, ") ")+2:]) // the name before it may hold blanks
	var c cost
	for _, w := range words[11:13] { // utime and stime in ticks of 1/100 s, proc(5)
		c.cpu += time.Duration(must(strconv.ParseInt(w, 10, 64))(t)) * 10 * time.Millisecond
	}
	c.resident = must(strconv.ParseInt(words[21], 10, 64))(t) * int64(os.Getpagesize())
	return c
}

// machineLoad is the load of the whole machine in the last minute.
func machineLoad(t *testing.T) string {
	t.Helper()
	first, _, _ := bytes.Cut(must(os.ReadFile("/proc/loadavg"))(t), []byte(" "))
	return string(first)
}
