package main

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
	"bangtin/internal/wire"
)

// From nothing to a display, an operator and the centre on the real broker with the configuration as written, and
// Mosquitto finds nothing in it to complain about.
func TestCentreFromNothing(t *testing.T) {
	f := newField(t)
	f.serve()
	operator := f.operator("truc-ban")
	f.startBroker()
	for line := range strings.Lines(f.brokerLog()) {
		asRoot := strings.Contains(line, "should not be run as root") && os.Getuid() == 0
		if !asRoot && (strings.Contains(line, "Warning") || strings.Contains(line, "Error") || strings.Contains(line, "Note:")) {
			t.Errorf("the broker says: %s", line)
		}
	}
	display := f.join(f.display("tinh-bien-01"), f.ports[0], "x", "bt/v1/d/tinh-bien-01/#")
	centre := f.join(f.centreFiles(), f.ports[1], "centre", "bt/v1/d/+/conn")
	o := f.join(operator, f.ports[1], "operator-1")
	f.say(o, "bt/v1/d/tinh-bien-01/cmd/req", "order")
	f.say(display, "bt/v1/d/tinh-bien-01/conn", "here")
	f.until("the order arrives", func() bool { return display.has("bt/v1/d/tinh-bien-01/cmd/req order") })
	f.until("the birth arrives", func() bool { return centre.has("bt/v1/d/tinh-bien-01/conn here") })

	// The largest signed message gets through; whoever sends more is cut off.
	largest := strings.Repeat("x", wire.MaxOrder)
	f.say(o, "bt/v1/d/tinh-bien-01/desired/playlist", largest)
	f.until("the largest message arrives", func() bool { return display.has("bt/v1/d/tinh-bien-01/desired/playlist " + largest) })
	o.client.Publish("bt/v1/d/tinh-bien-01/desired/playlist", 1, false, strings.Repeat("x", packetLimit+1))
	f.until("who sends more is cut off", func() bool {
		select {
		case <-o.gone:
			return true
		default:
			return false
		}
	})
}

// Everybody says something on every topic of two displays, and everybody listens to everything. Who heard what is
// exactly what the table of rights gives: a publish that the ACL keeps back succeeds too.
func TestEveryRightBothWays(t *testing.T) {
	f := newField(t)
	f.serve()
	operator := f.operator("truc-ban")
	f.startBroker()
	ids := []string{"tinh-bien-01", "tinh-bien-02"}
	own := func(words string) map[string]bool {
		m := map[string]bool{}
		for w := range strings.FieldsSeq(words) {
			m[w] = true
		}
		return m
	}
	type rights struct {
		level       string // of which display; empty for all
		write, read map[string]bool
	}
	display := rights{
		write: own("conn state evt cmd/ack time/req"),
		read:  own("evt/ack desired/power desired/playlist desired/urgent desired/update desired/trust cmd/req time/resp"),
	}
	first, second := display, display
	first.level, second.level = ids[0], ids[1]
	may := map[string]rights{
		"first": first, "second": second,
		"centre": {write: own("evt/ack time/resp cmd/req desired/power desired/playlist desired/urgent desired/update desired/trust"), read: own("conn state evt cmd/ack time/req cmd/req desired/power desired/playlist desired/urgent desired/update desired/trust")},
		"operator": {write: own("desired/power desired/playlist desired/urgent desired/update desired/trust cmd/req"),
			read: own("conn state cmd/ack desired/power desired/playlist desired/urgent desired/update desired/trust")},
		"plus": {}, "hash": {},
	}
	parties := map[string]*party{
		"first": f.join(f.display(ids[0]), f.ports[0], "x", "#"), "second": f.join(f.display(ids[1]), f.ports[0], "x", "#"),
		"centre": f.join(f.centreFiles(), f.ports[1], "centre", "#"), "operator": f.join(operator, f.ports[1], "o", "#"),
	}
	// Should the authority ever have certified such a name, the broker gives it nothing.
	for name, wild := range map[string]string{"plus": "+", "hash": "#"} {
		if p, err := f.connect(f.certified(wild, time.Now()), f.ports[0], "x"); err == nil {
			p.client.Subscribe("#", 1, nil)
			parties[name] = p
		}
	}
	var topics []string
	for _, id := range append(ids, "+") {
		for _, level := range strings.Fields("conn state evt evt/ack desired/power desired/playlist desired/urgent desired/update desired/trust desired desired/x/y cmd/req cmd/ack cmd time/req time/resp other conn/x") {
			if id != "+" { // a wildcard cannot be published to
				topics = append(topics, id+"/"+level)
			}
		}
	}
	want := map[string][]string{}
	allowed := func(r rights, set map[string]bool, topic string) bool {
		id, level, _ := strings.Cut(topic, "/")
		return set[level] && (r.level == "" || r.level == id)
	}
	for from, p := range parties {
		for _, topic := range topics {
			f.say(p, "bt/v1/d/"+topic, from)
			for to := range parties {
				if allowed(may[from], may[from].write, topic) && allowed(may[to], may[to].read, topic) {
					want[to] = append(want[to], "bt/v1/d/"+topic+" "+from)
				}
			}
		}
		f.say(p, "bt/v1/other", from)
		f.say(p, "elsewhere", from)
	}
	// What comes to each after all this has come after all that it was to hear.
	f.say(parties["operator"], "bt/v1/d/tinh-bien-01/cmd/req", "end")
	f.say(parties["operator"], "bt/v1/d/tinh-bien-02/cmd/req", "end")
	f.say(parties["first"], "bt/v1/d/tinh-bien-01/conn", "end")
	for name, end := range map[string]string{"first": "tinh-bien-01/cmd/req", "second": "tinh-bien-02/cmd/req", "centre": "tinh-bien-01/conn", "operator": "tinh-bien-01/conn"} {
		f.until(name+" hears the end", func() bool { return parties[name].has("bt/v1/d/" + end + " end") })
	}
	for name, p := range parties {
		got := slices.DeleteFunc(p.lines(), func(s string) bool { return strings.HasSuffix(s, " end") })
		slices.Sort(got)
		slices.Sort(want[name])
		if !slices.Equal(slices.Compact(got), want[name]) {
			t.Errorf("%s heard %q, want %q", name, got, want[name])
		}
		if name == "first" && len(got) != 14 { // 5 that are desired and 1 request, twice, 2 answers of the centre
			t.Errorf("%d messages", len(got))
		}
	}
}

