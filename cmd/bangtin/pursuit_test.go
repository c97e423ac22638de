package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bangtin/internal/fleet/department"
	"bangtin/internal/wire"
)

// TestWhatSettlesACommandIsTold: the second display's answer comes while the first's is being told, and settles all.
func TestWhatSettlesACommandIsTold(t *testing.T) {
	digest := strings.Repeat("a", 64)
	c := &wire.Command{ID: "0123456789abcdef", Counter: uint64(morning.UnixMilli()), Kind: wire.DoReboot, Audience: []string{"display-01", "display-02"}}
	p, err := newPursuit(&outgoing{command: c, digest: digest}, func() time.Time { return morning })
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(display string) {
		p.hear(department.Message{
			Topic: "bt/v1/d/" + display + "/cmd/ack",
			Payload: fmt.Appendf(nil, `{"id":%q,"digest":%q,"status":"REJECTED","reason":"expired","at":%q}`,
				c.ID, digest, morning.Format(time.RFC3339)),
		})
	}
	for _, f := range p.follows {
		f.sentAt = morning // nothing is to be sent
	}
	refuse("display-01")
	var told []string
	p.run(t.Context(), &line{}, Patience{Resend: time.Hour}, func(s step) {
		told = append(told, s.Display)
		if len(told) == 1 {
			refuse("display-02")
		}
	})
	if got := strings.Join(told, " "); got != "display-01 display-02" {
		t.Errorf("told of %q", got)
	}

	ctx, cancel := context.WithCancel(t.Context())
	if p, err = newPursuit(&outgoing{command: c, digest: digest}, func() time.Time { return morning }); err != nil {
		t.Fatal(err)
	}
	for _, f := range p.follows {
		f.sentAt = morning
	}
	refuse("display-01")
	told = nil
	p.run(ctx, &line{}, Patience{Resend: time.Hour}, func(s step) {
		if told = append(told, s.Display); len(told) == 1 {
			p.hear(department.Message{
				Topic:   "bt/v1/d/display-02/cmd/ack",
				Payload: fmt.Appendf(nil, `{"id":%q,"digest":%q,"status":"RECEIVED","at":%q}`, c.ID, digest, morning.Format(time.RFC3339)),
			})
			cancel()
		}
	})
	if got := strings.Join(told, " "); got != "display-01 display-02" {
		t.Errorf("at the end of the patience, told of %q", got)
	}
}
