package main_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	main "bangtin/cmd/bangtind"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// TestAwayWhileAKeyWasStruck: the trust document and what the new key signed come with one connection, and each is
// judged by a worker of its own. Whichever is first, the display ends up with the new playlist and the new order.
func TestAwayWhileAKeyWasStruck(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.inbox(s.approved(10))
	editor, editorKey := newKey(t, "editor")
	power, powerKey := newKey(t, "power")
	first := s.start()
	s.until("on air", shows(10))
	first.stop()
	s.publish("trust", s.sealed(s.replaced(2, editorKey, powerKey)))
	s.publish("playlist", s.playlist(11, editor, s.department.Approver))
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	order, err := s.department.PowerOrder(wire.PowerOrder{Device: device, Version: 6, State: wire.WishOn, Until: &until, Reason: "khóa mới"}, power)
	if err != nil {
		t.Fatal(err)
	}
	s.publish("power", order)
	second := s.start()
	s.trusts(2, "desired/trust")
	s.until("the new playlist, by the new order", func(st *wire.State) bool { return shows(11)(st) && strings.Contains(st.Want.Reason, "khóa mới") })
	second.stop()
	s.verified()
}

// TestPlaylistBeforeItsTrustDocument comes by MQTT, and the document by a stick, which takes two looks.
func TestPlaylistBeforeItsTrustDocument(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.inbox(s.approved(10))
	editor, editorKey := newKey(t, "editor")
	_, powerKey := newKey(t, "power")
	r := s.start()
	s.until("on air", shows(10))
	s.publish("playlist", s.playlist(11, editor, s.department.Approver))
	s.write(s.sealed(s.replaced(2, editorKey, powerKey)), "data", "inbox", "trust.json")
	s.trusts(2, "inbox")
	s.until("the new playlist", shows(11))
	r.stop()
	s.verified()
}

func TestBeliefInTheTimeIsWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var belief atomic.Value
		belief.Store(journal.Untrusted)
		changes := 0
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- main.WatchBelief(ctx, func() journal.Stamp {
				return journal.Stamp{Trust: belief.Load().(journal.TimeTrust)}
			}, func() { changes++ })
		}()
		for want, now := range []journal.TimeTrust{journal.Untrusted, journal.Synchronised, journal.Signed} {
			belief.Store(now)
			time.Sleep(time.Minute)
			synctest.Wait()
			if changes != want {
				t.Errorf("%s: told %d times, want %d", now, changes, want)
			}
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
