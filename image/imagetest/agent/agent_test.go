package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestAgentAnswersEachLine(t *testing.T) {
	var in, out bytes.Buffer
	for _, r := range []Request{
		{1, "echo a; echo b >&2; exit 3", 20},
		{2, "printf ok", 20},
		{3, "while :; do :; done", 1},
		{4, "yes | head -c 3000000", 20},
	} {
		if err := json.NewEncoder(&in).Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := serve(&in, &out); err == nil {
		t.Error("the port ended and the agent does not say so")
	}
	var got []Answer
	for d := json.NewDecoder(&out); d.More(); {
		var a Answer
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		got = append(got, a)
	}
	if len(got) != 4 {
		t.Fatalf("%d answers", len(got))
	}
	if a := got[0]; a.ID != 1 || a.Code != 3 || !strings.Contains(a.Said, "a\n") || !strings.Contains(a.Said, "b\n") {
		t.Errorf("%+v", a)
	}
	if a := got[1]; a.Code != 0 || a.Said != "ok" {
		t.Errorf("%+v", a)
	}
	if a := got[2]; a.ID != 3 || a.Code != -1 {
		t.Errorf("a line that does not end: %+v", a)
	}
	if a := got[3]; a.ID != 4 || len(a.Said) != saidAtMost {
		t.Errorf("a line that says too much: %d bytes", len(a.Said))
	}
}
