package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"bangtin/internal/fleet/department"
	"bangtin/internal/wire"
)

func TestTroubles(t *testing.T) {
	z, err := zone()
	if err != nil {
		t.Fatal(err)
	}
	inside := time.Date(2027, 1, 31, 8, 0, 0, 0, z)
	lit := func() *wire.State {
		return &wire.State{
			Gate: "g", At: inside, Time: wire.TimeState{Trust: "synchronised"}, Panel: wire.PanelState{Power: "on"},
			Want: wire.WantState{Panel: "on", Show: "programme", Rule: "schedule"}, Player: wire.PlayerState{State: "playing", Playlist: "a@1"},
		}
	}
	tests := map[string]struct {
		change func(*sight)
		now    time.Time
		want   string // codes
	}{
		"well":                      {func(*sight) {}, inside, ""},
		"birth only":                {func(s *sight) { s.state = nil }, inside, ""},
		"never seen":                {func(s *sight) { s.conn, s.state, s.life = "", nil, time.Time{} }, inside, "never-seen"},
		"lost":                      {func(s *sight) { s.conn = wire.Gone; s.state.Panel.Power = "off" }, inside, "lost"},
		"off":                       {func(s *sight) { s.conn = wire.Off }, inside, "off"},
		"silent":                    {func(s *sight) { s.life = inside.Add(-3*time.Minute - time.Second) }, inside, "silent"},
		"nearly silent":             {func(s *sight) { s.life = inside.Add(-3 * time.Minute) }, inside, ""},
		"off air, rarely heard":     {func(s *sight) { s.state.Want.Panel, s.life = "off", inside.Add(-14*time.Minute) }, inside, ""},
		"off air, silent":           {func(s *sight) { s.state.Want.Panel, s.life = "off", inside.Add(-16*time.Minute) }, inside, "silent"},
		"online, never a state":     {func(s *sight) { s.state, s.life = nil, time.Time{} }, inside, "silent"},
		"dark":                      {func(s *sight) { s.state.Panel.Power = "off" }, inside, "dark"},
		"dark by order":             {func(s *sight) { s.state.Panel.Power, s.state.Want.Panel = "off", "off" }, inside, "dark"},
		"cannot be read back":       {func(s *sight) { s.state.Panel.Power = "unknown" }, inside, ""},
		"not read back":             {func(s *sight) { s.state.Panel.Power, s.state.Panel.VerifiedAt = "unknown", &inside }, inside, "dark"},
		"read back hours ago":       {func(s *sight) { s.state.Panel.VerifiedAt = new(inside.Add(-5 * time.Hour)) }, inside, "dark"},
		"warming":                   {func(s *sight) { s.state.Panel.Power = "warming" }, inside, "dark"},
		"dark at noon":              {func(s *sight) { s.state.Panel.Power, s.state.Want.Panel = "off", "off" }, inside.Add(4 * time.Hour), ""},
		"dark at the first minute":  {func(s *sight) { s.state.Panel.Power = "off" }, inside.Add(-time.Hour), "dark"},
		"dark at the end":           {func(s *sight) { s.state.Panel.Power, s.state.Want.Panel = "off", "off" }, inside.Add(3 * time.Hour), ""},
		"panel error":               {func(s *sight) { s.state.Panel.Error = "no answer" }, inside, "panel"},
		"player":                    {func(s *sight) { s.state.Player.State = "stalled" }, inside, "dark"},
		"player, by order at noon":  {func(s *sight) { s.state.Player.State = "stalled" }, inside.Add(4 * time.Hour), "player"},
		"slate":                     {func(s *sight) { s.state.Player.State, s.state.Want.Show = "slate", "slate" }, inside, "dark"},
		"slate at noon":             {func(s *sight) { s.state.Player.State, s.state.Want.Show = "slate", "slate" }, inside.Add(4 * time.Hour), ""},
		"playlist":                  {func(s *sight) { s.ought = "a@2" }, inside, "playlist"},
		"playlist as published":     {func(s *sight) { s.ought = "a@1" }, inside, ""},
		"alarms":                    {func(s *sight) { s.state.Alarms = []string{"door-open", "hot"} }, inside, "alarm alarm"},
		"clock":                     {func(s *sight) { s.state.Time.Trust = "floored" }, inside, "clock"},
		"an older trust document":   {func(s *sight) { s.state.TrustVersion, s.newest = 3, 4 }, inside, "trust"},
		"the newest trust document": {func(s *sight) { s.state.TrustVersion, s.newest = 4, 4 }, inside, ""},
		"tells no trust document":   {func(s *sight) { s.newest = 4 }, inside, ""},
		"much in the outbox":        {func(s *sight) { s.state.Outbox.Depth = outboxMuch }, inside, "outbox"},
		"more and more in the same": {func(s *sight) { s.rises = outboxRises }, inside, "outbox"},
	}
	h, err := parseHours([]string{"07:00-11:00", "14:00-18:00"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &sight{gate: "g", conn: wire.Online, life: tt.now, state: lit()}
			tt.change(s)
			var codes []string
			for _, tr := range (&Program{}).troubles(s, h, tt.now, 3*time.Minute) {
				codes = append(codes, tr.code)
			}
			if got := strings.Join(codes, " "); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestOutboxThatGrows(t *testing.T) {
	s, now := &sight{}, time.Now()
	for i, step := range []struct {
		depth uint64
		rises int
	}{{5, 0}, {6, 1}, {7, 2}, {7, 2}, {9, 3}, {2, 0}, {3, 1}} {
		s.takeState(&wire.State{Outbox: wire.Outbox{Depth: step.depth}}, false, now)
		if s.rises != step.rises {
			t.Errorf("state %d: %d rises, want %d", i, s.rises, step.rises)
		}
	}
}

// What the broker kept is as old as it says; a clock that is ahead makes nobody younger than now.
func TestKeptStateIsNoSignOfLife(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		at   time.Time
		kept bool
		want time.Time
	}{
		"kept, old":    {now.Add(-time.Hour), true, now.Add(-time.Hour)},
		"kept, ahead":  {now.Add(time.Hour), true, now},
		"live, behind": {now.Add(-time.Hour), false, now},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sight{}
			s.takeState(&wire.State{At: tt.at}, tt.kept, now)
			if !s.life.Equal(tt.want) {
				t.Errorf("last sign of life %s, want %s", s.life, tt.want)
			}
		})
	}
}

