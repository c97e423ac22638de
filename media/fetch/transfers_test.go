package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/media"
)

// A proxy misbehaves at random in front of one file and keeps the account of what it damaged.
type proxy struct {
	mu      sync.Mutex
	dice    *rand.Rand
	other   []byte // given in place of the file, where the server has other content under its name
	touched int64  // blocks damaged, each time they were given
	body    int64  // bytes given to the link, whether or not they were taken
}

// chance rolls for one in n.
func (p *proxy) chance(n int) bool { return p.roll(n) == 0 }

func (p *proxy) roll(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dice.IntN(n)
}

// answer is the rule of an origin: two of three answers promise what they should.
func (p *proxy) answer(r *http.Request) deed {
	if p.other != nil && !strings.HasSuffix(r.URL.Path, media.BlocksSuffix) {
		return func(w http.ResponseWriter, r *http.Request, _ []byte) { p.give(w, r, p.other, true) }
	}
	switch p.roll(32) {
	case 0:
		return whole
	case 1:
		return endless
	case 2:
		return set("Content-Range", "bytes 0-99/100")
	case 3:
		return set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", p.roll(1<<20), 1<<20+p.roll(1<<20), 1<<22))
	case 4:
		return set("Content-Length", fmt.Sprint(p.roll(1<<22)))
	case 5:
		return set("ETag", fmt.Sprintf(`"%d"`, p.roll(1000)))
	case 6:
		return set("Content-Encoding", "gzip")
	case 7:
		return status([]int{302, 307, 403, 404, 416, 429, 500, 502, 503, 504}[p.roll(10)])
	case 8:
		return func(http.ResponseWriter, *http.Request, []byte) { panic(http.ErrAbortHandler) }
	case 9:
		return longer
	case 10:
		return p.elsewhere
	}
	return func(w http.ResponseWriter, r *http.Request, raw []byte) { p.give(w, r, raw, false) }
}

