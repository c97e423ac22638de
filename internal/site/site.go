// Package site reads the site file of one display: its types, strict parsing and validation.
//
// The file is TOML and written by hand; testdata/example.toml is a complete one. Only site.id, site.gate,
// panel.driver and, for a panel on a serial line, panel.port have to be given. Everything that is wrong with a
// file is reported at once, a line for each, with what to do about it. Keys are case-sensitive; one that does
// not exist is an error, because a misspelled setting would otherwise be silently ignored. Paths are those of the display,
// whatever system the file is read on.
package site

import "time"

// What holds when the site file does not say otherwise. The windows are Article 6.1 of the regulation.
const (
	DefaultTimezone    = "Asia/Ho_Chi_Minh"
	DefaultData        = "/var/lib/bangtin"
	DefaultSocket      = "/run/bangtin/control.sock"
	DefaultPanelLead   = 90 * time.Second // a Samsung panel takes up to 20 s and one repetition
	DefaultSetID       = 1
	DefaultVolume      = 60
	DefaultBrokerPort  = "8883" // MQTT over TLS, IANA
	DefaultHeartbeat   = 60 * time.Second
	DefaultGather      = 5 * time.Minute
	DefaultCA          = "ca.pem"
	DefaultCertificate = "device.pem"
	DefaultKey         = "device.key"
)

// DefaultWindows are those of Article 6.1 of the regulation.
func DefaultWindows() []string { return []string{"07:00-11:00", "14:00-18:00"} }

// A Site is a valid site file with its defaults filled in.
type Site struct {
	ID       string         // [a-z0-9-]{3,40}: the device in topics and in its certificate's CN
	Gate     string         // for people, 1 to 200 characters; displays of one gate share it
	Location *time.Location // of site.timezone
	Data     string         // absolute folder: journal, content, keys, trust document, certificates
	Socket   string         // absolute path of the local socket, at most 107 bytes
	Schedule Schedule
	Panel    Panel
	Output   Output
	Content  *Content // nil when the file has no [content]: nothing is fetched
	Broker   *Broker  // nil when the file has no [broker]: an offline display
	Network  Network

	Contacts     []Contact // inputs that are wired, in the order mains, smoke, door, tamper, key
	Key          Key       // of use only where the key is among Contacts
	Meter        *Meter    // nil when the panel's watts are not measured
	Relay        *Relay    // nil when nothing can cut the panel's supply
	Thermometers []Thermometer
	Safety       Safety
}

// Schedule says when the display is on air, every day of the year.
type Schedule struct {
	Windows   []Window      // 1 to 24, ascending, without overlap
	PanelLead time.Duration // the panel is powered this much before a window; 0 to 15 min

	Brightness []Level // by time of day, ascending; empty leaves the panel's brightness alone
}

// A Window is a part of a day in the site's time zone: From and To are wall-clock times after midnight in whole
// minutes, To is exclusive and at most 24 h.
type Window struct {
	From, To time.Duration
}

// Panel says which panel it is and where it is connected.
type Panel struct {
	Driver Driver
	Port   string // absolute path of the tty, or of the CEC device; may be empty for Sim, CEC and HDMI
	CEC    string // second way to a panel on a serial line: absolute path of a CEC device, "auto", or empty for none
	SetID  int    // address of the panel on its line; see Driver.setIDs

	SignalLies bool // what it says of the picture on its input is not believed
	InsideLies bool // its own thermometer neither dims nor cuts off

	Input string // the socket that it shall show, one of Driver.Inputs; empty leaves it alone

	Edition Edition // of a Philips panel; empty for every other
}

// Edition says how a Philips panel frames what it says. Nothing in its frames tells: see bangtin panel discover.
type Edition string

const (
	EditionNew Edition = "new" // with a group byte: every set of the documents V1.8x to V2.1x
	EditionOld Edition = "old" // from before groups
)

// Driver names the protocol of a panel.
type Driver string

const (
	MDC  Driver = "mdc"  // Samsung
	LG   Driver = "lg"   // LG commercial displays
	NEC  Driver = "nec"  // NEC and Sharp-NEC
	SICP Driver = "sicp" // Philips
	CEC  Driver = "cec"  // HDMI-CEC through the kernel
	HDMI Driver = "hdmi" // a panel that nobody can talk to: its picture is switched off instead
	Sim  Driver = "sim"  // the simulated rig
)

// OnLine tells a panel on a serial line from one that needs no port.
func (d Driver) OnLine() bool { return d != CEC && d != HDMI && d != Sim }

// setIDs gives the addresses of single panels. An address that means "all" is not among them: nobody answers
// it (reference/hardware-facts.md, Panels over RS-232).
func (d Driver) setIDs() (lowest, highest int) {
	switch d {
	case MDC:
		return 0, 0xFD // FE is all
	case LG:
		return 1, 99 // 00 is all
	case NEC:
		return 1, 100
	}
	return 1, 255 // SICP: 0 is all
}

// Video names where the picture goes.
type Video string

const (
	VideoAuto   Video = "auto"   // a window where there is a display server, else drm
	VideoDRM    Video = "drm"    // straight onto the output
	VideoWindow Video = "window" // on a desktop, for trying things out: with Sim alone
	VideoNull   Video = "null"   // nowhere, on machines without an output: with Sim alone
)

// Output says how the picture and sound are put out.
type Output struct {
	Player string // "mpv"
	Video  Video
	Mode   string // "auto" or WIDTHxHEIGHT@RATE such as "1920x1080@60"
	Rotate int    // degrees clockwise: 0, 90, 180 or 270
	Volume int    // percent, 0 to 100
}

// Content says where files of playlists are fetched.
type Content struct {
	URL string // https, ends in a slash
}

// Broker says where the department is reached.
type Broker struct {
	URL         string // tls://host:port
	CA          string // absolute paths of PEM files below Site.Data
	Certificate string
	Key         string
	Heartbeat   time.Duration // between two states when nothing changes; 10 s to 1 h
	Gather      time.Duration // how long proofs of play wait for each other; 0 to 1 h
}