func TestWallIsBounded(t *testing.T) {
	w := newWall(time.Now)
	conn, err := wire.Encode(wire.Conn{State: wire.Online, Session: "s", Boot: "b", Version: "v"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxDisplays + 100 {
		id := "d-" + strings.Repeat("x", i%30) + string(rune('a'+i%26)) + time.Duration(i).String()
		topics, err := wire.NewTopics(strings.ToLower(strings.NewReplacer("µ", "u", ".", "-").Replace(id)))
		if err != nil {
			t.Fatal(err)
		}
		w.hear(department.Message{Topic: topics.Conn(), Payload: conn})
	}
	if n := len(w.sights); n != maxDisplays {
		t.Errorf("%d displays are remembered, want %d", n, maxDisplays)
	}
}

// allDay makes the window independent of when the test runs.
const allDay = " --window 00:00-23:59"

func TestWatchOnce(t *testing.T) {
	r := newRegion(t)
	well, sick := r.display("tinh-bien-01"), r.display("vinh-xuong-01")
	sick.now(func(s *wire.State) {
		s.Gate, s.Alarms = "Cửa khẩu Vĩnh Xương", []string{"door-open"}
		s.Sensors = []wire.Sensor{{Name: "door", Kind: "door", Value: new(1.0), Quality: wire.SensorGood}, {Name: "meter", Kind: "meter", Value: new(61.4), Unit: "W", Quality: wire.SensorGood}}
	})
	r.await(well)
	r.awaitState(sick, func(s wire.State) bool { return len(s.Alarms) > 0 })
	out := r.expect(exitFailed, "watch --once"+allDay, "Cửa khẩu Vĩnh Xương\n  vinh-xuong-01", "door-open", "\n                       sensors: door open, 61.4 W\n", "2 displays: 1 well, 1 with something wrong.")
	if strings.Contains(out, "tinh-bien-01") {
		t.Errorf("shows what is well:\n%s", out)
	}
	r.expect(exitOK, "watch --once --gate tịnh"+allDay, "1 displays: 1 well")
	r.expect(exitOK, "watch --once --all --gate tinh-bien"+allDay, "tinh-bien-01", "plays tet-2027@1")
	_, object, _ := r.say("watch --once --json --gate vinh" + allDay)
	if told := objects(t, object)[0]["sensors"]; len(told.([]any)) != 2 {
		t.Errorf("sensors of the object are %v", told)
	}
	sick.stop()
	if out := r.expect(exitFailed, "watch --once --gate vinh"+allDay, "stopped in good order since"); strings.Contains(out, "61.4") {
		t.Errorf("what was said last is no longer known to be so:\n%s", out)
	}
	code, objects, errs := r.say("watch --once --json" + allDay)
	var first watchObject
	var last sumObject
	lines := strings.Split(strings.TrimSpace(objects), "\n")
	if code != exitFailed || len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &first) != nil || json.Unmarshal([]byte(lines[1]), &last) != nil {
		t.Fatalf("exit %d\n%s%s", code, objects, errs)
	}
	if first.Display != "vinh-xuong-01" || first.Troubles[0].Code != "off" || last != (sumObject{2, 1, 1}) {
		t.Errorf("%+v, %+v", first, last)
	}
	r.expect(exitFailed, "watch --once --gate nowhere", "0 displays")
}

func TestWatchTellsEachChangeOnce(t *testing.T) {
	r := newRegion(t)
	s := r.display("tinh-bien-01")
	r.await(s)
	ctx, cancel := context.WithCancel(t.Context())
	out := &book{}
	ended := make(chan int, 1)
	go func() { ended <- r.program("watch"+allDay, out, out).Run(ctx) }()
	out.await(t, "1 displays: 1 well")
	s.now(func(st *wire.State) { st.Player.State = "stalled" })
	out.await(t, "tinh-bien-01: DARK inside its window: the player is stalled")
	s.now(func(st *wire.State) { st.Player.State = "playing" })
	out.await(t, "tinh-bien-01: well")
	births := r.births(s)
	r.check(r.broker.Kill())
	out.await(t, "not connected to")
	r.check(r.broker.Start())
	out.await(t, "\nconnected to")
	r.eventually("the display is back", func() bool { return r.births(s) > births })
	s.stop()
	out.await(t, "stopped in good order")
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("exit %d", code)
	}
	if n := strings.Count(out.String(), "the player is stalled"); n != 1 {
		t.Errorf("told %d times:\n%s", n, out)
	}
}

