package site

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// What holds when the site file does not say otherwise.
const (
	DefaultKeyFor  = 12 * time.Hour
	DefaultDwell   = 10 * time.Second // nobody's figure but ours: each start of the daemon waits so long
	DefaultDim     = 65               // °C: ten below the cut-off, so that dimming has a chance
	DefaultCutOff  = 75               // °C: the lowest that Samsung accepts as a panel's own limit (MDC command 85)
	DefaultPulses  = 1000
	leastVisible   = 10 // percent: below it a picture is there for nobody who passes by; our judgement
	maxBrightness  = 24
	maxThermometer = 16
	maxW1          = 8 // on one bus, which reads them one after the other (hal/hwmon)
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

	Bus           string // ina219, ina226: name of the I²C adapter as i2cdetect -l shows it, its beginning, or the end of its path
	Address       int    // 0x40 to 0x4f
	ShuntMilliOhm int    // 1 to 10,000; with MaxAmpere a voltage that the part measures
	MaxAmpere     int    // 1 to 100
}

// Relay says what feeds the panel.
type Relay struct {
	Line       Line          // active while the panel is fed, which on a normally closed contact is without current in the coil
	Feedback   *Line         // active while the panel is fed; nil when no contact tells whether it moved
	SafeClosed bool          // it is wired on a normally closed contact: a coil without current feeds the panel
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
	// Sensors are the Thermometers that dim and cut off; nil when the file does not say, and what they are decides.
	Sensors []string
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
		l := r.wired(c.Name, "line", c.Line.ActiveLow)
		if l.ActiveLow && !c.Line.ActiveLow {
			r.wrong(c.Name+".active", `is "low", so that a cut cable would read as all well: wire a contact that is closed at rest, and write active = "high"`)
		}
		s.Contacts = append(s.Contacts, Contact{Name: c.Name, Line: l})
	}
	s.Key = Key{
		Does: r.choice("key.does", r.text("key.does", "off"), "off", "on"),
		For:  r.duration("key.for", DefaultKeyFor, time.Minute, 24*time.Hour),
	}
	s.Meter, s.Relay = r.meter(), r.relay()
	s.Thermometers, s.Safety = r.thermometers(), r.safety()
	r.named(s.Safety.Sensors, s.Thermometers)
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
		Chip: r.chip(table + ".chip"), Name: canonical(r.name(table+"."+key, r.text(table+"."+key, ""))),
		ActiveLow: r.choice(table+".active", r.text(table+".active", rest), "high", "low") == "low",
	}
}

// chip refuses the name that the kernel gives a chip by the order in which it finds them.
func (r *reader) chip(key string) string {
	name := r.name(key, r.text(key, ""))
	if regexp.MustCompile(`^(/dev/)?gpiochip\d+$`).MatchString(path.Clean(name)) {
		r.wrong(key, "%q is the kernel's number, which changes: write the chip's label, as gpiodetect shows it in brackets", name)
	}
	return name
}

// canonical writes the number of a line without zeros in front, so that each line has one name of that kind.
func canonical(line string) string {
	if line == "" || strings.Trim(line, "0123456789") != "" {
		return line
	}
	return cmp.Or(strings.TrimLeft(line, "0"), "0")
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
	r.trimmed(key, text)
	return text
}

func (r *reader) meter() *Meter {
	there := r.table("meter")
	m := &Meter{
		Driver: r.choice("meter.driver", r.text("meter.driver", "s0"), "s0", "ina219", "ina226"),
		Lit:    r.integer("meter.lit", 0, 0, 5000), Dark: r.integer("meter.dark", 0, 0, 500),
		PulsesPerKWh: r.integer("meter.pulses_per_kwh", DefaultPulses, 1, 100_000),
		Bus:          r.text("meter.bus", ""), Address: r.integer("meter.address", 0x40, 0x40, 0x4F),
	}
	r.shunt(m)
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
	if m.Driver == "s0" {
		r.idle(`meter.driver = "s0"`, "meter.bus", "meter.address", "meter.shunt_milliohm", "meter.max_ampere")
	} else {
		r.idle("meter.driver = \""+m.Driver+"\"", "meter.chip", "meter.line", "meter.active", "meter.pulses_per_kwh")
	}
	if m.Lit > 0 && r.value("meter.dark") == nil {
		r.wrong("meter.lit", "is there without meter.dark, and a panel that went dark would never be found: write what it draws in standby too")
	}
	if m.Lit > 0 && m.Lit <= m.Dark {
		r.wrong("meter.lit", "is %d W and meter.dark is %d W: a lit panel draws more than a dark one", m.Lit, m.Dark)
	}
	return m
}