// certified has the displays' authority certify any name at any time, past what enrolment would refuse.
func (f *field) certified(name string, at time.Time) pki.Files {
	f.t.Helper()
	authority, err := tls.LoadX509KeyPair(f.path("c/pki/ca.pem"), f.path("c/pki/ca.key"))
	f.check(err)
	ca, err := x509.ParseCertificate(authority.Certificate[0])
	f.check(err)
	key, keyPEM, err := pki.NewKey()
	f.check(err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(at.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: at.Add(-time.Hour), NotAfter: at.AddDate(2, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, ca, &key.PublicKey, authority.PrivateKey)
	f.check(err)
	return f.files("x", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), keyPEM)
}

// shut wants the broker to refuse the connection, which is a refusal of the certificate and nothing else.
func (f *field) shut(what string, files pki.Files, port int) {
	f.t.Helper()
	if p, err := f.connect(files, port, "x"); err == nil {
		p.client.Disconnect(0)
		f.t.Errorf("%s is let in", what)
	}
}

func TestWhoIsLetIn(t *testing.T) {
	f, stranger := newField(t), newField(t)
	f.serve()
	stranger.serve()
	operator, display := f.operator("truc-ban"), f.display("tinh-bien-01")
	f.startBroker()
	foreign := stranger.display("tinh-bien-01")
	foreign.CA = display.CA
	f.shut("a display of another centre", foreign, f.ports[0])
	f.shut("a display at the department's door", display, f.ports[1])
	f.shut("an operator at the displays' door", operator, f.ports[0])
	f.shut("the centre at the displays' door", f.centreFiles(), f.ports[0])
	f.shut("the server's own certificate", pki.Files{CA: display.CA, Certificate: f.path("c/pki/server.pem"), Key: f.path("c/pki/server.key")}, f.ports[0])
	f.shut("an expired certificate", f.certified("tinh-bien-03", time.Now().AddDate(-3, 0, 0)), f.ports[0])
	f.shut("a certificate of the future", f.certified("tinh-bien-03", time.Now().AddDate(0, 0, 3)), f.ports[0])
	f.join(display, f.ports[0], "x")
	f.join(operator, f.ports[1], "x")
	bare, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.ports[0]), &tls.Config{InsecureSkipVerify: true})
	if err == nil {
		bare.SetReadDeadline(time.Now().Add(patience))
		if _, err = bare.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
			t.Errorf("nobody in particular is let in: %v", err)
		}
		bare.Close()
	}
}