// A broker that lost what it kept, or a display that never came: what was published for it tells that there should be one.
func TestWatchTellsWhoWasNeverSeen(t *testing.T) {
	r := newRegion(t)
	s := r.display("tinh-bien-01")
	s.now(func(st *wire.State) { st.Player.State = "playing" })
	r.await(s)
	topics, err := wire.NewTopics("tinh-bien-02")
	r.check(err)
	r.check(r.centre.Publish(topics.DesiredPlaylist(), true, []byte("{}")))
	r.expect(exitFailed, "watch --once"+allDay, "tinh-bien-02", "never seen", "2 displays: 1 well, 1 with something wrong.")
	r.check(r.centre.Publish(topics.DesiredPlaylist(), true, nil))
	r.expect(exitOK, "watch --once"+allDay, "1 displays: 1 well")
}

// While our own line is down nobody becomes silent or dark: nothing is known. That is told once, and a program hears it
// as an object.
func TestOurOwnSilenceIsNobodysTrouble(t *testing.T) {
	z, err := zone()
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHours([]string{"14:00-18:00"})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2027, 1, 31, 13, 59, 0, 0, z)
	var out, errs bytes.Buffer
	p := &Program{Stdout: &out, Stderr: &errs, Now: func() time.Time { return now }}
	p.speakJSON()
	v := &view{p: p, wall: newWall(p.Now), hours: h, local: p.Now, last: map[string]string{}}
	v.wall.sights["tinh-bien-01"] = &sight{conn: wire.Online, life: now, state: &wire.State{Time: wire.TimeState{Trust: "signed"}, Panel: wire.PanelState{Power: "off"}}}
	well := func(when string) {
		t.Helper()
		if found := v.look(); len(found[0].troubles) != 0 {
			t.Errorf("%s: %s", when, p.key(found[0].troubles))
		}
	}
	well("at first")
	for range 3 {
		if err := v.lineBroke("tls://b:1", errors.New("no route")); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Hour)
		well("while the line is down")
	}
	for range 2 {
		if err := v.lineStands("tls://b:1"); err != nil {
			t.Fatal(err)
		}
		well("before the broker has told what it keeps")
	}
	now = now.Add(p.Patience.defaults().Settle)
	if found := v.look(); len(found[0].troubles) != 1 || found[0].troubles[0].code != "silent" {
		t.Errorf("still nothing was heard, and that is told as %s", p.key(found[0].troubles))
	}
	got := objects(t, out.String())
	if len(got) != 2 || got[0]["line"] != "broken" || got[0]["why"] != "no route" || got[1]["line"] != "stands" || errs.Len() > 0 {
		t.Errorf("told %v and %q", got, errs.String())
	}
}

// A book may be read while it is written.
type book struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *book) await(t *testing.T, words string) {
	t.Helper()
	for deadline := time.Now().Add(giveUp); !strings.Contains(b.String(), words); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never says %q:\n%s", words, b)
		}
	}
}
