package main_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"bangtin/internal/control/local"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// A watch looks at the display five times a second from the first attack to the last.
type watch struct {
	world *world
	stop  chan struct{}
	done  sync.WaitGroup

	since   time.Time
	excused []span // restarts, which are the test's own
	looks   int
	mute    int      // looks that the daemon did not answer in time
	bad     []string // what was seen that is not on air
}

type span struct{ from, to int64 }

// begin starts to look; the display is on air.
func (w *watch) begin() {
	if w.since.IsZero() {
		w.since = time.Now()
	}
	w.stop = make(chan struct{})
	w.done.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
				w.look()
			}
		}
	})
}

func (w *watch) look() {
	w.looks++
	s, err := w.world.ask(local.Request{Do: local.Status})
	if err != nil {
		w.mute++
		return
	}
	item := slices.Contains([]string{"hinh", "mot", "hai"}, s.Player.Item) && strings.HasPrefix(s.Player.Playlist, "thu-nghiem@")
	if s.Want.Panel != "on" || s.Panel.Power != "on" || s.Player.State != "playing" || !item {
		w.bad = append(w.bad, fmt.Sprintf("%s: wanted %s, panel %s, player %s, %s of %s, by %s", time.Now().Format("15:04:05.0"), s.Want.Panel, s.Panel.Power, s.Player.State, s.Player.Item, s.Player.Playlist, s.Want.Rule))
	}
}

// end stops looking.
func (w *watch) end() {
	close(w.stop)
	w.done.Wait()
}

// restart ends the daemon in good order, lets the attacker work meanwhile, and starts it again. The seconds from the
// stop until it is on air again are excused.
func (h *hostile) restart(r *run, version uint64, meanwhile func()) *run {
	h.t.Helper()
	h.watch.end()
	from := time.Now().Unix()
	r.stop()
	h.logs += r.log()
	meanwhile()
	r = h.start()
	h.until("on air again", playing(version))
	h.until("counted as on air", func(s *wire.State) bool { return s.Airtime.DeliveredS > 0 && playing(version)(s) })
	h.watch.excused = append(h.watch.excused, span{from, time.Now().Unix() + 2})
	h.watch.begin()
	return r
}

// verdict prints the airtime since the first attack, and fails for each second that was lost to anything but a restart.
func (w *watch) verdict() {
	t := w.world.t
	t.Helper()
	for _, bad := range w.bad {
		t.Errorf("not on air at %s", bad)
	}
	var onAir, lost, excused int64
	segments := append(bodies[journal.Segment](t, w.world.records(), journal.KindSegment), w.world.open())
	for _, g := range journal.Effective(segments) {
		from, to := max(g.From, w.since.Unix()), g.To
		switch {
		case from >= to:
		case g.State == journal.OnAir:
			onAir += to - from
		case g.State == journal.Lost:
			free := w.pardon(from, to)
			excused, lost = excused+free, lost+to-from-free
			if to-from > free {
				t.Errorf("%d s were lost to %s", to-from-free, g.Cause)
			} else {
				t.Logf("%d s of a restart: %s", free, g.Cause)
			}
		}
	}
	if onAir == 0 {
		t.Error("no airtime is on record")
	}
	t.Logf("since the first attack %d s on air, %d s lost, and %d s in %d restarts of the test's own; %d looks at the display, %d of them unanswered",
		onAir, lost, excused, len(w.excused), w.looks, w.mute)
}

// open is the segment that the last run left open.
func (w *world) open() journal.Segment {
	w.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+w.path("data", "journal.db")+"?mode=ro")
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	var body []byte
	if err := db.QueryRowContext(w.t.Context(), "SELECT body FROM heartbeat").Scan(&body); err != nil {
		w.t.Fatal(err)
	}
	var hb journal.Heartbeat
	if err := json.Unmarshal(body, &hb); err != nil {
		w.t.Fatal(err)
	}
	hb.Open.To = hb.At
	return hb.Open
}

// pardon is how many seconds of a stretch fall into restarts.
func (w *watch) pardon(from, to int64) int64 {
	var n int64
	for s := from; s < to; s++ {
		if slices.ContainsFunc(w.excused, func(e span) bool { return e.from <= s && s < e.to }) {
			n++
		}
	}
	return n
}