// A revoked certificate: SIGHUP keeps it out of new connections, resumed ones too, and the restart that the written
// units do ends the one that stands. Others are let in throughout.
func TestRevoked(t *testing.T) {
	f := newField(t)
	f.serve()
	revoked, kept := f.display("tinh-bien-01"), f.display("tinh-bien-02")
	operator := f.operator("truc-ban")
	f.startBroker()
	centre := f.join(f.centreFiles(), f.ports[1], "centre", "bt/v1/d/+/conn")
	tickets := &countingCache{ClientSessionCache: tls.NewLRUClientSessionCache(4)}
	f.handshake(revoked, tickets)
	if resumed, err := f.handshake(revoked, tickets); !resumed || err != nil {
		t.Fatalf("no session is resumed, so nothing would be shown about it: %v", err)
	}
	stands := f.join(revoked, f.ports[0], "x")

	out := f.must("center revoke --dir @c --device tinh-bien-01")
	if !strings.Contains(out, "systemctl restart bangtin-broker") {
		t.Errorf("does not say how the broker learns it: %s", out)
	}
	f.check(f.cmd.Process.Signal(syscall.SIGHUP))
	f.until("the broker reads again", func() bool { return strings.Contains(f.brokerLog(), "Reloading config") })
	f.shut("a revoked display after SIGHUP", revoked, f.ports[0])
	if resumed, err := f.handshake(revoked, tickets); err == nil || tickets.given != 2 {
		t.Errorf("a revoked display comes back on an old session: resumed %v, %d tickets offered, %v", resumed, tickets.given, err)
	}
	f.join(kept, f.ports[0], "x")
	f.say(stands, "bt/v1/d/tinh-bien-01/conn", "still here")
	f.until("SIGHUP has not cut who was there", func() bool { return centre.has("bt/v1/d/tinh-bien-01/conn still here") })

	f.must("center revoke --dir @c --operator truc-ban")
	if acl := string(f.read("c/broker/acl-department")); strings.Contains(acl, "truc-ban") {
		t.Error("the ACL still names the operator")
	}
	f.stopBroker()
	f.startBroker()
	<-stands.gone
	f.shut("a revoked display after the restart", revoked, f.ports[0])
	f.shut("a revoked operator after the restart", operator, f.ports[1])
	f.join(kept, f.ports[0], "x")

	again := f.display("tinh-bien-01") // let in anew, with another certificate
	f.stopBroker()
	f.startBroker()
	f.join(again, f.ports[0], "x")
	f.refuses("center revoke --dir @c --device tinh-bien-09", exitFailed, "no certificate")
}

type countingCache struct {
	tls.ClientSessionCache
	given int
}

func (c *countingCache) Get(key string) (*tls.ClientSessionState, bool) {
	s, ok := c.ClientSessionCache.Get(key)
	if ok {
		c.given++
	}
	return s, ok
}

// handshake connects, asks to be let in, and reads the broker's answer, with which its session tickets come.
func (f *field) handshake(files pki.Files, cache tls.ClientSessionCache) (resumed bool, err error) {
	f.t.Helper()
	conf, err := files.ClientConfig(time.Now)
	f.check(err)
	conf.ClientSessionCache = cache
	c, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", f.ports[0]), conf)
	if err != nil {
		return false, err
	}
	defer c.Close()
	f.check(c.SetDeadline(time.Now().Add(patience)))
	if _, err := c.Write([]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x")); err != nil {
		return false, err
	}
	answer := make([]byte, 4)
	if _, err := c.Read(answer); err != nil {
		return c.ConnectionState().DidResume, err
	}
	return c.ConnectionState().DidResume, nil
}

// A new operator is known to the broker after SIGHUP, without anybody being cut off.
func TestNewOperator(t *testing.T) {
	f := newField(t)
	f.serve()
	f.startBroker()
	display := f.join(f.display("tinh-bien-01"), f.ports[0], "x")
	operator := f.operator("moi")
	o := f.join(operator, f.ports[1], "o", "bt/v1/d/+/conn")
	f.say(display, "bt/v1/d/tinh-bien-01/conn", "before")
	f.check(f.cmd.Process.Signal(syscall.SIGHUP))
	f.until("the broker reads again", func() bool { return strings.Contains(f.brokerLog(), "Reloading config") })
	f.until("the operator hears", func() bool {
		f.say(display, "bt/v1/d/tinh-bien-01/conn", "after")
		return o.has("bt/v1/d/tinh-bien-01/conn after")
	})
	f.refuses("center operator --dir @c --name moi", exitFailed, "carry it away")
	settings := string(f.read("c/operators/moi/center.json"))
	for _, want := range []string{fmt.Sprintf(`"tls://localhost:%d"`, f.ports[1]), fmt.Sprintf(`"https://localhost:%d/content/"`, f.ports[2])} {
		if !strings.Contains(settings, want) {
			t.Errorf("center.json lacks %s: %s", want, settings)
		}
	}
}

