package mpv

import (
	"context"
	"errors"
	"time"
)

// restartPause is how long after a Restart another one is the same one: hardly longer than mpv takes to come up.
const restartPause = 10 * time.Second

var errRestart = errors.New("mpv is restarted as it was asked")

// Restart ends the present mpv and starts another one at once, or ends the wait before the next start where there is
// none. It returns without waiting; Playing tells how it goes. Calls are joined into one while mpv comes up, and for
// 10 s: a storm of them cannot keep the picture away. A mpv that hangs is given up after AnswerWithin, as without it,
// and one that the kernel holds is waited for.
func (p *Player) Restart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.restarted.IsZero() || now.Sub(p.restarted) >= restartPause {
		p.restarted = now
		notify(p.again)
	}
}

// rest waits, until a restart is asked for, and reports whether ctx is still alive.
func (p *Player) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-p.again:
		return true
	case <-p.letGo:
		return true
	case <-ctx.Done():
		return false
	}
}

// lastError is what a new mpv begins with as its detail. That a restart was asked for is no error.
func (p *Player) lastError() string {
	if detail := p.Playing().Detail; detail != errRestart.Error() && detail != errReleased.Error() {
		return detail
	}
	return ""
}

// asked tells an end that somebody asked for from one that befell mpv.
func asked(err error) bool { return errors.Is(err, errRestart) || errors.Is(err, errReleased) }

// restart makes run end, where mpv has come up: before that, one is under way.
func (s *session) restart() error {
	if !s.risen {
		return nil
	}
	return errRestart
}

// rise notes that mpv has come up. A restart that was asked for before is done.
func (s *session) rise() {
	if s.risen {
		return
	}
	s.risen = true
	select {
	case <-s.player.again:
	default:
	}
}
