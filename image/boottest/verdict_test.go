package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/image/boottest/guest"
)

// TestVerdict: only a guest in which every job ended well passes.
func TestVerdict(t *testing.T) {
	const (
		line = `{"Job":"a","Line":"=== RUN"}` + "\n"
		a    = `{"Job":"a","Exit":0}` + "\n"
		b    = `{"Job":"b","Exit":0}` + "\n"
		bad  = `{"Job":"b","Exit":1}` + "\n"
		skip = `{"Job":"a","Line":"--- SKIP: TestBenchIt (0.00s)"}` + "\n"
		pass = `{"Job":"a","Line":"--- PASS: TestBenchIt (0.00s)"}` + "\n"
		part = `{"Job":"a","Line":"    --- SKIP: TestBenchIt/part (0.00s)"}` + "\n"
		done = `{"Done":true}` + "\n"
	)
	for _, c := range []struct{ name, report, problem string }{
		{"well", line + a + b + done, ""},
		{"did not boot", "", "the guest did not boot"},
		{"ended in a job", line, "after 0 of 2 jobs"},
		{"ended between jobs", line + a, "after 1 of 2 jobs"},
		{"ended before the end", line + a + b, "after 2 of 2 jobs"},
		{"did too little", line + a + done, "after 1 of 2 jobs"},
		{"a job failed", line + a + bad + done, "b (1)"},
		{"all tests were skipped", line + skip + a + b + done, "skipped, where they have all they need: a TestBenchIt"},
		{"one test was skipped", line + pass + skip + a + b + done, "a TestBenchIt (0.00s)"},
		{"a part of a test was skipped", line + part + pass + a + b + done, "a TestBenchIt/part"},
		{"none was skipped", line + pass + a + b + done, ""},
		{"cut off in a line", line + a + `{"Job"`, "cannot read"},
		{"garbage", line + "\x00\x00" + a + b + done, "cannot read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			v := verdict{began: time.Now(), out: &out}
			err := v.read(strings.NewReader(c.report))
			if err == nil {
				err = v.judge(2)
			}
			if c.problem == "" && err != nil || c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)) {
				t.Errorf("%v, want %q", err, c.problem)
			}
			if strings.HasPrefix(c.report, line) && !strings.Contains(out.String(), "=== RUN\n") {
				t.Errorf("what the job said was not passed on: %q", out.String())
			}
		})
	}
}

// TestBootedOnceMore: a guest that ended before it spoke is, and one that was ended because it hung is not.
func TestBootedOnceMore(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, tt := range []struct {
		emulator string
		limit    time.Duration
		again    bool
	}{
		{"exit 0", time.Minute, true},
		{"exec sleep 600", 200 * time.Millisecond, false},
	} {
		if err := os.WriteFile(filepath.Join(bin, "qemu-system-x86_64"), []byte("#!/bin/sh\n"+tt.emulator+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		m := machine{console: filepath.Join(bin, "console"), limit: tt.limit}
		if err := m.run(t.Context(), &payload{}, io.Discard); err == nil || endedEarly(err) != tt.again {
			t.Errorf("%s: booted once more is %v after %v", tt.emulator, !tt.again, err)
		}
	}
}

// TestPayload compiles a room elsewhere, with what lies in its testdata.
func TestPayload(t *testing.T) {
	room := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(room, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module room\n")
	write("room_test.go", "package room\n\nimport \"testing\"\n\nfunc TestOther(t *testing.T) {}\n")
	b := &bench{rooms: []string{room}, command: "true", limit: 3 * time.Minute}
	if _, err := b.payloads(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no test whose name begins with TestBench") {
		t.Errorf("a room without tests for the bench: %v", err)
	}
	write("bench_test.go", "package room\n\nimport \"testing\"\n\nfunc TestBenchIt(t *testing.T) {}\n")
	write("testdata/fuzz/seed", "x")
	loads, err := b.payloads(t.Context(), t.TempDir())
	if err != nil || len(loads) != 1 || len(loads[0].jobs) != 2 {
		t.Fatalf("%v, %v", loads, err)
	}
	p := loads[0]
	if p.jobs[0].Name != "command" || p.jobs[1].Name != room || p.files[p.jobs[1].Args[0]] == "" {
		t.Errorf("jobs %+v with files %v", p.jobs, p.files)
	}
	if from := p.files[p.jobs[1].Dir+"/testdata/fuzz/seed"]; from != filepath.Join(room, "testdata/fuzz/seed") {
		t.Errorf("testdata comes from %q", from)
	}
	if args := strings.Join(p.jobs[1].Args[1:], " "); !strings.Contains(args, "-test.timeout 2m42s") || !strings.Contains(args, "-test.run "+tests) {
		t.Errorf("arguments %s", args)
	}
	if !strings.HasPrefix(p.jobs[1].Dir, guest.Payload+"/") {
		t.Errorf("folder %s is not in the payload", p.jobs[1].Dir)
	}
}

func TestNothingToRun(t *testing.T) {
	t.Chdir(t.TempDir())
	out, err := os.Create("out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	b := &bench{limit: time.Minute, out: out}
	if _, err := b.payloads(t.Context(), t.TempDir()); err == nil {
		t.Error("no room at all passes")
	}
}
