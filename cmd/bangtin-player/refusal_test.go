package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/media/mpv"
)

// sent is the line that the daemon sends for these options, without its end.
func sent(t *testing.T, opt mpv.Options) []byte {
	t.Helper()
	opt.Player, opt.Runtime = filepath.Join(t.TempDir(), "player.sock"), t.TempDir()
	listener, err := net.Listen("unix", opt.Player)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	daemon(t, opt)
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line[:len(line)-1]
}

func TestWhatTheDaemonSendsIsAccepted(t *testing.T) {
	t.Parallel()
	all := []mpv.Options{{Video: mpv.VideoDRM, Mode: "1920x1080@59.94"}, {Video: mpv.VideoAuto, Mode: "3840x2160"}, {Video: mpv.VideoNull}}
	for _, rotate := range []int{90, 180, 270} {
		all = append(all, mpv.Options{Video: mpv.VideoDRM, Rotate: rotate})
	}
	for _, volume := range []int{0, 9, 60, 100} {
		all = append(all, mpv.Options{Video: mpv.VideoDRM, Volume: volume})
	}
	withSound := t.TempDir()
	if err := os.Mkdir(filepath.Join(withSound, "snd"), 0o700); err != nil {
		t.Fatal(err)
	}
	all = append(all, mpv.Options{Video: mpv.VideoDRM, Dev: withSound})
	for _, opt := range all {
		line := sent(t, opt)
		arguments, err := parseArguments(line)
		if err != nil {
			t.Errorf("%+v: %v", opt, err)
		}
		if opt.Dev != "" && !slices.Contains(arguments, "--ao=alsa") {
			t.Errorf("no sound: %q", arguments)
		}
		t.Logf("%d arguments, %d bytes", len(arguments), len(line))
	}
	if _, err := parseArguments(sent(t, mpv.Options{Video: mpv.VideoWindow})); err == nil {
		t.Error("a window, of whose display server nothing is known here, is accepted")
	}
}

func TestRefusedArguments(t *testing.T) {
	t.Parallel()
	good := func() []string {
		return append(fixed(), "--vo=gpu,drm", "--ao=null", "--volume=60", "--video-rotate=0")
	}
	if _, err := parseArguments(encode(t, good())); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ line, want string }{
		"a script":                {string(encode(t, append(good(), "--script=/tmp/x.lua"))), "none that a display needs"},
		"another file of options": {string(encode(t, append(good(), "--include=/data/x.conf"))), "none that a display needs"},
		"keys":                    {string(encode(t, append(good(), "--input-conf=/data/x"))), "none that a display needs"},
		"another connection":      {string(encode(t, append(good(), "--input-ipc-server=/run/x"))), "none that a display needs"},
		"a file":                  {string(encode(t, append(good(), "/data/bangtin/site.toml"))), "none that a display needs"},
		"an address":              {string(encode(t, append(good(), "https://example.com/x.mp4"))), "none that a display needs"},
		"an end of options":       {string(encode(t, append(good(), "--"))), "none that a display needs"},
		"more behind a volume":    {string(encode(t, append(fixed(), "--vo=null", "--ao=null", "--volume=60\n--script=x", "--video-rotate=0"))), "none that a display needs"},
		"a volume above all":      {string(encode(t, append(fixed(), "--vo=null", "--ao=null", "--volume=101", "--video-rotate=0"))), "none that a display needs"},
		"a mode with an option":   {string(encode(t, append(good(), "--drm-mode=1920x1080,x"))), "none that a display needs"},
		"two volumes":             {string(encode(t, append(good(), "--volume=61"))), "another one"},
		"one twice":               {string(encode(t, append(good(), "--no-config"))), "another one"},
		"scripts not excluded":    {string(encode(t, slices.DeleteFunc(good(), func(a string) bool { return a == "--load-scripts=no" }))), "--load-scripts=no is missing"},
		"no output":               {string(encode(t, slices.DeleteFunc(good(), func(a string) bool { return a == "--vo=gpu,drm" }))), "--vo is missing"},
		"too many":                {string(encode(t, slices.Repeat([]string{"--no-config"}, maxArguments+1))), "65 of them"},
		"nothing":                 {"", "cannot take"},
		"null":                    {"null", "is missing"},
		"no list":                 {`{"arguments":[]}`, "cannot take"},
		"numbers":                 {`[1,2]`, "cannot take"},
		"two lists":               {"[][]", "cannot take"},
		"no UTF-8":                {"[\"\xff\"]", "no UTF-8"},
	} {
		if _, err := parseArguments([]byte(test.line)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func encode(t *testing.T, arguments []string) []byte {
	t.Helper()
	line, err := json.Marshal(arguments)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// TestARefusalStartsNothing and is told to the daemon.
func TestARefusalStartsNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program, traces := filepath.Join(dir, "mpv"), filepath.Join(dir, "traces")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho \"$@\" >'"+traces+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, said := range map[string]string{
		"a script":         string(encode(t, append(fixed(), "--script=/tmp/x.lua"))) + "\n",
		"no JSON":          "GET / HTTP/1.1\n",
		"a line of 16 KiB": strings.Repeat("x", maxLine+100),
	} {
		s := serve(t, program)
		conn := call(t, s, said)
		answer, err := bufio.NewReader(conn).ReadString('}')
		var told struct{ Event, Reason string }
		if err := errors.Join(err, json.Unmarshal([]byte(answer), &told)); err != nil || told.Event != "player-ended" || !strings.Contains(told.Reason, "cannot take") {
			t.Errorf("%s: the daemon is told %q: %v", name, answer, err)
		}
		if e := s.ended(); e.code != exitRefused || !strings.Contains(e.said, told.Reason) {
			t.Errorf("%s: %+v", name, e)
		}
		if _, err := os.Stat(traces); err == nil {
			t.Errorf("%s: mpv was started", name)
		}
	}
}

// call connects and says something.
func call(t *testing.T, s *service, said string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", s.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.Write([]byte(said)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestTheDaemonHangsUpBeforeTheLine(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"", `["--no-config",`} {
		s := serve(t, "")
		call(t, s, said).Close()
		if e := s.ended(); e.code != exitRefused || !strings.Contains(e.said, "hung up before their end") {
			t.Errorf("%q: %+v", said, e)
		}
	}
}

func TestAMpvThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	s := serve(t, "/nowhere/mpv")
	conn := call(t, s, string(encode(t, append(fixed(), "--vo=null", "--ao=null", "--volume=0", "--video-rotate=0")))+"\n")
	if answer, err := bufio.NewReader(conn).ReadString('}'); err != nil || !strings.Contains(answer, "cannot start mpv") {
		t.Errorf("the daemon is told %q: %v", answer, err)
	}
	if e := s.ended(); e.code != exitEnded {
		t.Errorf("%+v", e)
	}
}

