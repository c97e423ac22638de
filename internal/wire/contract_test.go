package wire_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"bangtin/internal/wire"
)

const docs = "../../docs"

// schemas compiles the published schemas, by the name of their file.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(docs, "schemas", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no schemas", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	ids := map[string]string{}
	for _, path := range paths {
		doc := decode(t, path)
		id, _ := doc.(map[string]any)["$id"].(string)
		if filepath.Base(id) != filepath.Base(path) {
			t.Errorf("%s calls itself %q", path, id)
		}
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

func decode(t *testing.T, path string) any {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return doc
}

// goldens says which schema each golden message keeps.
func goldens() map[string]string {
	return map[string]string{
		"testdata/conn.json":                 "conn.json",
		"testdata/state.json":                "state.json",
		"testdata/batch.json":                "batch.json",
		"testdata/records-ack.json":          "records-ack.json",
		"testdata/power-order.json":          "power-order.json",
		"testdata/power-schedule.json":       "power-order.json",
		"testdata/command-power.json":        "command.json",
		"testdata/command-fleet.json":        "command.json",
		"testdata/command-screenshot.json":   "command.json",
		"testdata/command-ack.json":          "command-ack.json",
		"testdata/command-duplicate.json":    "command-ack.json",
		"testdata/time-request.json":         "time-request.json",
		"testdata/time-reply.json":           "time-reply.json",
		"../../media/testdata/playlist.json": "playlist.json",
		"../stick/testdata/voucher.json":     "site-seal.json",
	}
}

// The published schemas must take every golden message, and no golden message without one of its fields or with one
// that nobody knows: a schema that takes everything would prove nothing.
func TestGoldenMessagesKeepThePublishedSchemas(t *testing.T) {
	all := schemas(t)
	for golden, name := range goldens() {
		schema, ok := all[name]
		if !ok {
			t.Errorf("there is no schema %s", name)
			continue
		}
		whole := decode(t, golden)
		if err := schema.Validate(whole); err != nil {
			t.Errorf("%s is not what %s says: %v", golden, name, err)
		}
		message := whole.(map[string]any)
		message["surprise"] = true
		if schema.Validate(whole) == nil {
			t.Errorf("%s takes a field that nobody knows", name)
		}
		delete(message, "surprise")
		var required struct{ Required []string }
		raw, err := os.ReadFile(filepath.Join(docs, "schemas", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &required); err != nil {
			t.Fatal(err)
		}
		for _, field := range required.Required {
			value := message[field]
			delete(message, field)
			if schema.Validate(whole) == nil {
				t.Errorf("%s takes %s without %q", name, golden, field)
			}
			message[field] = value
		}
	}
	for name := range all {
		if covered := []string{"envelope.json", "trust.json", "record.json"}; !slices.Contains(covered, name) && !hasGolden(name) {
			t.Errorf("no golden message for %s", name)
		}
	}
}

func hasGolden(name string) bool {
	for _, n := range goldens() {
		if n == name {
			return true
		}
	}
	return false
}

// The AsyncAPI document must name the topics that the code uses, no other, and schemas that exist.
func TestAsyncAPINamesTheTopics(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(docs, "asyncapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Asyncapi string
		Channels map[string]struct{ Address string }
	}
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Asyncapi != "3.0.0" {
		t.Errorf("AsyncAPI %q", doc.Asyncapi)
	}
	topics, err := wire.NewTopics("the-device")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		topics.Conn(), topics.State(), topics.Events(), topics.EventsAck(), topics.DesiredPower(), topics.DesiredPlaylist(),
		topics.DesiredTrust(), topics.CommandRequest(), topics.CommandAck(), topics.TimeRequest(), topics.TimeReply(),
	}
	var got []string
	for _, c := range doc.Channels {
		got = append(got, strings.Replace(c.Address, "{device}", "the-device", 1))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("topics of the document %q, of the code %q", got, want)
	}
	checkRefs(t, raw)
}

// checkRefs follows every $ref of the document.
func checkRefs(t *testing.T, raw []byte) {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	found := 0
	walk(doc, func(ref string) {
		found++
		path, inside, local := ref, "", strings.HasPrefix(ref, "#/")
		if local {
			inside = strings.TrimPrefix(ref, "#/")
			if !reaches(doc, strings.Split(inside, "/")) {
				t.Errorf("%s leads nowhere", ref)
			}
			return
		}
		if _, err := os.Stat(filepath.Join(docs, path)); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	})
	if found < 20 {
		t.Errorf("only %d references were found", found)
	}
}

func walk(node any, ref func(string)) {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			if to, ok := value.(string); ok && key == "$ref" {
				ref(to)
			}
			walk(value, ref)
		}
	case []any:
		for _, value := range n {
			walk(value, ref)
		}
	}
}