// shunt reads the resistor by which an INA219 or INA226 measures. What falls across it at the largest current must be
// within what the part measures, 320 mV and 81.9 mV, and large enough for its calibration register, which wants
// 20.5 mV and 5.2 mV (datasheets SBOS448 and SBOS547). The defaults are the resistors of the usual modules.
func (r *reader) shunt(m *Meter) {
	shunt, ampere, least, most := 100, 3, 21, 320
	if m.Driver == "ina226" {
		shunt, ampere, least, most = 10, 8, 6, 81
	}
	m.ShuntMilliOhm = r.integer("meter.shunt_milliohm", shunt, 1, 10_000)
	m.MaxAmpere = r.integer("meter.max_ampere", ampere, 1, 100)
	if drop := m.ShuntMilliOhm * m.MaxAmpere; m.Driver != "s0" && (drop < least || drop > most) {
		r.wrong("meter.max_ampere", "is %d A, which through meter.shunt_milliohm = %d is %d mV: an %s measures %d to %d mV",
			m.MaxAmpere, m.ShuntMilliOhm, drop, m.Driver, least, most)
	}
}

// relay reads how the panel's supply is wired. What the daemon does at start, at exit and when nobody drives the relay
// is what the coil does without current.
func (r *reader) relay() *Relay {
	there := r.table("relay")
	feedback := canonical(r.name("relay.feedback", r.text("relay.feedback", "")))
	relay := &Relay{Dwell: r.duration("relay.dwell", DefaultDwell, 0, 10*time.Minute)}
	low := r.choice("relay.feedback_active", r.text("relay.feedback_active", "low"), "high", "low") == "low"
	if !there {
		r.line("relay", "line", false)
		r.value("relay.contact")
		return nil
	}
	relay.SafeClosed = r.choice("relay.contact", r.required("relay.contact", "no"), "no", "nc") == "nc"
	relay.Line = r.wired("relay", "line", false)
	if relay.SafeClosed {
		relay.Line.ActiveLow = !relay.Line.ActiveLow // the file tells of the coil's current, which here cuts
	}
	if feedback == "" {
		r.idle("no relay.feedback", "relay.feedback_active")
	} else {
		relay.Feedback = &Line{Chip: relay.Line.Chip, Name: feedback, ActiveLow: low}
	}
	return relay
}

// idle refuses keys that do nothing where why holds: whoever wrote them believes that they do.
func (r *reader) idle(why string, keys ...string) {
	for _, key := range keys {
		if r.value(key) != nil {
			r.wrong(key, "does nothing with %s: remove it", why)
		}
	}
}

const safetySensors = "safety.sensors"

// named refuses a sensor that protects the display and that there is not: nobody would notice.
func (r *reader) named(sensors []string, there []Thermometer) {
	for i, name := range sensors {
		switch {
		case !slices.ContainsFunc(there, func(t Thermometer) bool { return t.Name == name }):
			r.wrong(safetySensors, "%.40q is none of the thermometers below [temperature]", name)
		case slices.Contains(sensors[:i], name):
			r.wrong(safetySensors, "%q is there twice", name)
		}
	}
}

func (r *reader) safety() Safety {
	r.table("safety")
	s := Safety{
		Dim: r.integer("safety.dim", DefaultDim, 40, 75), CutOff: r.integer("safety.cut_off", DefaultCutOff, 60, 80),
		Sensors: r.texts(safetySensors, nil),
	}
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

// visible refuses a level that leaves a window dark: it would be on air by all that the panel says. The last level of a day
// holds until the first of the next.
func (r *reader) visible(s Schedule) {
	for i, l := range s.Brightness {
		until := s.Brightness[(i+1)%len(s.Brightness)].From
		last := i == len(s.Brightness)-1
		reaches := slices.ContainsFunc(s.Windows, func(w Window) bool {
			return l.From < w.To && (last || until > w.From) || last && w.From < until
		})
		if l.Percent < leastVisible && reaches {
			r.wrong("schedule.brightness", "\"%02d:%02d %d\" reaches into a window, where nobody would see the picture: write at least %d, or end it before the window",
				int(l.From.Hours()), int(l.From.Minutes())%60, l.Percent, leastVisible)
		}
	}
}
