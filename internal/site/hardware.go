package site

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// What holds when the site file does not say otherwise.
const (
	DefaultKeyFor  = 12 * time.Hour
	DefaultDwell   = time.Minute
	DefaultDim     = 65 // °C: ten below the cut-off, so that dimming has a chance
	DefaultCutOff  = 75 // °C: the lowest that Samsung accepts as a panel's own limit (MDC command 85)
	DefaultPulses  = 1000
	maxBrightness  = 24
	maxThermometer = 16
)

// A Line is one line of a GPIO chip.
type Line struct {
	Chip      string // label of the chip, as gpiodetect shows it in brackets
	Name      string // name or number of the line
	ActiveLow bool   // the line means what it is named for while it is low
}

// A Contact is an input with two positions.
type Contact struct {
	Name string // mains, smoke, door, tamper or key: the table it was read from
	Line Line
}

// Key says what the turned key switch asks for.
type Key struct {
	Does string        // "off" or "on"
	For  time.Duration // at most; 1 min to 24 h
}

// Meter says how the panel's watts are measured.
type Meter struct {
	Driver string // "s0", "ina219" or "ina226"
	Lit    int    // watts that the panel draws at least while it shows a picture; 0 when nobody measured it
	Dark   int    // watts that it draws at most in standby

	Line         Line // s0
	PulsesPerKWh int  // s0: printed on the meter; 1 to 100,000

	Bus           string // ina219, ina226: name of the I²C adapter, as i2cdetect -l shows it
	Address       int    // 0x40 to 0x4f
	ShuntMilliOhm int    // 1 to 10,000
	MaxAmpere     int    // 1 to 100
}

// Relay says what feeds the panel.
type Relay struct {
	Line       Line
	Feedback   *Line         // nil when no contact tells whether it moved
	SafeClosed bool          // the panel is fed at start, at exit and when the controller is dead
	Dwell      time.Duration // it stays open at least so long; 0 to 10 min
}

// A Thermometer is one temperature that is watched.
type Thermometer struct {
	Name    string // as it is reported; [a-z0-9-]{1,20}
	Driver  string // "hwmon", "zone" or "w1"
	Chip    string // name of the chip, type of the zone, or 28-… of the 1-wire sensor
	Channel string // hwmon: temp1 …; empty otherwise
}

// Safety holds temperatures in °C.
type Safety struct {
	Dim    int // 40 to 75
	CutOff int // 60 to 80, above Dim
}

// A Level is a brightness from a time of day on.
type Level struct {
	From    time.Duration // wall-clock time after midnight
	Percent int           // 0 to 100
}

// contacts lists the tables that each hold one input, with whether a high line means what the table is named for.
// Smoke, door and tamper contacts are closed at rest and pull their line down: an open one is an alarm, and so is a
// cut cable. The optocoupler of the mains and the turned key pull it down too.
func contacts() []Contact {
	return []Contact{
		{Name: "mains", Line: Line{ActiveLow: true}}, {Name: "smoke"}, {Name: "door"}, {Name: "tamper"}, {Name: "key", Line: Line{ActiveLow: true}},
	}
}

// hardware reads everything that is wired beside the panel.
func (r *reader) hardware(s *Site) {
	for _, c := range contacts() {
		if !r.table(c.Name) {
			r.line(c.Name, "line", c.Line.ActiveLow)
			continue
		}
		s.Contacts = append(s.Contacts, Contact{Name: c.Name, Line: r.wired(c.Name, "line", c.Line.ActiveLow)})
	}
	s.Key = Key{
		Does: r.choice("key.does", r.text("key.does", "off"), "off", "on"),
		For:  r.duration("key.for", DefaultKeyFor, time.Minute, 24*time.Hour),
	}
	s.Meter, s.Relay = r.meter(), r.relay()
	s.Thermometers, s.Safety = r.thermometers(), r.safety()
	r.once(s)
}

// once finds a line that two tables claim: the kernel gives it to one of them.
func (r *reader) once(s *Site) {
	type claim struct {
		key  string
		line Line
	}
	var claims []claim
	for _, c := range s.Contacts {
		claims = append(claims, claim{c.Name + ".line", c.Line})
	}
	if s.Meter != nil && s.Meter.Driver == "s0" {
		claims = append(claims, claim{"meter.line", s.Meter.Line})
	}
	if s.Relay != nil {
		claims = append(claims, claim{"relay.line", s.Relay.Line})
		if s.Relay.Feedback != nil {
			claims = append(claims, claim{"relay.feedback", *s.Relay.Feedback})
		}
	}
	for i, c := range claims {
		for _, before := range claims[:i] {
			if c.line.Name != "" && c.line.Chip == before.line.Chip && c.line.Name == before.line.Name {
				r.wrong(c.key, "%q of %q is %s already: each needs a line of its own", c.line.Name, c.line.Chip, before.key)
			}
		}
	}
}

// line reads chip, line and active of a table; what is missing is empty.
func (r *reader) line(table, key string, low bool) Line {
	rest := "high"
	if low {
		rest = "low"
	}
	return Line{
		Chip: r.name(table+".chip", r.text(table+".chip", "")), Name: r.name(table+"."+key, r.text(table+"."+key, "")),
		ActiveLow: r.choice(table+".active", r.text(table+".active", rest), "high", "low") == "low",
	}
}

// wired is line for a table that must have it.
func (r *reader) wired(table, key string, low bool) Line {
	l := r.line(table, key, low)
	if l.Chip == "" {
		r.required(table+".chip", "ftdi-cbus")
	}
	if l.Name == "" {
		r.required(table+"."+key, "0")
	}
	return l
}

