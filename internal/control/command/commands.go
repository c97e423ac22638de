package command

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"bangtin/internal/control"
	"bangtin/internal/journal"
	"bangtin/internal/quota"
	"bangtin/internal/wire"
	"bangtin/media"
)

// A Journal keeps counters, commands and records. Setting returns nil, and Counter 0, where there is none.
type Journal interface {
	Commit(ctx context.Context, w journal.Write) error
	Setting(ctx context.Context, key string) ([]byte, error)
	Counter(ctx context.Context, name string) (uint64, error)
}

// A Display is what a command is verified by: *control.Control.
type Display interface {
	State() wire.State
	Next() <-chan struct{} // closed at the next decision
	Settle(on bool) time.Duration
	Wanted(in time.Duration) bool // whether the panel shall be on then, as things stand
}

// A Player shows. Identify and Restart do not block; Screenshot does, for seconds.
type Player interface {
	Identify(text string, d time.Duration) error
	Restart()
	Screenshot(ctx context.Context) (jpeg []byte, err error)
	Playing() media.Playing
}

// A Library holds the playlists.
type Library interface {
	// Standing tells of a playlist by the digest of its signed payload: its id@version, empty unless it is the
	// accepted or the current one, and whether it is current.
	Standing(digest string) (name string, current bool)
	Missing() []media.File
	Hurry() // looks now whether the accepted playlist can be current
}

// A Sender brings what a command asked for to the centre, under a name of its own.
type Sender interface {
	Send(ctx context.Context, name string, content []byte) error
}

// A Machine can be started anew. Reboot returns once that has begun.
type Machine interface {
	Reboot(ctx context.Context) error
}

// Config is everything Commands are made of. All is required but Kernel, Sender and Machine: what needs one that is
// missing fails and says so.
type Config struct {
	Journal  Journal
	Clock    *control.Clock
	Orders   *control.Orders
	Display  Display
	Player   Player
	Library  Library
	Sender   Sender
	Machine  Machine
	Diagnose func(ctx context.Context) (*Report, error)
	Gate     string                      // of the display, to show
	Kernel   string                      // identity of the kernel's run
	Forgets  bool                        // what Journal takes is lost with this boot
	Refused  func(reason, source string) // counts a command that was not obeyed
	Loop     func(name string) func()    // registers a loop that is missed when it is silent for long; see Stall
	Log      *slog.Logger
}

const (
	// Stall is the longest a lane is silent while it works: a commit to a disk that hangs, for which a restart is no
	// remedy. Everything else in a lane is shorter or beats as it waits.
	Stall = 10 * time.Minute
	// answerRoom is how many answers wait for a connection; the oldest is dropped, for the record is the proof.
	answerRoom = 32
	// talkMost is how many answers a minute go to commands that are refused or came before: whoever sends them in a flood
	// must not make the display talk. Beyond it they are only counted.
	talkMost = 30
)

// Commands takes commands and sees them through. Safe for concurrent use.
type Commands struct {
	cfg     Config
	answers chan wire.CommandAck
	talk    *quota.Quota // of answers to what is refused or was answered before
	lanes   map[laneName]*lane

	mu    sync.Mutex // held over each commit, so that memory and disk agree
	shelf *shelf
}

// New loads what the last run left. Nothing is done before Run.
func New(ctx context.Context, cfg Config) (*Commands, error) {
	shelf, err := loadShelf(ctx, cfg.Journal, cfg.Log)
	if err != nil {
		return nil, err
	}
	c := &Commands{
		cfg: cfg, shelf: shelf, answers: make(chan wire.CommandAck, answerRoom), talk: quota.New(talkMost),
		lanes: map[laneName]*lane{},
	}
	for _, name := range laneNames() {
		c.lanes[name] = &lane{queue: make(chan job, maxOpen), beat: cfg.Loop("command " + string(name))}
	}
	for _, s := range shelf.open() {
		c.lanes[laneOf(s.Command.Kind)].queue <- job{slot: s, left: true} // at most maxOpen, see Take
	}
	return c, nil
}

// Answers are for cmd/ack.
func (c *Commands) Answers() <-chan wire.CommandAck { return c.answers }

// Run does what was accepted until ctx ends. What is then unfinished is left to the next start.
func (c *Commands) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range c.lanes {
		g.Go(func() error { return c.work(ctx, l) })
	}
	return g.Wait()
}

// answer hands over an answer; the caller holds mu, so that RECEIVED comes before the result.
func (c *Commands) answer(a wire.CommandAck) {
	for {
		select {
		case c.answers <- a:
			return
		default:
		}
		select {
		case <-c.answers:
		default:
		}
	}
}
