package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bangtin/internal/stick"
)

// daemon puts a shell script in the place of bangtind; $certificate is where it puts one.
func (w *world) daemon(script string) {
	w.t.Helper()
	text := "#!/bin/sh\ncertificate='" + filepath.Join(w.paths.Data, "device.pem") + "'\n" + script
	if err := os.WriteFile(w.paths.Daemon, []byte(text), 0o755); err != nil {
		w.t.Fatal(err)
	}
}

func TestEnrol(t *testing.T) {
	for _, test := range []struct {
		name, script string
		status       int
		answer       bool
		asked        string
	}{
		{"let in", `read -r code; echo "$@: $code" > "$certificate"`, 0, false, "enrol --code -: " + code},
		{"let in by an answer", `echo "$@" > "$certificate"`, 0, true, "--from"},
		{"an answer that was lost, and a certificate that is there", `echo "$@" > "$certificate"; exit 1`, 0, false, "enrol"},
		{"an answer that is of no use", `case "$*" in *--from*) exit 1;; esac; read -r code; echo "$@: $code" > "$certificate"`, 0, true, "--code -: " + code},
		{"no network", `echo "cannot ask: no route, code ` + code + ` or ` + strings.ReplaceAll(code, "-", "") + `" >&2; exit 1`, 1, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			files := sound(w)
			if test.answer {
				files[stick.Answer] = []byte("{}")
			}
			w.stick("sda1", files)
			w.run()
			w.daemon(test.script)
			*w.log = lines{}
			if status := w.run("enrol"); status != test.status {
				t.Fatalf("ended with %d\n%s", status, w.log)
			}
			n := w.notice("enrol")
			if strings.Contains(w.log.String()+strings.Join(n.Details, ""), "7KQ2") {
				t.Errorf("the code is told: %s %+v", w.log, n)
			}
			if test.status == 0 {
				if w.kept("enrol.code") != "" || w.kept("enrol.answer") != "" || n.Code != "" || !strings.Contains(w.kept("device.pem"), test.asked) {
					t.Errorf("kept %q and %q, said %+v, asked %q", w.kept("enrol.code"), w.kept("enrol.answer"), n, w.kept("device.pem"))
				}
				return
			}
			if n.Code != "E01" || !strings.Contains(strings.Join(n.Details, ""), "no route") || w.kept("enrol.code") != code+"\n" {
				t.Errorf("said %+v, kept %q", n, w.kept("enrol.code"))
			}
		})
	}
}

func TestACodeIsWorthNothingToWhoIsEnrolled(t *testing.T) {
	w := newWorld(t)
	w.commission()
	w.write(filepath.Join(w.paths.Data, "device.pem"), "x")
	w.daemon("exit 1")
	if status := w.run("enrol"); status != 0 || w.kept("enrol.code") != "" {
		t.Errorf("ended with %d, kept %q", status, w.kept("enrol.code"))
	}
	w.stick("sdb1", sound(w))
	if w.run(); w.kept("enrol.code") != "" {
		t.Errorf("kept %q", w.kept("enrol.code"))
	}
}

// TestAnOldAnswer: it belongs to the code that it came with.
func TestAnOldAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		code string
		left string
	}{
		"the same code alone": {code, "{}"},
		"another code alone":  {strings.Replace(code, "7KQ2", "2KQ7", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			files := sound(w)
			files[stick.Answer] = []byte("{}")
			w.stick("sda1", files)
			w.run()
			w.unplug("sda1")
			files = sound(w)
			files[stick.Code] = []byte(test.code + "\n")
			w.stick("sdb1", files)
			w.run()
			if w.kept("enrol.answer") != test.left || w.kept("enrol.code") != test.code+"\n" {
				t.Errorf("kept the answer %q and the code %q", w.kept("enrol.answer"), w.kept("enrol.code"))
			}
		})
	}
}

// TestANoticeThatStays: what the enrolment cannot take away does not undo the certificate.
func TestANoticeThatStays(t *testing.T) {
	w := newWorld(t)
	w.commission()
	w.daemon(`echo > "$certificate"`)
	w.write(filepath.Join(w.paths.Notices, "enrol.json", "x"), "") // not even root removes it by its name
	if status := w.run("enrol"); status != 0 || w.kept("enrol.code") != "" || !strings.Contains(w.log.String(), "cannot take a notice away") {
		t.Errorf("ended with %d, kept the code %q\n%s", status, w.kept("enrol.code"), w.log)
	}
}
