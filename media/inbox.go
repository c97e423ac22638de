package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"syscall"
	"time"

	"bangtin/internal/trust"
)

// Names inside an inbox. A file of content is named for its SHA-256.
const (
	inboxTrust    = "trust.json"    // a trust document
	inboxPlaylist = "playlist.json" // an envelope
	inboxContent  = "content"
)

// An Inbox is a folder through which a USB stick delivers: trust.json, playlist.json and content/<sha256>. Whoever can write to
// it is not trusted. What was taken over is removed; everything else is left as it is, and what cannot be taken is
// recorded once, not at every look.
type Inbox struct {
	dir     string
	library *Library
	log     *slog.Logger
	trust   func(ctx context.Context, raw []byte, source string) error
	seen    map[string]sight // by name inside the folder; no more than the names that are looked for
}

// A sight is what a file was at the last look, whether it is done with, and when it is tried again.
type sight struct {
	is     identity
	done   bool
	awaits bool          // refused, and another trust document may let it pass
	under  uint64        // Library.rechecks at that refusal
	wait   time.Duration // since it failed last; doubles each time
	next   time.Duration // on Stamp.Mono: not tried before
}

// A file that could not be taken is tried again after firstWait, and at last every lastWait: a stick that dies, or a
// store that is full, must not fill the log.
const (
	firstWait = 2 * time.Second
	lastWait  = 10 * time.Minute
)

// later puts the next try off.
func (s sight) later(now time.Duration) sight {
	s.wait = min(max(2*s.wait, firstWait), lastWait)
	s.next = now + s.wait
	return s
}

// NewInbox looks into dir, which need not exist, on behalf of the library.
func NewInbox(dir string, library *Library, log *slog.Logger) *Inbox {
	return &Inbox{dir: dir, library: library, log: log}
}

// TakeTrust has trust documents given to take, which keeps and records what it accepts or refuses and returns a
// *trust.Refusal for the latter. Without it they are left alone. Call it before Run.
func (b *Inbox) TakeTrust(take func(ctx context.Context, raw []byte, source string) error) {
	b.trust = take
}

// Run scans at once and every interval. It returns only when ctx ends; errors are tried again, and logged when they
// are news.
func (b *Inbox) Run(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	said := ""
	for {
		err := b.Scan(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != said {
			b.log.Error("inbox scan", "err", err)
			said = err.Error()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Scan looks once. A file is taken when it stands as it stood at the scan before, so that one still being copied is
// not refused for being short. Scan blocks while it copies; one goroutine calls it.
func (b *Inbox) Scan(ctx context.Context) error {
	// Links out of the folder lead nowhere.
	root, err := os.OpenRoot(b.dir)
	if errors.Is(err, fs.ErrNotExist) {
		b.seen = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot scan inbox: %w", err)
	}
	old := b.seen
	b.seen = make(map[string]sight)
	if b.trust != nil { // first: what else is on the stick may be signed by its keys
		err = b.take(ctx, root, old, inboxTrust, b.offerTrust)
	}
	err = errors.Join(err, b.take(ctx, root, old, inboxPlaylist, b.offer))
	for _, f := range b.library.Missing() {
		name := path.Join(inboxContent, f.SHA256)
		err = errors.Join(err, b.take(ctx, root, old, name, func(ctx context.Context, file io.Reader) error {
			return b.library.Add(ctx, file, f)
		}))
	}
	if err = errors.Join(err, root.Close()); err != nil {
		return fmt.Errorf("cannot scan inbox: %w", err)
	}
	return nil
}

// take hands a file that stands still to use, and removes it when use took it over.
func (b *Inbox) take(ctx context.Context, root *os.Root, old map[string]sight, name string, use func(context.Context, io.Reader) error) error {
	info, err := root.Lstat(name)
	if err != nil {
		return nothing(err)
	}
	is, clock := identify(info), b.library.opts.Stamp().Mono
	now, known := old[name]
	if !known || now.is != is {
		b.seen[name] = sight{is: is}
		return nil
	}
	b.seen[name] = now
	under := b.library.rechecks.Load()
	if now.done || now.awaits && now.under == under || clock < now.next {
		return nil
	}
	err = b.use(ctx, root, name, info, use)
	var no *Refusal
	switch {
	case err == nil:
		b.seen[name] = sight{is: is, done: true}
		return root.Remove(name)
	case errors.As(err, &no):
		b.log.Warn("inbox file refused", "name", name, "reason", no.Reason)
		switch {
		case no.Reason == ReasonFull, no.Reason == ReasonReadOnly, no.Reason == ReasonFuture: // time may help
			b.seen[name] = now.later(clock)
		case no.Final():
			b.seen[name] = sight{is: is, done: true}
		default:
			b.seen[name] = sight{is: is, awaits: true, under: under}
		}
		return nil
	}
	var dying *readError
	if now.wait == 0 && errors.As(err, &dying) && ctx.Err() == nil {
		if no := b.library.note(ctx, &Refusal{Reason: ReasonInbox, Detail: dying.Error()}); !Refused(no) {
			err = errors.Join(err, no)
		}
	}
	b.seen[name] = now.later(clock)
	return err
}

// nothing forgives that a file is not there, or hidden behind what is no folder.
func nothing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}

// use opens a plain file and hands it on. Where reading fails the error wraps a *readError.
func (b *Inbox) use(ctx context.Context, root *os.Root, name string, info fs.FileInfo, use func(context.Context, io.Reader) error) error {
	// Opening a device may already do something.
	if !info.Mode().IsRegular() {
		return b.notPlain(ctx, name)
	}
	// Without O_NONBLOCK a named pipe put in place of the file meanwhile would hold us for ever.
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return b.library.note(ctx, &Refusal{Reason: ReasonInbox, Detail: err.Error()})
	}
	opened, err := file.Stat()
	switch {
	case err != nil:
	case !opened.Mode().IsRegular() || identify(opened) != identify(info):
		err = b.notPlain(ctx, name)
	default:
		err = use(ctx, source{file})
	}
	return errors.Join(err, file.Close())
}

func (b *Inbox) notPlain(ctx context.Context, name string) error {
	return b.library.note(ctx, &Refusal{Reason: ReasonInbox, Detail: name + " is not a plain file"})
}

// A source marks what goes wrong with reading, to tell it from what goes wrong with what was read.
type source struct{ r io.Reader }

type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

func (s source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &readError{err}
	}
	return n, err
}

func (b *Inbox) offerTrust(ctx context.Context, file io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(file, trust.MaxEnvelope+1))
	if err != nil {
		return err
	}
	err = b.trust(ctx, raw, "inbox")
	if no, ok := errors.AsType[*trust.Refusal](err); ok {
		return &Refusal{Reason: string(no.Reason), Detail: no.Detail}
	}
	return err
}

func (b *Inbox) offer(ctx context.Context, file io.Reader) error {
	raw, err := io.ReadAll(io.LimitReader(file, trust.MaxEnvelope+1))
	if err != nil {
		return err
	}
	_, err = b.library.Offer(ctx, raw, "inbox")
	return err
}