// give damages what it gives now and then, and drops or stalls now and then. Foreign bytes count as damaged anyway.
func (p *proxy) give(w http.ResponseWriter, r *http.Request, raw []byte, foreign bool) {
	from, to := span(r, raw)
	end := to
	if p.chance(3) {
		end = from + p.roll(to-from)
	}
	out := bytes.Clone(raw[from:end])
	bad := map[int]bool{}
	for block := from / media.BlockSize; foreign && block*media.BlockSize < end; block++ {
		bad[block] = true
	}
	if len(out) > 0 && p.chance(5) {
		for range 1 + p.roll(3) {
			at := p.roll(len(out))
			out[at] ^= byte(1 + p.roll(255))
			bad[(from+at)/media.BlockSize] = true
		}
	}
	p.account(len(bad), len(out))
	head(w, r, raw, nil)
	w.Write(out)
	if end == to {
		return
	}
	flush(w)
	if p.chance(6) {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

// elsewhere promises the right range and gives another one.
func (p *proxy) elsewhere(w http.ResponseWriter, r *http.Request, raw []byte) {
	from, to := span(r, raw)
	shift := p.roll(len(raw))
	out := append(bytes.Clone(raw[shift:]), raw[:shift]...)[from:to]
	end := 1 + p.roll(min(len(out), 2*media.BlockSize)) // and breaks soon: this is the dearest lie
	p.account((from+end-1)/media.BlockSize-from/media.BlockSize+1, end)
	head(w, r, raw, nil)
	w.Write(out[:end])
	flush(w)
	panic(http.ErrAbortHandler)
}

func (p *proxy) account(touched, body int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.touched += int64(touched)
	p.body += int64(body)
}

// A transfer is what became of one file.
type transfer struct {
	size, taken, touched int64
	restarts, requests   int
	cut                  int64 // bytes of a block that was being mended when the process ended: nobody knows of them then
	foreign              bool
	refused              error
	failure              string
}

// excess is how many bytes were taken beyond what was damaged and cut, over the size.
func (x transfer) excess() float64 {
	return float64(max(0, x.taken-x.touched*media.BlockSize-x.cut)) / float64(x.size)
}

// TestTransfers is 60 transfers, or as many as BANGTIN_TRANSFERS says, through a proxy that drops, stalls, damages and
// lies about ranges, with the process restarted now and then: each file ends verified or refused, and costs at most
// 1.02 times its size beside what was damaged. BANGTIN_SEED repeats a run as far as time lets it.
func TestTransfers(t *testing.T) {
	count, seed := number(t, "BANGTIN_TRANSFERS", 60), uint64(number(t, "BANGTIN_SEED", int(time.Now().UnixNano()%1e9)))
	t.Logf("BANGTIN_TRANSFERS=%d BANGTIN_SEED=%d", count, seed)
	began := time.Now()
	work, results := make(chan int), make(chan transfer)
	for range 8 {
		go func() {
			for n := range work {
				results <- carry(t, seed, n)
			}
		}()
	}
	go func() {
		for n := range count {
			work <- n
		}
		close(work)
	}()
	all := make([]transfer, 0, count)
	for range count {
		all = append(all, <-results)
	}
	summary(t, all, time.Since(began))
}

func number(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// carry brings one file to its end.
func carry(t *testing.T, seed uint64, n int) (x transfer) {
	d := rand.New(rand.NewPCG(seed, uint64(n)))
	c := film(d, 64*kib+d.IntN(3072*kib-64*kib))
	p := &proxy{dice: rand.New(rand.NewPCG(seed, uint64(n)+1<<32))}
	o := newOrigin(t, c)
	defer o.Close()
	o.rule = p.answer
	x.size, x.foreign = c.Size, d.IntN(25) == 0
	if x.foreign {
		p.other = film(d, len(c.raw)).raw
		if d.IntN(2) == 0 { // and the list of it, or the right one
			o.files[c.SHA256+media.BlocksSuffix] = mustBlocks(t, p.other)
		}
	}
	dir := t.TempDir()
	for known := false; !known; {
		r := newRig(t, o, dir, c.File)
		times := quick()
		times.Idle = time.Second
		r.fetcher = r.build(o, times)
		lives := 60 * time.Second
		if x.restarts < 3 && d.IntN(3) == 0 {
			lives = time.Duration(1+d.IntN(60)) * time.Millisecond
			x.restarts++
		}
		mended := r.live(lives)
		x.taken += r.fetcher.Taken()
		x.refused, known = r.shelf.outcome(c.File)
		if !known && r.store.Has(c.File) { // it ended between the last step and the word of it
			_, err := r.store.Verified(t.Context(), c.File)
			x.refused, known = err, true
		}
		if !known && mended {
			x.cut += media.BlockSize
		}
		if !known && lives == 60*time.Second {
			x.failure = "no end: " + r.fetcher.Trouble()
			known = true
		}
		if known && x.refused == nil && x.failure == "" {
			r.has(c)
		}
	}
	x.touched, x.requests = p.touched, len(o.requests())
	return x
}

// live is one life of the process, and tells whether it ended while a whole part was being mended.
func (r *rig) live(most time.Duration) (mending bool) {
	ctx, stop := context.WithTimeout(context.Background(), most)
	defer stop()
	go func() {
		select {
		case <-r.shelf.heard:
			stop()
		case <-ctx.Done():
		}
	}()
	if err := r.fetcher.Run(ctx); !errors.Is(err, ctx.Err()) {
		r.t.Errorf("Run ended with %v", err)
	}
	for _, name := range parts(r.t, r.dir) {
		info, err := os.Stat(name)
		mending = mending || err == nil && info.Size() == r.shelf.missing[0].Size
	}
	return mending
}

// A tally sums transfers that ended in one way.
type tally struct{ files, size, taken, touched, cut, restarts, requests int64 }

func (y *tally) add(x transfer) {
	y.files, y.size, y.taken, y.touched, y.cut = y.files+1, y.size+x.size, y.taken+x.taken, y.touched+x.touched, y.cut+x.cut
	y.restarts, y.requests = y.restarts+int64(x.restarts), y.requests+int64(x.requests)
}

func (y tally) String() string {
	if y.files == 0 {
		return "0 files"
	}
	size := float64(y.size)
	return fmt.Sprintf("%d files, %d requests, %d restarts, of which %d cut a repair; %d bytes, %d taken (%.4f), %d blocks damaged (%.4f without them)",
		y.files, y.requests, y.restarts, y.cut/media.BlockSize, y.size, y.taken, float64(y.taken)/size, y.touched,
		float64(y.taken-y.touched*media.BlockSize)/size)
}

func summary(t *testing.T, all []transfer, took time.Duration) {
	t.Helper()
	var total, verified, refused tally
	var lost int
	var worst, uncut float64
	for _, x := range all {
		total.add(x)
		worst = max(worst, x.excess())
		whole := x
		whole.cut = 0
		uncut = max(uncut, whole.excess())
		switch {
		case x.failure != "":
			t.Error(x.failure)
		case x.refused == nil && x.foreign:
			t.Error("verified what was never served")
		case x.refused == nil:
			verified.add(x)
		case errors.Is(x.refused, media.ErrWrongContent):
			refused.add(x)
		default:
			t.Errorf("ended with %v", x.refused)
		}
		if x.refused != nil && !x.foreign {
			lost++
			t.Logf("refused though it could have been had: %v: %+v", x.refused, x)
		}
		if x.excess() > 1.02 {
			t.Errorf("%.4f of its size: %+v", x.excess(), x)
		}
	}
	t.Logf("%d transfers in %.0f s\n  verified: %v\n  refused:  %v\n  all:      %v", len(all), took.Seconds(), verified, refused, total)
	t.Logf("the worst file: %.4f of its size beside what was damaged, %.4f where a repair cut by a restart is not forgiven a block", worst, uncut)
	if total.taken > total.size*102/100+total.touched*media.BlockSize {
		t.Error("more than 1.02 of the size, and what was damaged, in all")
	}
	if lost > len(all)/50 {
		t.Errorf("%d files were refused that could have been had", lost)
	}
}
