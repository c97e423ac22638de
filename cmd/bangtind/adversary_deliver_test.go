package main_test

import (
	"fmt"
	"strings"
	"time"
)

// marker is garbage whose name the log repeats: what came before it on a topic has been judged.
func marker(n int) []byte { return fmt.Appendf(nil, `{"marker-%d-end":0}`, n) }

// deliver sends attacks in small groups and waits until each was judged.
func (h *hostile) deliver(r *run, attacks []attack) {
	h.t.Helper()
	for from := 0; from < len(attacks); from += 10 {
		group := attacks[from:min(from+10, len(attacks))]
		topics := map[string]bool{}
		for _, a := range group {
			h.send(a)
			topics[a.topic] = true
		}
		for name := range topics {
			h.mark(r, name)
		}
	}
}

func (h *hostile) send(a attack) {
	h.t.Helper()
	h.centre.Throw(topic(a.topic), a.raw)
	if err := h.centre.Publish(topic(a.topic), false, a.raw); err != nil {
		h.t.Fatal(err)
	}
	h.expect(a, 2)
}

// expect notes what must be on record of an attack.
func (h *hostile) expect(a attack, times int) {
	h.sent += times
	h.kinds[a.name] += times
	switch {
	case a.reason == "":
	case a.room == libraryRoom:
		h.noted[a.reason+" from "+a.source()]++
	default:
		h.counted[a.reason+" from "+a.source()] += times
		if a.topic == rights {
			h.noted[a.reason+" from "+a.source()]++
		}
	}
}

// judge is the source under which garbage on a topic is on record.
func judge(name string) string {
	if name == rights {
		return name
	}
	return topic(name)
}

// mark waits until a topic's reader has come to the end of what was delivered.
func (h *hostile) mark(r *run, name string) {
	h.t.Helper()
	h.marks++
	m := marker(h.marks)
	if err := h.centre.Publish(topic(name), false, m); err != nil {
		h.t.Fatal(err)
	}
	h.counted["malformed from "+judge(name)]++
	want := fmt.Sprintf("marker-%d-end", h.marks)
	for end := time.Now().Add(45 * time.Second); !strings.Contains(r.log(), want); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("what was delivered on %s was not judged in 45 s", name)
		}
	}
}
