package chaos_test

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/pki"
	"bangtin/internal/trust"
)

// A world is a department's server with its broker, and the displays that it has.
type world struct {
	*testing.T
	form
	root, dir string // of everything, and the centre's folder
	ports     ports
	metrics   string // address

	department *brokertest.Department
	broker     *service
	centre     *service
	units      []*unit
	links      []*proxy // of the displays, the centre and the operator
	toCentre   *proxy
	toOperator *proxy

	mu     sync.Mutex
	totals map[string]float64 // what runs of the centre that are over have counted
}

type ports struct{ displays, department, https int }

// A unit is one display with its link.
type unit struct {
	id      string
	dir     string
	key     func() ed25519.PrivateKey // of its journal, once it has run
	link    *proxy
	process *service
	daemon  bool      // cmd/bangtind itself
	renewed time.Time // when settle cut it off
}

func newWorld(t *testing.T, f form) *world {
	w := &world{T: t, form: f, root: t.TempDir(), totals: map[string]float64{}}
	w.dir = filepath.Join(w.root, "centre")
	w.ports = ports{w.port(), w.port(), w.port()}
	w.metrics = fmt.Sprintf("127.0.0.1:%d", w.port())
	w.build()
	w.found()
	w.toCentre, w.toOperator = w.proxy(w.ports.department), w.proxy(w.ports.department)
	w.limit(w.firstLimit)
	w.broker = newService("broker", w.path("broker.log"), func() *exec.Cmd {
		return exec.Command("mosquitto", "-c", filepath.Join(w.dir, "broker", "mosquitto.conf"))
	})
	w.centre = newService("centre", w.path("centre.log"), func() *exec.Cmd {
		return exec.Command(w.path("bangtin-center"), "--dir", w.dir, "run")
	})
	for n := range f.displays {
		if id := fmt.Sprintf("cua-khau-%02d", n+1); n < f.daemons {
			w.daemon(id)
		} else {
			w.display(id)
		}
	}
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.root, name) }

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// port finds a free one below those that the system gives to outgoing connections: a broker that is down for a moment
// must find it again.
func (w *world) port() int {
	w.Helper()
	for range 100 {
		n := 20000 + int(randomUint64()%12000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(n)))
		if err != nil {
			continue
		}
		w.check(l.Close())
		return n
	}
	w.Fatal("no port is free")
	return 0
}

func randomUint64() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2])
}

func (w *world) proxy(port int) *proxy {
	p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", port))
	w.check(err)
	w.Cleanup(p.close)
	w.links = append(w.links, p)
	return p
}

// build makes the programs as they are shipped.
func (w *world) build() {
	out, err := exec.Command("go", "build", "-o", w.root+"/", "bangtin/cmd/bangtin", "bangtin/cmd/bangtin-center", "bangtin/cmd/bangtind").CombinedOutput()
	if err != nil {
		w.Fatalf("cannot build: %v\n%s", err, out)
	}
}