// The way over the stick.
func TestSign(t *testing.T) {
	f := newField(t)
	key, keyPEM, err := pki.NewKey()
	f.check(err)
	csr, err := pki.MakeRequest(key, "tinh-bien-01")
	f.check(err)
	f.write("request.pem", csr)
	code := f.code("tinh-bien-01")
	f.refuses("center sign --dir @c --csr @request.pem --out @answer.json --code "+enrol.NewCode(code.Pin()).String(), exitFailed, "--code", "bangtin center enrol")
	f.must("center sign --dir @c --csr @request.pem --out @answer.json --code " + code.String())
	a, err := enrol.ReadAnswer(f.read("answer.json"))
	f.check(err)
	ca, err := a.CheckAuthority(code)
	f.check(err)
	if _, err := a.Check(ca, "tinh-bien-01", &key.PublicKey); err != nil {
		t.Error(err)
	}
	f.startBroker()
	f.join(f.files("tinh-bien-01", []byte(a.Certificate), keyPEM), f.ports[0], "x")
}

func TestCentreRefusals(t *testing.T) {
	d := newDesk(t)
	d.must("center init --dir @c --host centre.example")
	before := d.tree("c")
	for line, tt := range map[string]struct {
		code  int
		words []string
	}{
		"center init --dir @c --host centre.example":               {exitFailed, []string{"is not empty"}},
		"center init --dir @d":                                     {exitUsage, []string{"--host"}},
		"center init --dir @d --host https://x":                    {exitUsage, []string{"--host"}},
		"center init --dir @d --host a_b":                          {exitUsage, []string{"--host"}},
		"center init --dir @đ --host x":                            {exitUsage, []string{"--dir"}},
		"center init --dir @d --host x --broker-port 8884":         {exitUsage, []string{"same"}},
		"center init --dir @d --host x --https-port 70000":         {exitUsage, []string{"70000"}},
		"center init --dir @d --host x --broker-user root;reboot":  {exitUsage, []string{"--broker-user"}},
		"center init --dir @no/d --host x":                         {exitFailed, []string{"cannot be written"}},
		"center enrol --dir @none --device tinh-bien-01":           {exitFailed, []string{"center init"}},
		"center enrol --dir @c --device centre":                    {exitUsage, []string{"--device"}},
		"center enrol --dir @c --device operator-x":                {exitUsage, []string{"--device"}},
		"center enrol --dir @c --device AB":                        {exitUsage, []string{"--device"}},
		"center operator --dir @c --name +":                        {exitUsage, []string{"--name"}},
		"center revoke --dir @c":                                   {exitUsage, []string{"--operator"}},
		"center revoke --dir @c --device a-b --operator b":         {exitUsage, []string{"--operator"}},
		"center sign --dir @c --csr @none --code x --out @o":       {exitFailed, []string{"cannot be read"}},
		"center sign --dir @c --csr @an.pub --code ABCD --out @o ": {exitFailed, []string{"--code"}},
	} {
		d.refuses(line, tt.code, tt.words...)
	}
	if after := d.tree("c"); !slices.Equal(before, after) {
		t.Errorf("a refusal changed the centre: %v, was %v", after, before)
	}
	if left := d.tree("."); slices.ContainsFunc(left, func(s string) bool { return strings.Contains(s, ".bangtin-center-") }) {
		t.Error("a refusal left something behind")
	}
	d.check(os.Mkdir(d.path("empty"), 0o755))
	d.must("center init --dir @empty --host centre.example")
	d.must("center crl --dir @empty")
	if out := d.must("center renew --dir @empty"); !strings.Contains(out, "long enough") {
		t.Errorf("renewed at once: %s", out)
	}
	d.now = d.now.AddDate(1, 6, 0)
	if out := d.must("center renew --dir @empty"); !strings.Contains(out, "server, centre") {
		t.Errorf("not renewed: %s", out)
	}
}

// tree lists the files of a folder but for locks, with their sizes.
func (d *desk) tree(name string) []string {
	d.t.Helper()
	var list []string
	d.check(filepath.WalkDir(d.path(name), func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, "lock") {
			return err
		}
		info, err := e.Info()
		list = append(list, fmt.Sprint(path, info.Size()))
		return err
	}))
	return list
}