func reaches(node any, path []string) bool {
	for _, name := range path {
		m, ok := node.(map[string]any)
		if !ok {
			return false
		}
		if node, ok = m[name]; !ok {
			return false
		}
	}
	return true
}

// What is signed and obeyed must mean the same to the schema and to the parser: each golden order with one field left
// out, and some that are nearly right. Reports are read more kindly than the schema describes them: a display of an
// older version is still heard.
func TestSchemaAndParserAgreeOnOrders(t *testing.T) {
	all := schemas(t)
	parsers := map[string]func([]byte) error{
		"command.json":     func(b []byte) error { _, err := wire.ParseCommand(b); return err },
		"power-order.json": func(b []byte) error { _, err := wire.ParsePowerOrder(b); return err },
		"records-ack.json": func(b []byte) error { _, err := wire.ParseRecordsAck(b); return err },
		"time-reply.json":  func(b []byte) error { _, err := wire.ParseTimeReply(b); return err },
	}
	verdict := func(schema string, message any) (bySchema, byParser error) {
		t.Helper()
		raw, err := json.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		return all[schema].Validate(message), parsers[schema](raw)
	}
	agree := func(schema string, message any) {
		t.Helper()
		if s, p := verdict(schema, message); (s == nil) != (p == nil) {
			t.Errorf("%s: the schema says %v, the parser %v: %v", schema, s, p, message)
		}
	}
	for golden, schema := range goldens() {
		if parsers[schema] == nil {
			continue
		}
		message := decode(t, golden).(map[string]any)
		without(message, func() { agree(schema, message) })
	}
	for _, args := range []string{
		`{"kind":"reboot","args":{}}`, `{"kind":"power","args":{"state":"off"}}`, `{"kind":"identify","args":{"seconds":0}}`,
		`{"kind":"power","args":{"state":"safe","until":null,"reason":""}}`, `{"kind":"screenshot","args":{}}`,
		`{"kind":"power","args":{"state":"schedule","until":"2027-01-30T00:00:00Z","reason":""}}`, `{"kind":"reboot"}`,
		`{"kind":"power","args":{"state":"blackout","until":null,"reason":""}}`, `{"audience":["*","tinh-bien-01"]}`,
		`{"audience":["tinh-bien-01","tinh-bien-01"]}`, `{"audience":["*"]}`, `{"audience":[]}`, `{"id":"short"}`,
	} {
		message := decode(t, "testdata/command-power.json").(map[string]any)
		change, err := jsonschema.UnmarshalJSON(strings.NewReader(args))
		if err != nil {
			t.Fatal(err)
		}
		if _, kind := change.(map[string]any)["kind"]; kind {
			delete(message, "args")
		}
		maps.Copy(message, change.(map[string]any))
		agree("command.json", message)
	}
}

// without calls do with each field of the message, and of the objects in it, left out in turn.
func without(message map[string]any, do func()) {
	for _, name := range slices.Sorted(maps.Keys(message)) {
		value := message[name]
		delete(message, name)
		do()
		message[name] = value
		if inner, ok := value.(map[string]any); ok {
			without(inner, do)
		}
	}
}
