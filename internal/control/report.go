package control

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
	"bangtin/media"
)

// readyAfter is how long a display may take to its first picture before it is declared degraded.
const readyAfter = time.Minute

// publish keeps the state for whoever asks and tells when it changed in more than its clock hands.
func (c *Control) publish(at journal.Stamp, want Want, status Status) {
	s := c.describe(at, want)
	c.mu.Lock()
	s.Seq = c.state.Seq
	news := c.isNews(s)
	c.state, c.status = s, status
	close(c.next)
	c.next = make(chan struct{})
	c.mu.Unlock()
	if news {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
	c.settle(want, status)
}

// isNews reports whether s is worth telling at once. What only its contacts and the trust in its sensors say, and that the
// panel's watts fall to standby or rise from it, is so once in sensorNews; then it waits, and is told if it still holds.
func (c *Control) isNews(s wire.State) bool {
	now, say := time.Now(), contacts(s.Sensors)+string(c.standsBy())
	switch {
	case essence(s) != essence(c.state):
	case say != c.toldContacts && now.Sub(c.toldAt) >= sensorNews:
		c.toldAt = now
	default:
		return false
	}
	c.toldContacts = say
	return true
}

// settle closes ready once the display is as wanted or has had its time.
func (c *Control) settle(want Want, status Status) {
	done := status.State != journal.Lost || !want.PanelOn && (c.seen.Panel.Power == hal.PowerOff || c.seen.Panel.Blind)
	if done || time.Since(c.started) > readyAfter {
		c.once.Do(func() {
			c.cfg.Log.Info("ready", "degraded", !done, "rule", want.Rule, "cause", status.Cause)
			close(c.ready)
		})
	}
}

func (c *Control) describe(at journal.Stamp, want Want) wire.State {
	s := wire.State{
		At: at.Wall, Boot: at.Boot, Version: c.cfg.Version, Gate: c.cfg.Gate,
		Time:  wire.TimeState{Trust: string(at.Trust)},
		Want:  wire.WantState{Panel: "off", Show: string(want.Show), Rule: string(want.Rule), Reason: want.Reason},
		Panel: wire.PanelState{Power: c.seen.Panel.Power.String()},
		Player: wire.PlayerState{
			State: string(c.seen.Player.State), Item: c.seen.Player.Item, PositionS: c.seen.Player.PositionS,
		},
		Airtime: c.ledger.Airtime(), Mains: c.seen.Mains, Temperatures: c.sensors.temperatures(),
		Sensors: c.tell(time.Now()),
		Alarms:  c.alarms.codes(),
	}
	if want.PanelOn {
		s.Want.Panel = "on"
	}
	told := c.seen.Panel.Told
	s.Panel.OnSeconds = int64(told.Hours) * 3600
	if told.Brightness != LeaveBrightness {
		s.Panel.Brightness = &told.Brightness
	}
	if told.Inside.Quality == hal.QualityGood {
		tenths := int((told.Inside.Temperature - physic.ZeroCelsius) / (physic.Celsius / 10))
		s.Panel.CelsiusX10 = &tenths
	}
	if c.cfg.Trust != nil {
		s.TrustVersion = c.cfg.Trust()
	}
	if time.Since(c.seen.Player.At) > playerFresh {
		s.Player.State = string(media.PlayerDown)
	}
	if !c.seen.Panel.ReadAt.IsZero() {
		ago := time.Since(c.seen.Panel.ReadAt)
		verified := at.Wall.Add(-ago)
		s.Panel.VerifiedAt = &verified
	}
	if c.seen.Panel.Err != nil {
		s.Panel.Error = c.seen.Panel.Err.Error()
	}
	if p := c.seen.Player; p.Playlist != "" {
		s.Player.Playlist = p.Playlist + "@" + strconv.FormatUint(p.Version, 10)
	}
	return s
}

// essence is what of a state is worth telling at once. The item is not: the heartbeat tells it, and a state for
// each would be ten times the traffic.
func essence(s wire.State) string {
	mains := "unknown"
	if s.Mains != nil {
		mains = strconv.FormatBool(*s.Mains)
	}
	out := ""
	for _, part := range append([]string{
		s.Time.Trust, s.Want.Panel, s.Want.Show, s.Want.Rule, s.Want.Reason, s.Panel.Power, s.Player.State,
		s.Player.Playlist, mains, strconv.FormatUint(s.TrustVersion, 10),
	}, s.Alarms...) {
		out += part + "\x00"
	}
	return out
}

// wrong lists everything that is wrong now, by code. What keeps a window dark is among it under its cause, unless
// somebody wants it dark.
func (c *Control) wrong(at journal.Stamp, want Want, status Status) map[string]alarm {
	wrong := map[string]alarm{}
	tech := func(code, detail string, wait time.Duration) {
		wrong[code] = alarm{class: journal.Technical, detail: detail, wait: wait}
	}
	if want.Rule == RuleFire {
		wrong["fire"] = alarm{class: journal.Fire, detail: want.Reason}
	}
	if c.relayErr != nil {
		wrong["relay-failed"] = alarm{class: journal.Fire, detail: c.relayErr.Error()}
	}
	if err := c.seen.Panel.Err; err != nil && (c.relay == nil || want.Relay) { // a panel without mains cannot answer
		code := string(journal.CausePanelSilent)
		if errors.Is(err, hal.ErrRefused) {
			code = string(journal.CausePanelRefused)
		}
		tech(code, err.Error(), time.Minute)
	}
	c.wrongLight(wrong)
	if want.PanelOn && status.State == journal.Lost && wished(want) == "" {
		_, told := wrong[string(status.Cause)]
		told = told || c.seen.Light.Finding != Agreed && status.Cause == contradiction(time.Now(), c.seen) // by a code of its own
		if !told && status.Cause != journal.CauseMainsLost {
			tech(string(status.Cause), c.seen.Player.Detail, time.Minute)
		}
	}
	if at.Trust == journal.Untrusted {
		tech(string(journal.CauseClockUntrusted), "the clock cannot be believed", time.Minute)
	}
	if why := c.cfg.Clock.Disagrees(); why != "" {
		wrong["clock-disagrees"] = alarm{class: journal.Cyber, detail: why, wait: time.Minute}
	}
	if c.cfg.Lacking != nil {
		for code, detail := range c.cfg.Lacking() {
			class := journal.Technical
			if code == "relay-failed" {
				class = journal.Fire
			}
			wrong[code] = alarm{class: class, detail: detail}
		}
	}
	if name := c.cfg.Health.stuck(); name != "" {
		tech("journal-in-memory", name+" waits for a disk that does not answer", 0)
	}
	c.sensors.wrong(wrong)
	if !want.PanelOn {
		for _, r := range c.sensors.all() {
			if code := "sensor-faulty-" + r.Sensor; r.Kind == hal.Meter && c.alarms.raised[code] == nil {
				delete(wrong, code) // in standby pulses are hours apart: whether it is well the morning shows
			}
		}
	}
	for name := range c.heat.hot {
		if al, silent := wrong["sensor-faulty-"+name]; silent {
			al.detail += "; it was hot, and the panel stays dimmed until it speaks again"
			wrong["sensor-faulty-"+name] = al
		}
	}
	return wrong
}

// wrongLight lists what is wrong with the panel beyond its power.
func (c *Control) wrongLight(wrong map[string]alarm) {
	tech := func(detail string, wait time.Duration) alarm {
		return alarm{class: journal.Technical, detail: detail, wait: wait}
	}
	watts := c.sensors.meter().Watts
	switch c.seen.Light.Finding {
	case LitButOff:
		wrong["panel-lit-but-off"] = tech("it is off by all it says, and draws "+watts.String(), contradictedWait)
	case DarkButOn:
		wrong["panel-dark-but-on"] = tech("it is on by all it says, and draws "+watts.String(), contradictedWait)
	case InputWrong:
		if s := c.seen.Panel.Told.Socket; !s.Woke {
			wrong["input-wrong"] = alarm{class: journal.Intrusion, detail: s.why(c.cfg.Input)}
		}
	case SignalLost:
		wrong["no-signal"] = tech("the panel is on and sees no picture on its input", time.Minute)
	}
	told := c.seen.Panel.Told
	if len(told.Faults) > 0 && time.Since(told.FaultsAt) <= toldFresh*diagnoseEvery {
		wrong["panel-fault"] = tech("the panel says: "+strings.Join(told.Faults, ", "), 0)
	}
	if told.Disobeys != "" {
		wrong["brightness-disobeyed"] = tech(told.Disobeys, 0)
	}
	if c.ageing.found != "" {
		wrong["panel-degrading"] = tech(c.ageing.found, 0)
	}
	if why := c.heat.why(); why != "" {
		wrong["panel-hot"] = tech(why, 0)
	}
}

// panelWord is the panel's part in a proof of play.
func panelWord(now time.Time, seen Seen) string {
	switch {
	case dark(now, seen) != "", contradiction(now, seen) != "" && seen.Light.Proven:
		return "off"
	case contradiction(now, seen) != "", seen.Panel.Blind && seen.Light.Draw != DrawLit:
		return "unverified"
	}
	return "on"
}

func worsePanel(a, b string) string {
	rank := map[string]int{"": 0, "on": 1, "unverified": 2, "off": 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}
