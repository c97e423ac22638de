package mpv

import (
	"bytes"
	"log/slog"
	"sync"
	"time"
)

const (
	mutterLine   = 400 // bytes of a line that are kept
	mutterLines  = 30  // lines logged in one mutterWindow
	mutterWindow = time.Minute
)

// A mutter passes what mpv prints to the log, line by line. A flood is cut: the same line once a minute, thirty lines
// a minute, then a count.
type mutter struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex // standard output and standard error write from two goroutines
	line    []byte
	since   time.Time
	said    map[string]bool
	dropped int
}

func newMutter(log *slog.Logger, now func() time.Time) *mutter {
	return &mutter{log: log, now: now, said: make(map[string]bool)}
}

// Write never fails: mpv must not be ended by its own words.
func (m *mutter) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := len(p)
	for {
		head, rest, found := bytes.Cut(p, []byte{'\n'})
		if room := mutterLine - len(m.line); room > 0 {
			m.line = append(m.line, head[:min(len(head), room)]...)
		}
		if !found {
			return n, nil
		}
		m.say(string(bytes.TrimSpace(m.line)))
		m.line, p = m.line[:0], rest
	}
}

func (m *mutter) say(line string) {
	if line == "" {
		return
	}
	if now := m.now(); now.Sub(m.since) > mutterWindow {
		if m.dropped > 0 {
			m.log.Warn("mpv printed more than is logged", "lines", m.dropped)
		}
		m.since, m.dropped = now, 0
		clear(m.said)
	}
	if m.said[line] || len(m.said) >= mutterLines {
		m.dropped++
		return
	}
	m.said[line] = true
	m.log.Info("mpv says", "line", line)
}
