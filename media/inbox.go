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
	inboxPlaylist = "playlist.json" // an envelope
	inboxContent  = "content"
)

// An Inbox is a folder through which a USB stick delivers: playlist.json and content/<sha256>. Whoever can write to
// it is not trusted. What was taken over is removed; everything else is left as it is, and what cannot be taken is
// recorded once, not at every look.
type Inbox struct {
	dir     string
	library *Library
	log     *slog.Logger
	seen    map[string]sight // by name inside the folder; no more than the names that are looked for
}

// A sight is what a file was at the last look, and whether it is done with.
type sight struct {
	is   identity
	done bool
}

// NewInbox looks into dir, which need not exist, on behalf of the library.
func NewInbox(dir string, library *Library, log *slog.Logger) *Inbox {
	return &Inbox{dir: dir, library: library, log: log}
}

// Run scans at once and every interval. It returns only when ctx ends; errors are logged and tried again.
func (b *Inbox) Run(ctx context.Context, interval time.Duration) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := b.Scan(ctx); err != nil && ctx.Err() == nil {
			b.log.Error("inbox scan", "err", err)
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
	err = b.take(ctx, root, old, inboxPlaylist, b.offer)
	for _, f := range b.library.Missing() {
		name := path.Join(inboxContent, f.SHA256)
		err = errors.Join(err, b.take(ctx, root, old, name, func(ctx context.Context, file *os.File) error {
			return b.library.Add(ctx, file, f)
		}))
	}
	if err = errors.Join(err, root.Close()); err != nil {
		return fmt.Errorf("cannot scan inbox: %w", err)
	}
	return nil
}

// take hands a file that stands still to use, and removes it when use took it over.
func (b *Inbox) take(ctx context.Context, root *os.Root, old map[string]sight, name string, use func(context.Context, *os.File) error) error {
	info, err := root.Lstat(name)
	if err != nil {
		return nothing(err)
	}
	now := sight{is: identify(info)}
	before, known := old[name]
	if known && before.is == now.is {
		now.done = before.done
	}
	b.seen[name] = now
	if !known || before.is != now.is || now.done {
		return nil
	}
	err = b.use(ctx, root, name, now.is, use)
	var no *Refusal
	switch {
	case err == nil:
		err = root.Remove(name)
		b.seen[name] = sight{now.is, true}
	case errors.As(err, &no):
		b.log.Warn("inbox file refused", "name", name, "reason", no.Reason)
		b.seen[name] = sight{now.is, no.Reason != ReasonFull && no.Reason != ReasonReadOnly} // there may be room later
		err = nil
	}
	return err
}

// nothing forgives that a file is not there, or hidden behind what is no folder.
func nothing(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return err
}

func (b *Inbox) use(ctx context.Context, root *os.Root, name string, is identity, use func(context.Context, *os.File) error) error {
	// Without O_NONBLOCK a named pipe put in place of the file would hold us for ever.
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return b.library.note(ctx, &Refusal{Reason: ReasonInbox, Detail: err.Error()})
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular() || identify(info) != is:
		err = b.library.note(ctx, &Refusal{Reason: ReasonInbox, Detail: name + " is not a plain file"})
	default:
		err = use(ctx, file)
	}
	return errors.Join(err, file.Close())
}

func (b *Inbox) offer(ctx context.Context, file *os.File) error {
	raw, err := io.ReadAll(io.LimitReader(file, trust.MaxEnvelope+1))
	if err != nil {
		return err
	}
	_, err = b.library.Offer(ctx, raw, "inbox")
	return err
}
