package local

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	maxClients = 8
	idleLimit  = 2 * time.Minute
)

// A Handler does what a request asks. It is called from several goroutines.
type Handler interface {
	Handle(ctx context.Context, r Request, by Peer) Answer
}

// A Server owns the socket.
type Server struct {
	Path    string // of the socket; a stale one is replaced
	Handler Handler
	Log     *slog.Logger
}

// Run serves until ctx ends. Whoever may open the socket may ask: the folder's owner and group decide that.
func (s *Server) Run(ctx context.Context) error {
	l, err := s.listen()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	places := make(chan struct{}, maxClients)
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.Log.Warn("cannot accept on the local socket", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(time.Second): // out of descriptors, most likely: do not spin
			}
			continue
		}
		select {
		case places <- struct{}{}:
		default:
			conn.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-places }()
			s.serve(ctx, conn)
		})
	}
}

func (s *Server) listen() (*net.UnixListener, error) {
	if err := os.MkdirAll(filepath.Dir(s.Path), 0o750); err != nil {
		return nil, fmt.Errorf("cannot make the socket's folder: %w", err)
	}
	if err := os.Remove(s.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot remove the stale socket: %w", err)
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.Path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the local socket: %w", err)
	}
	if err := os.Chmod(s.Path, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("cannot protect the local socket: %w", err)
	}
	return l, nil
}

func (s *Server) serve(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	peer, err := peerOf(conn)
	if err != nil {
		s.Log.Warn("cannot tell who is on the local socket", "err", err)
		return
	}
	lines := bufio.NewScanner(conn)
	lines.Buffer(make([]byte, 0, 4096), MaxLine)
	for {
		if err := conn.SetDeadline(time.Now().Add(idleLimit)); err != nil {
			return
		}
		if !lines.Scan() {
			if errors.Is(lines.Err(), bufio.ErrTooLong) {
				s.answer(conn, Answer{Error: fmt.Sprintf("cannot read the request: longer than %d bytes", MaxLine)})
			}
			return
		}
		r, err := ParseRequest(lines.Bytes())
		a := Answer{}
		if err != nil {
			a.Error = err.Error()
		} else {
			a = s.Handler.Handle(ctx, r, peer)
		}
		if !s.answer(conn, a) {
			return
		}
	}
}

// answer reports whether the client took it; one that went away needs no log line.
func (s *Server) answer(conn *net.UnixConn, a Answer) bool {
	raw, err := json.Marshal(a)
	if err != nil {
		s.Log.Error("cannot encode a local answer", "err", err)
		return false
	}
	_, err = conn.Write(append(raw, '\n'))
	return err == nil
}

func peerOf(conn *net.UnixConn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var cerr error
	if err := raw.Control(func(fd uintptr) {
		cred, cerr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, err
	}
	if cerr != nil {
		return Peer{}, cerr
	}
	return Peer{UID: int(cred.Uid), PID: int(cred.Pid)}, nil
}
