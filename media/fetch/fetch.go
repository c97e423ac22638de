package fetch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"bangtin/media"
)

// A Library says what is missing and hears what became of it; *media.Library is one.
type Library interface {
	Missing() []media.File
	// Wanted tells that Missing may name other files than before.
	Wanted() <-chan struct{}
	// Added returns a *media.Refusal for what is final, once it is on record, and nil where err is nil.
	Added(ctx context.Context, f media.File, err error) error
}

// Times are the Fetcher's patience. A zero field is the default.
type Times struct {
	Idle     time.Duration // without 1 KiB from the server: the request is given up; 30 s
	Turn     time.Duration // one request may last so long, then another file has its turn; 1 h
	Poll     time.Duration // between two looks at what is missing; 1 min
	RetryMin time.Duration // before the first repetition; 5 s
	RetryMax time.Duration // between repetitions, which double, with jitter; 10 min
	Refused  time.Duration // before a file that was refused is tried again; doubles up to 4 times that; 6 h
}

func (t Times) orDefault() Times {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Idle, 30 * time.Second}, {&t.Turn, time.Hour}, {&t.Poll, time.Minute},
		{&t.RetryMin, 5 * time.Second}, {&t.RetryMax, 10 * time.Minute}, {&t.Refused, 6 * time.Hour},
	} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return t
}

// Options are the parts and the facts a Fetcher needs; all but Times are required.
type Options struct {
	URL     string       // https, ends in a slash; a file is under its SHA-256 there
	Client  *http.Client // see NewClient; redirects are refused whatever it says
	Library Library
	Store   *media.Store // where the parts are; the library's
	Log     *slog.Logger
	Times   Times
}

// A Fetcher fetches what a library misses. It is made by New.
type Fetcher struct {
	opts   Options
	client http.Client
	times  Times
	taken  atomic.Int64 // bytes from bodies

	mu      sync.Mutex // guards trouble
	trouble string

	// These belong to Run.
	tasks  map[string]*task // by SHA-256; no more than there are files missing
	server pause            // while the server as a whole does not answer
}

// A task is what is known of one missing file in this run of the process.
type task struct {
	file     media.File
	pause    pause
	refusals int    // how often it ended as refused
	etag     string // strong, of the file as the server had it last; empty for unknown
	effort
}

// An effort is what was spent on a file since it was begun, or refused last.
type effort struct {
	bytes   int64 // taken from bodies
	fouls   int   // answers in a row that cannot belong to the file
	ignored int   // whole files in a row in answer to a range
	listed  int   // block lists in a row that could not be had
	rounds  int   // repairs in a row that mended nothing
	anew    int   // times begun from the first byte again
	restart bool  // the next request is for the whole file
	mending mending
}

// A mending is a block of which the first bytes were fetched again when the link broke.
type mending struct {
	block int
	came  int64
}

// New makes a Fetcher, which does nothing before Run.
func New(o Options) *Fetcher {
	f := &Fetcher{opts: o, client: *o.Client, times: o.Times.orDefault(), tasks: make(map[string]*task)}
	f.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	f.client.Timeout, f.client.Jar = 0, nil // it would end a long file; Idle and Turn are for that
	return f
}

// Taken is how many bytes were taken from bodies of answers so far. Safe for concurrent use.
func (f *Fetcher) Taken() int64 { return f.taken.Load() }

// Trouble says in one English line why the last attempt failed; empty after one that did not. Safe for concurrent use.
func (f *Fetcher) Trouble() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.trouble
}

// Run fetches until ctx ends. Whatever fails is tried again later, and logged when it is news.
func (f *Fetcher) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		t, wait := f.next(time.Now())
		if t != nil {
			f.note(ctx, t, f.attempt(ctx, t))
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C:
		case <-f.opts.Library.Wanted():
			timer.Stop()
		}
	}
	return ctx.Err()
}

// next picks the missing file that is due longest, or says how long to wait. What is no longer missing is forgotten.
func (f *Fetcher) next(now time.Time) (*task, time.Duration) {
	missing := f.opts.Library.Missing()
	tasks := make(map[string]*task, len(missing))
	var first *task
	for _, file := range missing {
		t := f.tasks[file.SHA256]
		if t == nil || t.file != file {
			t = &task{file: file}
		}
		tasks[file.SHA256] = t
		if first == nil || t.pause.until.Before(first.pause.until) {
			first = t
		}
	}
	f.tasks = tasks
	if first == nil {
		f.say("")
		return nil, f.times.Poll
	}
	due := first.pause.until
	if f.server.until.After(due) {
		due = f.server.until
	}
	if wait := due.Sub(now); wait > 0 {
		return nil, min(wait, f.times.Poll)
	}
	return first, 0
}

// note draws the conclusions from an attempt.
func (f *Fetcher) note(ctx context.Context, t *task, err error) {
	if ctx.Err() != nil || errors.Is(err, errUnwanted) {
		return
	}
	if err == nil || ofStore(err) || errors.Is(err, errHopeless) {
		said := f.opts.Library.Added(ctx, t.file, err)
		if err == nil && said == nil {
			f.server = pause{}
			t.pause.grow(f.times) // it is forgotten, unless somebody took the file away at once
			f.say("")
			return
		}
		if said != nil && !media.Refused(said) {
			err = errors.Join(err, said) // the journal's
		}
	}
	switch {
	case errors.Is(err, errHopeless):
		t.effort, t.etag = effort{}, ""
		t.pause = pause{until: time.Now().Add(jitter(f.times.Refused << min(t.refusals, 2)))}
		t.refusals++
	case errors.Is(err, errServer):
		f.server.grow(f.times)
		t.pause.until = f.server.until // the others first: it may be this file
	default:
		t.pause.grow(f.times)
	}
	f.say(err.Error())
}

// ofStore reports whether the store, not the server, is in the way.
func ofStore(err error) bool {
	return errors.Is(err, media.ErrStoreFull) || errors.Is(err, media.ErrReadOnly)
}

// say remembers what is wrong, and logs it when it is news.
func (f *Fetcher) say(trouble string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if trouble != "" && trouble != f.trouble {
		f.opts.Log.Warn("content not fetched", "err", trouble)
	}
	f.trouble = trouble
}

// progress forgives what went wrong before: the server does give the file.
func (f *Fetcher) progress(t *task) {
	f.server, t.pause, t.fouls, t.ignored = pause{}, pause{}, 0, 0
}

// wanted reports whether the file is still missing.
func (f *Fetcher) wanted(file media.File) bool {
	for _, m := range f.opts.Library.Missing() {
		if m == file {
			return true
		}
	}
	return false
}

// Errors that say what to do next. Others are the store's.
var (
	errServer   = errors.New("the server does not serve")              // nothing is asked of it for a while
	errAbsent   = errors.New("the server does not have it")            // other files may be had
	errFoul     = errors.New("the answer cannot be what was approved") // no byte of it was taken
	errNoRange  = errors.New("the server gives the whole file for a range")
	errDiffers  = errors.New("a block came otherwise than the block list says")
	errDamaged  = errors.New("what was fetched is damaged")
	errHopeless = fmt.Errorf("given up: %w", media.ErrWrongContent)
	errUnwanted = errors.New("the file is not missing any more")
	errTurn     = errors.New("the turn is over")
	errStalled  = errors.New("nothing came for too long")
)