// name accepts what chips, lines and zones are called.
func (r *reader) name(key, text string) string {
	if len(text) > 64 || strings.ContainsFunc(text, unicode.IsControl) {
		r.wrong(key, "%q is not a name: write at most 64 characters on one line", text)
	}
	return text
}

func (r *reader) meter() *Meter {
	there := r.table("meter")
	m := &Meter{
		Driver: r.choice("meter.driver", r.text("meter.driver", "s0"), "s0", "ina219", "ina226"),
		Lit:    r.integer("meter.lit", 0, 0, 5000), Dark: r.integer("meter.dark", 0, 0, 500),
		PulsesPerKWh: r.integer("meter.pulses_per_kwh", DefaultPulses, 1, 100_000),
		Bus:          r.text("meter.bus", ""), Address: r.integer("meter.address", 0x40, 0x40, 0x4F),
		ShuntMilliOhm: r.integer("meter.shunt_milliohm", 100, 1, 10_000), MaxAmpere: r.integer("meter.max_ampere", 3, 1, 100),
	}
	if !there {
		r.line("meter", "line", true)
		return nil
	}
	if m.Driver == "s0" {
		m.Line = r.wired("meter", "line", true)
	} else {
		r.line("meter", "line", true)
		m.Bus = r.name("meter.bus", r.required("meter.bus", "bcm2835 (i2c@7e804000)"))
	}
	if m.Lit > 0 && m.Lit <= m.Dark {
		r.wrong("meter.lit", "is %d W and meter.dark is %d W: a lit panel draws more than a dark one", m.Lit, m.Dark)
	}
	return m
}

func (r *reader) relay() *Relay {
	there := r.table("relay")
	feedback := r.name("relay.feedback", r.text("relay.feedback", ""))
	relay := &Relay{
		SafeClosed: r.choice("relay.safe", r.text("relay.safe", "closed"), "closed", "open") == "closed",
		Dwell:      r.duration("relay.dwell", DefaultDwell, 0, 10*time.Minute),
	}
	low := r.choice("relay.feedback_active", r.text("relay.feedback_active", "low"), "high", "low") == "low"
	if !there {
		r.line("relay", "line", false)
		return nil
	}
	relay.Line = r.wired("relay", "line", false)
	if feedback != "" {
		relay.Feedback = &Line{Chip: relay.Line.Chip, Name: feedback, ActiveLow: low}
	}
	return relay
}

// thermometers reads a table whose keys are names of the installer's own.
func (r *reader) thermometers() []Thermometer {
	if !r.table("temperature") {
		return nil
	}
	table, _ := r.tree["temperature"].(map[string]any)
	if len(table) > maxThermometer {
		r.wrong("temperature", "has %d entries: write at most %d", len(table), maxThermometer)
		return nil
	}
	var list []Thermometer
	for _, name := range slices.Sorted(maps.Keys(table)) {
		key := "temperature." + name
		text := r.text(key, "")
		if !regexp.MustCompile(`^[a-z0-9-]{1,20}$`).MatchString(name) {
			r.wrong(key, "is not a name: use 1 to 20 of a-z, 0-9 and hyphens")
			continue
		}
		if slices.Contains([]string{"mains", "smoke", "door", "tamper", "key", "meter", "panel-inside"}, name) {
			r.wrong(key, "is the name of another sensor: choose another")
			continue
		}
		t, err := parseThermometer(text)
		if err != nil {
			r.wrong(key, "%q %s", text, err)
			continue
		}
		t.Name = name
		list = append(list, t)
	}
	return list
}

func parseThermometer(text string) (Thermometer, error) {
	parts := regexp.MustCompile(`^(?:(hwmon):([^:/\x00-\x1f]{1,64}):(temp[1-9]\d?)|(zone):([^:/\x00-\x1f]{1,64})|(w1):(28-[0-9a-f]{12}))$`).FindStringSubmatch(text)
	if parts == nil {
		return Thermometer{}, fmt.Errorf(`is no thermometer: write "hwmon:CHIP:temp1", "zone:TYPE" or "w1:28-0316a2795f1c"`)
	}
	return Thermometer{Driver: parts[1] + parts[4] + parts[6], Chip: parts[2] + parts[5] + parts[7], Channel: parts[3]}, nil
}

func (r *reader) safety() Safety {
	r.table("safety")
	s := Safety{Dim: r.integer("safety.dim", DefaultDim, 40, 75), CutOff: r.integer("safety.cut_off", DefaultCutOff, 60, 80)}
	if s.Dim >= s.CutOff {
		r.wrong("safety.dim", "is %d °C and the cut-off is %d °C: dim before", s.Dim, s.CutOff)
	}
	return s
}

// brightness reads entries such as "18:00 60".
func (r *reader) brightness() []Level {
	const key = "schedule.brightness"
	texts := r.texts(key, nil)
	if len(texts) > maxBrightness {
		r.wrong(key, "has %d entries: write at most %d", len(texts), maxBrightness)
		return nil
	}
	var list []Level
	for _, text := range texts {
		parts := regexp.MustCompile(`^([01]\d|2[0-3]):([0-5]\d) (\d|[1-9]\d|100)$`).FindStringSubmatch(text)
		if parts == nil {
			r.wrong(key, "%q is not a time and a percentage: write it as %q", text, "18:00 60")
			continue
		}
		percent := 0
		for _, digit := range parts[3] {
			percent = percent*10 + int(digit-'0')
		}
		l := Level{From: clock(parts[1], parts[2]), Percent: percent}
		if n := len(list); n > 0 && l.From <= list[n-1].From {
			r.wrong(key, "%q is not later than the entry before it: sort them by time", text)
			continue
		}
		list = append(list, l)
	}
	return list
}