// pair is two ends of a connection, the first as descriptor.
func pair(t *testing.T) (int, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	other := os.NewFile(uintptr(fds[1]), "other")
	t.Cleanup(func() { unix.Close(fds[0]); other.Close() })
	return fds[0], other
}

// TestWhatFollowsTheLineIsLeft: it is mpv's, however the bytes come.
func TestWhatFollowsTheLineIsLeft(t *testing.T) {
	t.Parallel()
	for _, pieces := range [][]string{{"[]\n{\"command\":1}\n"}, {"[", "]", "\n", "{\"command\":1}\n"}, {"[]", "\n{\"com", "mand\":1}\n"}} {
		socket, other := pair(t)
		go func() {
			for _, piece := range pieces {
				if _, err := fmt.Fprint(other, piece); err != nil {
					t.Error(err)
				}
			}
		}()
		line, err := readLine(socket, patience)
		if err != nil || string(line) != "[]" {
			t.Errorf("%q: %q, %v", pieces, line, err)
		}
		rest := make([]byte, 0, 64)
		for len(rest) < len("{\"command\":1}\n") {
			n, err := unix.Read(socket, rest[len(rest):cap(rest)])
			if err != nil || n == 0 {
				t.Fatalf("%q: %d, %v after %q", pieces, n, err, rest)
			}
			rest = rest[:len(rest)+n]
		}
		if string(rest) != "{\"command\":1}\n" {
			t.Errorf("%q: mpv gets %q", pieces, rest)
		}
	}
}

func TestALineThatDoesNotCome(t *testing.T) {
	t.Parallel()
	socket, other := pair(t)
	if _, err := fmt.Fprint(other, "[\"--no-config\""); err != nil {
		t.Fatal(err)
	}
	if _, err := readLine(socket, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "did not come within") {
		t.Error(err)
	}
}

func TestTheLongestLine(t *testing.T) {
	t.Parallel()
	for n, whole := range map[int]bool{maxLine - 1: true, maxLine: false} {
		socket, other := pair(t)
		go fmt.Fprintln(other, strings.Repeat("x", n))
		if line, err := readLine(socket, patience); whole != (err == nil && len(line) == n) {
			t.Errorf("%d bytes: %d, %v", n, len(line), err)
		}
	}
}

func FuzzArguments(f *testing.F) {
	f.Add([]byte(`["--no-config"]`))
	f.Add([]byte(`["--vo=gpu,drm","--drm-mode=1920x1080@59.94","--volume=100","--video-rotate=270","--ao=alsa"]`))
	f.Add([]byte(`["--script=/x","--include=x","https://x"]`))
	f.Add([]byte(`null`))
	whole, err := json.Marshal(append(fixed(), "--vo=null", "--ao=null", "--volume=0", "--video-rotate=0"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, line []byte) {
		arguments, err := parseArguments(line)
		if err != nil {
			return
		}
		if len(arguments) < len(fixed())+4 || len(arguments) > len(fixed())+5 {
			t.Fatalf("%d arguments", len(arguments))
		}
		for _, a := range arguments {
			if !strings.HasPrefix(a, "--") || strings.ContainsAny(a, "/\\\n\x00 ") || strings.Contains(a, "script=") || strings.Contains(a, "include") {
				t.Errorf("accepted: %q", a)
			}
		}
	})
}
