package mpv

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"bangtin/media"
)

const (
	shownQueue = 256              // finished showings that wait to be taken: 12 minutes of the shortest items
	steadyRun  = 30 * time.Second // a run of mpv that held so long makes the next start immediate again
)

// A Player repeats one programme on the output. All methods but Run and Screenshot return at once; all may be called
// from any goroutine, before and while Run runs.
type Player struct {
	opt      Options
	finished chan media.Shown
	wake     chan struct{} // to the caller: the observation changed
	kick     chan struct{} // to the session: the wish changed
	named    chan struct{} // to the session: the name changed
	again    chan struct{} // to Run: a restart was asked for
	letGo    chan struct{} // to the session: the output is to be released
	taken    chan struct{} // to Run: the output may be used again
	shooting chan struct{} // full while a screenshot is taken

	dropped uint64 // showings that nobody took; Run's

	mu        sync.Mutex
	want      wish
	playing   media.Playing
	name      name
	client    *Client       // of the mpv that runs; nil between two
	restarted time.Time     // by the last Restart that counted
	free      chan struct{} // closed when no mpv holds the output any more; nil while one may
}

// A wish is what is to be on the output. An empty programme means the slate.
type wish struct {
	programme media.Programme
	serial    uint64 // rises with each change
}

func (w wish) slate() bool { return len(w.programme.Clips) == 0 }

// New makes a Player that wants the slate. Options are judged by Run.
func New(opt Options) *Player {
	p := &Player{
		opt:      opt,
		finished: make(chan media.Shown, shownQueue),
		wake:     make(chan struct{}, 1),
		kick:     make(chan struct{}, 1),
		named:    make(chan struct{}, 1),
		again:    make(chan struct{}, 1),
		letGo:    make(chan struct{}, 1),
		taken:    make(chan struct{}, 1),
		shooting: make(chan struct{}, 1),
	}
	p.playing.State = media.PlayerStarting
	return p
}

// Show replaces the programme, for ever until the next Show or ShowSlate. The change comes at the boundary of the
// item on the output; after the slate, at once. If the item on the output is also in the new programme, it goes on
// after it, else it begins with its first. A programme without clips is the slate, at once. The programme that is
// wanted already changes nothing, however often it is named.
func (p *Player) Show(programme media.Programme) {
	programme.Clips = slices.Clone(programme.Clips)
	p.mu.Lock()
	defer p.mu.Unlock()
	if reflect.DeepEqual(programme, p.want.programme) {
		return
	}
	p.want = wish{programme, p.want.serial + 1}
	notify(p.kick)
}

// ShowSlate puts the built-in picture on the output at once.
func (p *Player) ShowSlate() { p.Show(media.Programme{}) }

// Playing is the last observation. While mpv answers it is renewed every second.
func (p *Player) Playing() media.Playing {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.playing
}

// Wake receives a value after the state, the item or the detail of Playing has changed. Changes that are not taken
// are joined.
func (p *Player) Wake() <-chan struct{} { return p.wake }

// Finished carries every showing that had a first frame, when it has ended; what was shown to no display does not
// count. It holds 256; when it is full the oldest is dropped, counted and logged. It is never closed. The showing that
// the end of Run cuts off is in it when Run returns.
func (p *Player) Finished() <-chan media.Shown { return p.finished }

// Run keeps one mpv running until ctx ends, which is no error. It fails, at once, only where the options cannot work.
// Nothing that mpv does makes it fail, nor what the disk does: without the runtime folder it is down and tries again,
// without the fonts it shows all but the texts.
func (p *Player) Run(ctx context.Context) error {
	opt, err := p.opt.withDefaults()
	if err != nil {
		return err
	}
	press := newPress(opt)
	for failures := 0; ; failures++ {
		if !p.rest(ctx, backoff(failures, rand.Float64())) || !p.hold(ctx, opt) {
			return nil
		}
		began := time.Now()
		err := p.runOnce(ctx, opt, press)
		p.down(opt, err)
		if ctx.Err() != nil {
			if err != nil {
				opt.Log.Warn("mpv did not end well", "error", err)
			}
			return nil
		}
		if !errors.Is(err, errReleased) {
			opt.Log.Warn("mpv is started again", "cause", err)
		}
		if time.Since(began) >= steadyRun || asked(err) {
			failures = -1
		}
	}
}

// runOnce starts mpv, plays until it fails or ctx ends, and leaves no process behind but one that the kernel holds
// when ctx ends.
func (p *Player) runOnce(ctx context.Context, opt Options, press *press) error {
	if err := opt.makeRuntime(); err != nil {
		return err
	}
	if err := press.prepare(); err != nil {
		opt.Log.Warn("texts cannot be shown", "error", err)
	}
	if err := clearShots(opt.Runtime); err != nil {
		opt.Log.Warn("an old screenshot stays", "error", err)
	}
	proc, err := opt.start()
	if err != nil {
		return err
	}
	p.speakTo(proc.client)
	s := newSession(p, opt, press, proc)
	err = s.run(ctx)
	p.speakTo(nil)
	s.abandon()
	if ctx.Err() != nil {
		return proc.stop(opt.Log)
	}
	if !asked(err) {
		proc.kill(opt.Log) // it died or hangs: there is nothing to ask it
	}
	if undead := proc.stop(opt.Log); undead != nil {
		// A second mpv could not have the display, and a second daemon could not end this one. If it lasts, the age of the
		// observation is an alarm, and a reboot the remedy.
		p.down(opt, undead)
		opt.Log.Error("mpv is waited for", "error", undead)
		select {
		case <-proc.done:
		case <-ctx.Done():
			return undead
		}
	}
	if errors.Is(err, ErrClosed) && proc.err != nil {
		return proc.err
	}
	return err
}

// down says that there is no mpv; err may be nil.
func (p *Player) down(opt Options, err error) {
	o := media.Playing{State: media.PlayerDown}
	if err != nil {
		o.Detail = err.Error()
	}
	p.observe(opt.Now(), o)
}

// observe makes o the observation and wakes the caller if it is another one.
func (p *Player) observe(now time.Time, o media.Playing) {
	o.At, o.Detail = now, strings.ReplaceAll(o.Detail, "\n", "; ") // joined errors have a line each
	p.mu.Lock()
	before := p.playing
	p.playing = o
	p.mu.Unlock()
	before.At, before.PositionS = o.At, o.PositionS
	if before != o {
		notify(p.wake)
	}
}

// speakTo notes the connection to the mpv that runs, nil for none.
func (p *Player) speakTo(c *Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.client = c
}

func (p *Player) wish() wish {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.want
}

// finish reports a showing and drops the oldest one if need be. Run's goroutine alone calls it, so that what was made
// room for fits.
func (p *Player) finish(shown media.Shown) error {
	select {
	case p.finished <- shown:
		return nil
	default:
	}
	var err error
	select {
	case oldest := <-p.finished:
		p.dropped++
		err = fmt.Errorf("cannot keep the showing of %s at %s: nobody took it (%d so far)",
			oldest.Clip.Item.ID, oldest.Start.UTC().Format(time.RFC3339), p.dropped)
	default: // taken meanwhile
	}
	p.finished <- shown
	return err
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