func (w *world) tool(args ...string) {
	w.Helper()
	if out, err := exec.Command(w.path("bangtin"), args...).CombinedOutput(); err != nil {
		w.Fatalf("bangtin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// found makes the centre's folder as an administrator does, with an operator and a trust document.
func (w *world) found() {
	w.Helper()
	number := func(n int) string { return strconv.Itoa(n) }
	args := []string{"center", "init", "--dir", w.dir, "--host", "127.0.0.1", "--broker-port", number(w.ports.displays),
		"--department-port", number(w.ports.department), "--https-port", number(w.ports.https)}
	if os.Getuid() == 0 {
		args = append(args, "--broker-user", "root") // else it becomes a user who may not read the test's folder
	}
	w.tool(args...)
	w.tool("center", "operator", "--dir", w.dir, "--name", "truc-ban")
	var err error
	w.department, err = brokertest.NewDepartment()
	w.check(err)
	raw, err := os.ReadFile(filepath.Join(w.dir, "keys", "centre.key"))
	w.check(err)
	key, err := ssh.ParseRawPrivateKey(raw)
	w.check(err)
	public := key.(*ed25519.PrivateKey).Public().(ed25519.PublicKey)
	doc := w.department.Document
	doc.Keys = append(doc.Keys, trust.NewKey(public, "may-chu", "may-chu"))
	grant := trust.Grant{Threshold: 1, Members: []trust.Member{{Key: trust.KeyID(public)}}}
	doc.Roles[trust.RoleCollect], doc.Roles[trust.RoleTime] = grant, grant
	sealed, err := doc.Seal(w.department.Keepers...)
	w.check(err)
	w.write(filepath.Join(w.dir, "trust.json"), sealed)
}

// write replaces a file at once.
func (w *world) write(path string, data []byte) {
	w.Helper()
	w.check(os.WriteFile(path+".new", data, 0o600))
	w.check(os.Rename(path+".new", path))
}

// limit is what the administrator lets the database have, in MiB; 0 is no limit.
func (w *world) limit(mebibytes int) {
	w.write(filepath.Join(w.dir, "center.toml"), fmt.Appendf(nil,
		"listen = \"127.0.0.1:%d\"\nmetrics = %q\nbroker = \"tls://%s\"\nwindows = [\"00:00-24:00\"]\nmax_database = %d\n",
		w.ports.https, w.metrics, w.toCentre.address(), mebibytes))
}

// enrol certifies a display, with an id of its own, and makes it ready to be started.
func (w *world) enrol(id string) *unit {
	w.Helper()
	u := &unit{id: id, dir: w.path(id), link: w.proxy(w.ports.displays)}
	w.check(os.Mkdir(u.dir, 0o700))
	key, keyPEM, err := pki.NewKey()
	w.check(err)
	csr, err := pki.MakeRequest(key, id)
	w.check(err)
	request, err := pki.ParseRequest(csr)
	w.check(err)
	certificate, err := pki.OpenOffice(filepath.Join(w.dir, "pki"), time.Now).CertifyDisplay(request)
	w.check(err)
	w.write(u.path("device.pem"), certificate)
	w.write(u.path("device.key"), keyPEM)
	w.units = append(w.units, u)
	return u
}

func (u *unit) path(name string) string { return filepath.Join(u.dir, name) }

func (w *world) content() string { return fmt.Sprintf("https://127.0.0.1:%d/content/", w.ports.https) }

// display is one of the daemon's parts, in a process of this test's binary.
func (w *world) display(id string) {
	w.Helper()
	u := w.enrol(id)
	_, key, err := ed25519.GenerateKey(nil)
	w.check(err)
	u.key = func() ed25519.PrivateKey { return key }
	raw, err := json.Marshal(settings{
		ID: id, Dir: u.dir, Broker: "tls://" + u.link.address(), Content: w.content(),
		Trust: filepath.Join(w.dir, "trust.json"), Seed: key.Seed(), Backlog: w.backlog, Rate: w.rate,
		Files: pki.Files{CA: filepath.Join(w.dir, "pki", "ca.pem"), Certificate: u.path("device.pem"), Key: u.path("device.key")},
	})
	w.check(err)
	w.write(u.path("settings.json"), raw)
	u.process = newService(id, u.path("log"), func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), envDisplay+"="+u.path("settings.json"))
		return cmd
	})
	u.process.expects = exitReboot
}

func (w *world) services() []*service {
	all := []*service{w.broker, w.centre}
	for _, u := range w.units {
		all = append(all, u.process)
	}
	return all
}

// run starts everything. What it returns ends it.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var g errgroup.Group
	for _, s := range w.services() {
		g.Go(func() error { return s.run(ctx) })
	}
	return sync.OnceFunc(func() {
		cancel()
		w.check(g.Wait())
	})
}

// count reads every line of /metrics; nil while nobody answers.
func (w *world) count() map[string]float64 {
	client := http.Client{Timeout: 2 * time.Second}
	answer, err := client.Get("http://" + w.metrics + "/metrics")
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	found := map[string]float64{}
	for lines := bufio.NewScanner(io.LimitReader(answer.Body, 1<<20)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil && strings.HasPrefix(name, "bangtin_") {
			found[name] = n
		}
	}
	return found
}

// keepCount adds what the present run of the centre has counted to the totals. It is called just before its end.
func (w *world) keepCount() {
	now := w.count()
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, n := range now {
		w.totals[name] += n
	}
}

// reload has the centre read its limit again. One that has just been started, and does not listen to the signal yet,
// would end by it, and reads the file anyway.
func (w *world) reload() {
	if w.count() != nil {
		w.centre.signal(syscall.SIGHUP)
	}
}
