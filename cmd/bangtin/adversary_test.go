package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/pki"
)

// An intruder is somebody whom an authority has certified under a name that is not the display's.
type intruder struct {
	name string
	port int // index of the listener
}

// TestAdversaryAtTheBroker: the broker on the configuration as written, and people with certificates of the right
// authority under names that mean something to MQTT or to an ACL file. They try to write and to read each topic of a
// display, to leave a will there, and to take its session. Who heard what is the judge: what an ACL keeps back succeeds.
func TestAdversaryAtTheBroker(t *testing.T) {
	f := newField(t)
	f.serve()
	operator := f.operator("truc-ban")
	f.startBroker()
	const device = "tinh-bien-01"
	level := "bt/v1/d/" + device + "/"
	display := f.join(f.display(device), f.ports[0], "x", level+"#")
	observer := f.join(operator, f.ports[1], "observer", "#")
	centre := f.join(f.centreFiles(), f.ports[1], "centre", "#")
	topics := strings.Fields("conn state evt evt/ack desired/power desired/playlist desired/urgent desired/update desired/trust cmd/req cmd/ack time/req time/resp")

	// There is something to be heard at once by whoever may.
	f.wait(observer.client.Publish(level+"desired/power", 1, true, "order"))
	f.wait(display.client.Publish(level+"conn", 1, true, "here"))
	f.wait(display.client.Publish(level+"state", 1, true, "state"))

	let := 0
	for _, in := range []intruder{
		{"tinh-bien-02", 0}, {"+", 0}, {"#", 0}, {device + "/evt", 0}, {"$SYS", 0}, {"%u", 0}, {"+/" + device, 0}, {"TINH-BIEN-01", 0},
		{device + " ", 0}, {"../" + device, 0}, {"centre", 0}, {"operator-truc-ban", 0}, {device + "\nuser x", 0},
	} {
		files := f.certified(in.name, time.Now())
		heard, err := f.intrude(files, f.ports[in.port], level, topics)
		if err != nil {
			t.Logf("%-20q is not let in: %v", in.name, err)
			continue
		}
		let++
		for _, line := range heard {
			t.Errorf("%q heard %s", in.name, line)
		}
		t.Logf("%-20q is let in, heard nothing", in.name)
	}
	if let < 2 { // else the test would show nothing about the ACL
		t.Errorf("%d intruders were let in", let)
	}
	// Client ids are one for the whole broker, so who is certified under the name of the centre or of an operator ends
	// their connection, and no more: enrolment certifies nobody under such a name, and they connect anew.
	<-centre.gone
	<-observer.gone
	before := append(centre.lines(), observer.lines()...)
	centre = f.join(f.centreFiles(), f.ports[1], "centre", "#")
	observer = f.join(operator, f.ports[1], "observer", "#")
	// What comes now has come after all that they said.
	f.say(centre, level+"cmd/req", "end")
	f.say(display, level+"conn", "end")
	f.until("the end is heard", func() bool {
		return display.has(level+"cmd/req end") && observer.has(level+"conn end") && centre.has(level+"conn end")
	})
	for name, p := range map[string]*party{"the display": display, "the operator": observer, "the centre": centre} {
		for _, line := range append(before, p.lines()...) {
			if strings.Contains(line, "intruder") && strings.HasPrefix(line, level) {
				t.Errorf("%s heard %s", name, line)
			}
		}
	}
	select {
	case <-display.gone:
		t.Error("the display was put off its connection")
	default:
	}
	// The same by one who has the display's own name is heard, will and all: so the silence above means something.
	heard, err := f.intrude(f.certified(device, time.Now()), f.ports[0], level, topics)
	f.check(err)
	f.until("the will is heard", func() bool { return observer.has(level + "conn will of an intruder") })
	if !slices.Contains(heard, level+"desired/power order") {
		t.Errorf("%q heard only %q, so that the others heard nothing means nothing", device, heard)
	}
	t.Logf("%q heard %q, and its will was heard", device, heard)
}

// intrude joins with a will on the display's birth, says something on each of its topics, retained and not, listens in
// every way there is, and breaks off so that the will is due. It returns what was heard there.
func (f *field) intrude(files pki.Files, port int, level string, topics []string) ([]string, error) {
	f.t.Helper()
	conf, err := files.ClientConfig(func() time.Time { return f.now })
	f.check(err)
	p := &party{}
	o := mqtt.NewClientOptions().AddBroker(fmt.Sprintf("tls://127.0.0.1:%d", port)).SetClientID("tinh-bien-01").SetProtocolVersion(4).SetTLSConfig(conf).
		SetAutoReconnect(false).SetConnectTimeout(patience).SetWill(level+"conn", "will of an intruder", 1, true)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		if strings.HasPrefix(m.Topic(), level) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.heard = append(p.heard, m.Topic()+" "+string(m.Payload()))
		}
	})
	link := newCut()
	o.SetCustomOpenConnectionFn(link.dial(conf))
	client := mqtt.NewClient(o)
	if token := client.Connect(); !token.WaitTimeout(patience) || token.Error() != nil {
		return nil, token.Error()
	}
	for _, filter := range []string{"#", "bt/#", "bt/v1/d/+/#", level + "#", level + "conn", level + "cmd/req", level + "desired/+", "$SYS/#"} {
		client.Subscribe(filter, 1, nil).WaitTimeout(patience)
	}
	for _, name := range topics {
		for _, retained := range []bool{false, true} {
			client.Publish(level+name, 1, retained, "intruder").WaitTimeout(patience)
		}
	}
	link.cut() // without a word: the broker publishes the will
	client.Disconnect(0)
	return p.lines(), nil
}

// TestNoSecretIsWritten goes from nothing to a display, an operator and keys under a passphrase, with the real broker,
// and looks for each secret of it in everything that was printed, logged or written elsewhere.
func TestNoSecretIsWritten(t *testing.T) {
	f := newField(t)
	f.serve()
	secrets := map[string][]byte{}
	operator := f.operator("truc-ban")
	f.startBroker()
	display := f.display("tinh-bien-01")
	used := f.code("tinh-bien-02")
	secrets["an enrolment code"] = []byte(strings.SplitN(used.String(), "-", 4)[0] + "-" + strings.SplitN(used.String(), "-", 4)[1])
	secrets["an enrolment code without hyphens"] = []byte(strings.ReplaceAll(used.String(), "-", "")[:12])
	f.join(display, f.ports[0], "x")
	f.join(operator, f.ports[1], "o")
	owners := map[string]string{}
	f.check(filepath.WalkDir(f.path("c"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".key" {
			return err
		}
		raw, err := os.ReadFile(path)
		if block, _ := pem.Decode(raw); block != nil {
			body := strings.Split(string(raw), "\n")
			secrets[path] = []byte(body[2])
			owners[path] = path
		}
		return err
	}))
	if len(secrets) < 6 {
		t.Fatalf("only %d secrets are known", len(secrets))
	}
	places := map[string][]byte{"the broker's log": []byte(f.brokerLog())}
	f.check(filepath.WalkDir(f.path("c"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		places[path], err = os.ReadFile(path)
		return err
	}))
	for place, content := range places {
		for what, secret := range secrets {
			if bytes.Contains(content, secret) && owners[what] != place {
				t.Errorf("%s is in %s", what, place)
			}
		}
	}
	t.Logf("none of %d secrets is in %d places other than its own", len(secrets), len(places))
}
