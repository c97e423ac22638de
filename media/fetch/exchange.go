package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// stride is how many bytes must come within Times.Idle.
	stride = 1 << 10
	// enough bytes forgive what went wrong before, so that a server cannot buy requests with single bytes.
	enough = 16 << 10
)

// budget is how many bytes one effort may take: the file twice, and 1 MiB for repairs of a small one. A server that
// damages whatever it gives costs no more.
func (t *task) budget() int64 { return 2*t.file.Size + 1<<20 }

// exchange sends one request and hands the body to take, if the head promises what was asked for. An answer that
// does not is ended at once: not a byte of its body is taken.
func (f *Fetcher) exchange(ctx context.Context, t *task, a ask, take func(body io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	idle := time.AfterFunc(f.times.Idle, func() { cancel(errStalled) })
	defer idle.Stop()
	turn := time.AfterFunc(f.times.Turn, func() { cancel(errTurn) })
	defer turn.Stop()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.opts.URL+a.name, nil)
	if err != nil {
		return fmt.Errorf("cannot ask for content: %w", err)
	}
	req.Header = a.header()
	resp, err := f.client.Do(req)
	if err != nil {
		return broken(ctx, err)
	}
	defer resp.Body.Close()
	err = a.judge(answer{
		status: resp.StatusCode, header: resp.Header, length: resp.ContentLength,
		coded: resp.Uncompressed || len(resp.TransferEncoding) > 0,
	})
	if a.name == t.file.SHA256 && resp.StatusCode/100 == 2 {
		t.etag = strongETag(resp.Header)
	}
	if err != nil {
		return err
	}
	return take(&body{
		ctx: ctx, from: resp.Body, left: a.to - a.from, hint: a.name != t.file.SHA256, f: f, t: t, idle: idle, looked: time.Now(),
	})
}

// broken says why the link is of no use.
func broken(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if errors.Is(err, errTurn) || errors.Is(err, errUnwanted) {
		return err
	}
	return fmt.Errorf("%w: %w", errServer, err)
}

// A body is what is taken of an answer: as many bytes as were asked for, each of them counted.
type body struct {
	ctx    context.Context
	from   io.Reader
	left   int64
	hint   bool // it is a block list, which proves nothing of the file
	f      *Fetcher
	t      *task
	idle   *time.Timer
	fresh  int64     // bytes since idle was wound up
	came   int64     // bytes of this answer
	looked time.Time // when the file was last seen to be missing
}

// Read implements io.Reader. It ends with io.EOF once all is there, and only then.
func (b *body) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	room := b.t.budget() - b.t.bytes
	if room <= 0 {
		return 0, fmt.Errorf("%w: %d bytes did not suffice", errHopeless, b.t.bytes)
	}
	if time.Since(b.looked) > b.f.times.Poll {
		b.looked = time.Now()
		if !b.f.wanted(b.t.file) {
			return 0, errUnwanted
		}
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left, room)])
	b.count(int64(n))
	switch {
	case b.left == 0:
		return n, nil
	case errors.Is(err, io.EOF):
		return n, broken(b.ctx, io.ErrUnexpectedEOF)
	case err != nil:
		return n, broken(b.ctx, err)
	}
	return n, nil
}

func (b *body) count(n int64) {
	b.left -= n
	b.t.bytes += n
	b.f.taken.Add(n)
	if b.fresh += n; b.fresh >= stride {
		b.fresh = 0
		b.idle.Reset(b.f.times.Idle)
	}
	if b.came += n; !b.hint && (b.came >= enough || b.left == 0) {
		b.f.progress(b.t)
	}
}
