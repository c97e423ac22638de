package main

import (
	"testing"
	"time"
)

// No operator's certificate takes the place of the centre or of a display, whatever identity it claims.
func TestNobodyIsThrownOutByAnotherIdentity(t *testing.T) {
	f := newField(t)
	f.serve()
	operator := f.operator("truc-ban")
	display := f.display("tinh-bien-01")
	f.startBroker()
	thrown := map[string]chan struct{}{
		"centre":       f.join(f.centreFiles(), f.ports[1], "centre", "bt/v1/d/+/evt").gone,
		"tinh-bien-01": f.join(display, f.ports[0], "tinh-bien-01").gone,
	}
	for name, gone := range thrown {
		f.join(operator, f.ports[1], name)
		select {
		case <-gone:
			t.Errorf("%s was thrown out by an operator", name)
		case <-time.After(500 * time.Millisecond): // the broker throws out before it answers the connect
		}
	}
}

// Watching and commanding at once do not throw each other out.
func TestWatchingHasItsOwnName(t *testing.T) {
	f := newField(t)
	f.serve()
	operator := f.operator("truc-ban")
	watch := operator
	watch.Certificate, watch.Key = f.path("c/operators/truc-ban/watch.pem"), f.path("c/operators/truc-ban/watch.key")
	f.startBroker()
	watching := f.join(watch, f.ports[1], "w", "bt/v1/d/+/conn")
	f.join(operator, f.ports[1], "o")
	select {
	case <-watching.gone:
		t.Error("the watch was thrown out")
	case <-time.After(500 * time.Millisecond):
	}
}
