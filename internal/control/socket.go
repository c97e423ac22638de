package control

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"bangtin/hal"
)

// A Socket is which of its inputs the panel shows. Times are process time.
type Socket struct {
	Name    string    // what the panel told last, in its driver's word; empty before
	Wrong   bool      // that is another than the site file's; it holds until the panel tells the right one, or is switched
	Woke    bool      // Wrong, and the panel was just switched on: many come up on an input of their own choice
	RightAt time.Time // until then what it shows is vouched for: it told the right one, or was switched on, or the run began
	Err     error     // why it did not take the right one; nil when it did, or was not told
}

// socketSoons is how often in a row a panel on a wrong input is asked again at once: one that cannot take the right one,
// or has another word for it, has other things to tell.
const socketSoons = 2

// A socketKeeper keeps the panel on the input that the site file names. What stands in another one is foreign to this
// display, whoever put it there, and is seen by everybody: a wrong input is put right by the exchange after the answer.
type socketKeeper struct {
	panel hal.InputSwitcher
	name  string
	log   *slog.Logger
	chore *chore
	woke  bool // the panel was switched on, and has told no input since
	turns int  // how often in a row it was told
}

// plug has the panel kept on an input. It is called before run.
func (k *panelKeeper) plug(name string) {
	if name == "" {
		return
	}
	p, ok := k.panel.(hal.InputSwitcher)
	if !ok {
		k.log.Error("the panel's input is nobody's", "wanted", name, "err", hal.ErrUnsupported)
		return
	}
	s := &socketKeeper{panel: p, name: name, log: k.log}
	s.chore = &chore{every: signalEvery, ask: func(ctx context.Context) (bool, error) {
		return s.tend(ctx, &k.seen.Told.Socket)
	}}
	k.socket, k.chores = s, append([]*chore{s.chore}, k.chores...)
	k.seen.Told.Socket.RightAt = time.Now()
}

// switched begins anew with a panel that was switched on: what it shows is asked as soon as it is on.
func (s *socketKeeper) switched(into *Socket) {
	if s == nil {
		return
	}
	*into = Socket{RightAt: time.Now()}
	s.woke, s.turns, s.chore.next = true, 0, time.Time{}
}

// urgent is the question that waits neither for a window nor for others, nil when there is none now: a panel that was
// switched on in the lead shall begin its window on the right input, and one that was put right shall say so.
func (s *socketKeeper) urgent() *chore {
	if s == nil || !s.woke && s.turns == 0 || time.Now().Before(s.chore.next) {
		return nil
	}
	return s.chore
}

// tend asks for the input and puts a wrong one right. A panel that does not tell is told once when it was switched on,
// and for as long as the last that it told is wrong.
func (s *socketKeeper) tend(ctx context.Context, into *Socket) (soon bool, err error) {
	found, err := s.panel.Input(ctx)
	mute := errors.Is(err, hal.ErrUnsupported) || errors.Is(err, hal.ErrRefused)
	switch {
	case mute && (s.woke || into.Wrong):
		s.woke = false
		into.Err = s.turn(ctx, "")
		return false, err
	case err != nil:
		return false, err
	case found == s.name:
		s.woke, s.turns = false, 0
		*into = Socket{Name: found, RightAt: time.Now()}
		return false, nil
	}
	into.Name, into.Wrong, into.Woke = found, true, s.woke
	s.woke = false
	into.Err = s.turn(ctx, found)
	return s.turns <= socketSoons, nil
}

func (s *socketKeeper) turn(ctx context.Context, from string) error {
	s.turns++
	err := s.panel.SetInput(ctx, s.name)
	s.log.Warn("panel put on its input", "input", s.name, "from", from, "try", s.turns, "err", err)
	return err
}

// urge asks a panel on a wrong input again soon, whatever came of the last question.
func (s *socketKeeper) urge(c *chore, told Socket) {
	if s == nil || c != s.chore || !told.Wrong {
		return
	}
	if soonest := time.Now().Add(c.every); c.next.After(soonest) {
		c.next = soonest
	}
}

// why is one line for a person.
func (s Socket) why(wanted string) string {
	line := "the panel shows its input " + s.Name + ", and this display is on " + wanted
	if s.Err != nil {
		line += "; it does not take it: " + s.Err.Error()
	}
	return line
}
