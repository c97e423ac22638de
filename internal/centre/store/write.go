package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// A writing is one transaction. What it learns of the chains becomes the store's when it is committed.
type writing struct {
	ctx   context.Context
	s     *Store
	tx    *sql.Tx
	now   time.Time
	heads map[string]*head // those that this transaction touches
}

func (w *writing) change(c Change) (Outcome, error) {
	switch {
	case c.Batch != nil:
		return w.batch(c.Batch)
	case c.States != nil:
		return Outcome{}, w.states(c.States)
	case c.Incident != nil:
		return Outcome{}, w.incident(*c.Incident)
	case c.Command != nil:
		return w.command(c.Command)
	case c.Answer != nil:
		return Outcome{}, w.answer(*c.Answer)
	case c.Order != nil:
		return Outcome{}, w.order(c.Order)
	}
	return Outcome{}, fmt.Errorf("%w: there is nothing in it", ErrUnfit)
}

func (w *writing) exec(query string, args ...any) error {
	_, err := w.tx.ExecContext(w.ctx, query, args...)
	return err
}

// head is the display's in this transaction. It is nil when the display is unknown and there is no room for another.
func (w *writing) head(device string) (*head, error) {
	if h, ok := w.heads[device]; ok {
		return h, nil
	}
	if h, ok := w.s.heads[device]; ok {
		mine := *h
		w.heads[device] = &mine
		return &mine, nil
	}
	var displays int
	if err := w.tx.QueryRowContext(w.ctx, "SELECT count(*) FROM display").Scan(&displays); err != nil {
		return nil, err
	}
	if displays >= w.s.o.Displays {
		return nil, nil
	}
	h := new(head)
	row := w.tx.QueryRowContext(w.ctx, `INSERT INTO display (device, since, epoch, seq, hash, top, day, spent)
		VALUES (?, ?, 0, 0, ?, 0, 0, 0) RETURNING id`, device, w.now.Unix(), h.hash[:])
	if err := row.Scan(&h.id); err != nil {
		return nil, err
	}
	w.heads[device] = h
	return h, nil
}

// charge books bytes on the display's budget of today and reports whether it had them.
func (w *writing) charge(h *head, bytes int64) bool {
	if today := w.now.Unix() / (24 * 60 * 60); today != h.day {
		h.day, h.spent = today, 0
	}
	if h.spent+bytes > w.s.o.Daily {
		return false
	}
	h.spent += bytes
	return true
}

func (w *writing) putHeads() error {
	for device, h := range w.heads {
		if err := w.exec("UPDATE display SET epoch = ?, seq = ?, hash = ?, top = ?, day = ?, spent = ? WHERE id = ?",
			h.epoch, int64(h.seq), h.hash[:], int64(h.top), h.day, h.spent, h.id); err != nil {
			return fmt.Errorf("head of %s: %w", device, err)
		}
	}
	return nil
}

// A State is what a display said of itself last.
type State struct {
	Device string
	Heard  time.Time
	Body   []byte // JSON as it came
}

func (w *writing) states(states []State) error {
	for _, s := range states {
		h, err := w.head(s.Device)
		if err != nil {
			return err
		}
		if h == nil {
			continue // its records are refused, and counted, too
		}
		if err := w.exec(`INSERT INTO state (display, heard, body) VALUES (?, ?, ?)
			ON CONFLICT (display) DO UPDATE SET heard = excluded.heard, body = excluded.body`,
			h.id, s.Heard.Unix(), string(s.Body)); err != nil {
			return err
		}
	}
	return nil
}

// An Incident is something a person must know of that no record of a display tells.
type Incident struct {
	At     time.Time
	Device string // empty when it is about the centre itself
	Code   string // stable, lower case with hyphens
	Over   bool   // what the same code reported earlier has ended
	Since  time.Time
	Heard  time.Time // when the display was last heard; zero when never
	Detail string    // one line in English
}

func (w *writing) incident(i Incident) error {
	return w.exec(`INSERT INTO incident (at, device, code, over, since, heard, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		i.At.Unix(), i.Device, i.Code, i.Over, seconds(i.Since), seconds(i.Heard), i.Detail)
}

// seconds is 0 for no time at all.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
