package main

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

// The test binary is bangtin-player too, when this is set.
const envPlayer = "BANGTIN_TEST_PLAYER"

func TestMain(m *testing.M) {
	if os.Getenv(envPlayer) != "" {
		main()
	}
	os.Exit(m.Run())
}

// patience is for what takes a loaded machine long; nothing is expected to.
const patience = 60 * time.Second

// A service does what systemd does for bangtin-player.socket: a process for each connection, which is its standard
// input.
type service struct {
	t              *testing.T
	socket, folder string
	mpv            string

	mu   sync.Mutex
	pids []int
	ends chan end
}

// An end is how one process of the service ended.
type end struct {
	code int
	said string // on standard error
}

// serve starts a service, whose mpv is the machine's where none is given.
func serve(t *testing.T, mpv string) *service {
	t.Helper()
	if mpv == "" {
		var err error
		if mpv, err = exec.LookPath("mpv"); err != nil {
			t.Fatalf("package mpv is needed: %v", err)
		}
	}
	dir := t.TempDir()
	s := &service{t: t, socket: filepath.Join(dir, "player.sock"), folder: filepath.Join(dir, "player"), mpv: mpv, ends: make(chan end, 16)}
	if err := os.Mkdir(s.folder, 0o750); err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.AcceptUnix()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				t.Error(err)
				return
			}
			s.start(conn, &serving)
		}
	})
	t.Cleanup(func() { listener.Close(); serving.Wait() })
	return s
}

func (s *service) start(conn *net.UnixConn, serving *sync.WaitGroup) {
	defer conn.Close()
	stdin, err := conn.File()
	if err != nil {
		s.t.Error(err)
		return
	}
	defer stdin.Close()
	var said bytes.Buffer
	cmd := exec.Command(os.Args[0], "-folder", s.folder, "-mpv", s.mpv)
	cmd.Env = append(os.Environ(), envPlayer+"=1")
	cmd.Stdin, cmd.Stderr = stdin, &said
	if err := cmd.Start(); err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	s.pids = append(s.pids, cmd.Process.Pid)
	s.mu.Unlock()
	serving.Go(func() {
		_ = cmd.Wait() // its code is looked at
		s.ends <- end{cmd.ProcessState.ExitCode(), said.String()}
	})
}

// players are the processes that were started so far.
func (s *service) players() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]int(nil), s.pids...)
}

// ended waits for the next process to end.
func (s *service) ended() end {
	s.t.Helper()
	select {
	case e := <-s.ends:
		return e
	case <-time.After(patience):
		s.t.Fatal("no bangtin-player ends")
		return end{}
	}
}

// mpvs are the running mpvs of the service.
func (s *service) mpvs() []int {
	s.t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		s.t.Fatal(err)
	}
	var all []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		environ, err1 := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		command, err2 := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		if err1 == nil && err2 == nil && strings.Contains(string(environ), "HOME="+s.folder+"\x00") && strings.Contains(string(command), "--idle=yes") {
			all = append(all, pid)
		}
	}
	return all
}

// mpv1 is the only running mpv of the service.
func (s *service) mpv1() int {
	s.t.Helper()
	all := s.mpvs()
	if len(all) != 1 {
		s.t.Fatalf("%d mpvs run, want one", len(all))
	}
	return all[0]
}

// gone waits until no mpv of the service runs.
func (s *service) gone() {
	s.t.Helper()
	for deadline := time.Now().Add(patience); len(s.mpvs()) > 0; {
		if time.Now().After(deadline) {
			s.t.Fatal("mpv goes on")
		}
	}
}

func (s *service) signal(pid int, sig syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		s.t.Fatal(err)
	}
}

// options are those of a display's player behind the service.
func (s *service) options() mpv.Options {
	return mpv.Options{
		Player: s.socket, Runtime: s.folder, Video: mpv.VideoNull, AnswerWithin: time.Second,
		Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)),
	}
}

// daemon runs the daemon's part until the test ends, or end is called.
func daemon(t *testing.T, opt mpv.Options) (p *mpv.Player, end func()) {
	t.Helper()
	p = mpv.New(opt)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(end)
	return p, end
}

// await waits until the player's observation fulfils the condition.
func await(t *testing.T, p *mpv.Player, what string, condition func(media.Playing) bool) media.Playing {
	t.Helper()
	for deadline := time.After(patience); ; {
		if o := p.Playing(); condition(o) {
			return o
		}
		select {
		case <-p.Wake():
		case <-time.After(20 * time.Millisecond):
		case <-deadline:
			t.Fatalf("not within %s: %s; now %+v", patience, what, p.Playing())
		}
	}
}

func plays(o media.Playing) bool { return o.State == media.PlayerPlaying }

// show has a red picture on air, for seconds at a time.
func show(t *testing.T, p *mpv.Player, seconds int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "red.png")
	img := image.NewRGBA(image.Rect(0, 0, 320, 180))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.RGBA{0xC0, 0x20, 0x20, 0xFF}), image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := errors.Join(png.Encode(&b, img), os.WriteFile(path, b.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	item := media.Item{ID: "red", Kind: media.Picture, Seconds: seconds, File: &media.File{Type: "image/png"}}
	p.Show(media.Programme{Playlist: "test", Version: 1, Clips: []media.Clip{{Playlist: "test", Version: 1, Item: item, Path: path, SHA256: "of-red"}}})
}
