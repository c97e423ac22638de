package main_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
)

// A tap keeps what the display and the department really say to each other, to hold it against the published contract.
type tap struct {
	t  testing.TB
	mu sync.Mutex
	of map[string][][]byte // by the topic below the display's level
}

func newTap(b *brokertest.Broker, t testing.TB) *tap {
	t.Helper()
	files, err := b.Issue(brokertest.ObserverName)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := brokertest.ClientTLS(files)
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{t: t, of: map[string][][]byte{}}
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(b.URL()).SetClientID(brokertest.ObserverName).SetTLSConfig(conf).SetOrderMatters(true).
		SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			p.keep(strings.TrimPrefix(m.Topic(), topic("")), m.Payload())
		}))
	filters := map[string]byte{}
	for _, name := range []string{"conn", "state", "evt", "cmd/ack", "time/req"} {
		filters[topic(name)] = 1
	}
	for _, ask := range []func() mqtt.Token{client.Connect, func() mqtt.Token { return client.SubscribeMultiple(filters, nil) }} {
		token := ask()
		if !token.WaitTimeout(20*time.Second) || token.Error() != nil {
			t.Fatalf("the tap cannot listen: %v", token.Error())
		}
	}
	t.Cleanup(func() { client.Disconnect(100) })
	return p
}

func (p *tap) keep(name string, payload []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.of[name] = append(p.of[name], bytes.Clone(payload))
}

// department keeps what the department said.
func (p *tap) department(name string, messages [][]byte) {
	for _, m := range messages {
		p.keep(name, m)
	}
}

// all returns what was said on a topic so far.
func (p *tap) all(name string) [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([][]byte(nil), p.of[name]...)
}

// last waits for a message on a topic and returns the newest.
func (p *tap) last(name string) []byte {
	p.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if all := p.all(name); len(all) > 0 {
			return all[len(all)-1]
		}
	}
	p.t.Fatalf("nothing was said on %s", name)
	return nil
}

// contract holds everything that was said, by either side, against docs/schemas.
func (p *tap) contract() {
	p.t.Helper()
	schemas := compiled(p.t)
	plain := map[string]string{"conn": "conn.json", "state": "state.json", "evt": "batch.json", "cmd/ack": "command-ack.json", "time/req": "time-request.json"}
	signed := map[string]string{
		"desired/power": "power-order.json", "desired/playlist": "playlist.json", "desired/trust": "trust.json",
		"cmd/req": "command.json", "evt/ack": "records-ack.json", "time/resp": "time-reply.json",
	}
	for name, schema := range plain {
		for _, m := range p.all(name) {
			holds(p.t, schemas, schema, name, unpacked(p.t, m))
		}
		p.t.Logf("contract: %3d messages on %s are as %s says", len(p.all(name)), name, schema)
	}
	for name, schema := range signed {
		for _, m := range p.all(name) {
			holds(p.t, schemas, "envelope.json", name, m)
			e, err := trust.ParseEnvelope(m)
			if err != nil {
				p.t.Error(err)
				continue
			}
			holds(p.t, schemas, schema, name, e.Payload)
		}
		p.t.Logf("contract: %3d envelopes on %s are as envelope.json and %s say", len(p.all(name)), name, schema)
	}
	for _, names := range []map[string]string{plain, signed} {
		for name := range names {
			if len(p.all(name)) == 0 {
				p.t.Errorf("nothing was said on %s", name)
			}
		}
	}
}

func holds(t testing.TB, schemas map[string]*jsonschema.Schema, name, where string, raw []byte) {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = schemas[name].Validate(doc)
	}
	if err != nil {
		t.Errorf("on %s was said what %s does not: %v\n%.500s", where, name, err, raw)
	}
}

// unpacked is the JSON of a batch that may be compressed.
func unpacked(t testing.TB, raw []byte) []byte {
	t.Helper()
	if !bytes.HasPrefix(raw, []byte("\x1f\x8b")) {
		return raw
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(io.LimitReader(r, 2<<20))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compiled are the published schemas by the name of their file.
func compiled(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	paths, err := filepath.Glob("../../docs/schemas/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no schemas", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	ids := map[string]string{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		id, _ := doc.(map[string]any)["$id"].(string)
		if err := compiler.AddResource(id, doc); err != nil {
			t.Fatal(err)
		}
		ids[filepath.Base(path)] = id
	}
	all := map[string]*jsonschema.Schema{}
	for name, id := range ids {
		if all[name], err = compiler.Compile(id); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
