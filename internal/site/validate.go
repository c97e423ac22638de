package site

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the image has no zone files: a display must not go dark for want of one
	"unicode"
	"unicode/utf8"
)

// maxSocketPath is what fits into sockaddr_un with its closing zero (unix(7)).
const maxSocketPath = 107

// site asks for every key there is.
func (r *reader) site() *Site {
	s := &Site{}
	r.table("site")
	s.ID = r.id()
	s.Gate = r.gate()
	s.Location = r.location()
	s.Data = r.absolute("site.data", r.text("site.data", DefaultData))
	s.Socket = r.absolute("site.socket", r.text("site.socket", DefaultSocket))
	if len(s.Socket) > maxSocketPath {
		r.wrong("site.socket", "has %d bytes: a socket's path may have %d", len(s.Socket), maxSocketPath)
	}
	s.Schedule = r.schedule()
	s.Panel = r.panel()
	s.Output = r.output()
	if v := s.Output.Video; s.Panel.Driver != Sim && (v == VideoNull || v == VideoWindow) {
		r.wrong("output.video", "is %q: a panel would show nothing of it and be on air all the same; write %q or %q", v, VideoDRM, VideoAuto)
	}
	s.Content = r.content()
	s.Broker = r.broker(s.Data)
	s.Network = r.network()
	r.hardware(s)
	return s
}

func (r *reader) id() string {
	id := r.required("site.id", "tinh-bien-01")
	if !regexp.MustCompile(`^[a-z0-9-]{3,40}$`).MatchString(id) {
		r.wrong("site.id", "%q is not a display's name: use 3 to 40 of a-z, 0-9 and hyphens", id)
	}
	return id
}

func (r *reader) gate() string {
	gate := r.required("site.gate", "Cửa khẩu quốc tế Tịnh Biên")
	if n := utf8.RuneCountInString(gate); n < 1 || n > 200 {
		r.wrong("site.gate", "has %d characters: write 1 to 200", n)
	}
	if strings.ContainsFunc(gate, unicode.IsControl) {
		r.wrong("site.gate", "has a line break or control character: write it on one line")
	}
	return gate
}

func (r *reader) location() *time.Location {
	name := r.text("site.timezone", DefaultTimezone)
	location, err := time.LoadLocation(name)
	// "" and "Local" load too, and would be whatever the machine is set to.
	if err != nil || name == "" || name == "Local" {
		r.wrong("site.timezone", "%q is not a time zone: write one such as %q", name, DefaultTimezone)
		return time.UTC
	}
	return location
}

func (r *reader) schedule() Schedule {
	r.table("schedule")
	s := Schedule{
		Windows:   r.windows(r.texts("schedule.windows", DefaultWindows())),
		PanelLead: r.duration("schedule.panel_lead", DefaultPanelLead, 0, 15*time.Minute),

		Brightness: r.brightness(),
	}
	r.visible(s)
	return s
}

func (r *reader) windows(texts []string) []Window {
	const key = "schedule.windows"
	if len(texts) < 1 || len(texts) > 24 {
		r.wrong(key, "has %d windows: write 1 to 24", len(texts))
		return nil
	}
	var windows []Window
	for _, text := range texts {
		w, err := parseWindow(text)
		if err != nil {
			r.wrong(key, "%q %s", text, err)
			continue
		}
		if n := len(windows); n > 0 && w.From < windows[n-1].To {
			r.wrong(key, "%q begins before the window before it ends: sort the windows and let none overlap", text)
			continue
		}
		windows = append(windows, w)
	}
	return windows
}

func parseWindow(text string) (Window, error) {
	parts := regexp.MustCompile(`^(\d\d):([0-5]\d)-(\d\d):([0-5]\d)$`).FindStringSubmatch(text)
	if parts == nil {
		return Window{}, fmt.Errorf("is not a window: write it as %q", "07:00-11:00")
	}
	w := Window{From: clock(parts[1], parts[2]), To: clock(parts[3], parts[4])}
	if w.To > 24*time.Hour {
		return Window{}, fmt.Errorf("is later than 24:00: write times within one day")
	}
	if w.From >= w.To {
		return Window{}, fmt.Errorf("does not end after it begins: write two windows to cross midnight")
	}
	return w, nil
}

// clock turns two digits each of hours and minutes into the time since midnight.
func clock(hours, minutes string) time.Duration {
	d, err := time.ParseDuration(hours + "h" + minutes + "m")
	if err != nil {
		panic("bug: parseWindow admits digits only: " + err.Error())
	}
	return d
}

func (r *reader) panel() Panel {
	r.table("panel")
	p := Panel{}
	p.Driver = Driver(r.choice("panel.driver", r.required("panel.driver", string(MDC)),
		string(MDC), string(LG), string(NEC), string(SICP), string(CEC), string(HDMI), string(Sim)))
	lowest, highest := p.Driver.setIDs()
	p.SetID = r.integer("panel.set_id", DefaultSetID, lowest, highest)
	if p.Driver.OnLine() {
		p.Port = r.required("panel.port", "/dev/serial/by-id/…")
	} else {
		p.Port = r.text("panel.port", "")
	}
	if p.Port != "" || p.Driver.OnLine() {
		p.Port = r.stable("panel.port", r.absolute("panel.port", p.Port))
	}
	p.Edition = r.edition(p.Driver)
	p.SignalLies = r.choice("panel.signal", r.text("panel.signal", "believe"), "believe", "ignore") == "ignore"
	p.Input = r.input(p.Driver)
	p.InsideLies = r.choice("panel.thermometer", r.text("panel.thermometer", "believe"), "believe", "ignore") == "ignore"
	p.CEC = r.text("panel.cec", "")
	if p.CEC != "" && p.CEC != "auto" {
		p.CEC = r.stable("panel.cec", r.absolute("panel.cec", p.CEC))
	}
	if p.CEC != "" && !p.Driver.OnLine() {
		r.wrong("panel.cec", "is the second way to a panel on a serial line: remove it, or write panel.driver for the line")
	}
	return p
}

func (r *reader) edition(d Driver) Edition {
	if d == SICP {
		return Edition(r.choice("panel.edition", r.text("panel.edition", string(EditionNew)), string(EditionNew), string(EditionOld)))
	}
	if r.value("panel.edition") != nil {
		r.wrong("panel.edition", "is of Philips panels: remove it, or write panel.driver = %q", SICP)
	}
	return ""
}

func (r *reader) output() Output {
	r.table("output")
	o := Output{
		Player: r.choice("output.player", r.text("output.player", "mpv"), "mpv"),
		Video: Video(r.choice("output.video", r.text("output.video", string(VideoAuto)),
			string(VideoAuto), string(VideoDRM), string(VideoWindow), string(VideoNull))),
		Mode:   r.text("output.mode", "auto"),
		Rotate: r.integer("output.rotate", 0, 0, 270),
		Volume: r.integer("output.volume", DefaultVolume, 0, 100),
	}
	if !regexp.MustCompile(`^(auto|[1-9]\d{2,4}x[1-9]\d{2,4}@[1-9]\d{0,2}(\.\d{1,3})?)$`).MatchString(o.Mode) {
		r.wrong("output.mode", `%q is not a mode: write "auto", or one such as "1920x1080@60"`, o.Mode)
	}
	if o.Rotate%90 != 0 {
		r.wrong("output.rotate", "is %d: write 0, 90, 180 or 270", o.Rotate)
	}
	return o
}

func (r *reader) content() *Content {
	if !r.table("content") {
		r.value("content.url")
		return nil
	}
	address := r.url("content.url", "https", "https://centre.example/content/")
	if address == nil {
		return nil
	}
	if !strings.HasSuffix(address.Path, "/") {
		address.Path += "/"
	}
	return &Content{URL: address.String()}
}

func (r *reader) broker(data string) *Broker {
	there := r.table("broker")
	b := &Broker{
		CA:          r.below(data, "broker.ca", DefaultCA),
		Certificate: r.below(data, "broker.certificate", DefaultCertificate),
		Key:         r.below(data, "broker.key", DefaultKey),
		Heartbeat:   r.duration("broker.heartbeat", DefaultHeartbeat, 10*time.Second, time.Hour),
		Gather:      r.duration("broker.gather", DefaultGather, 0, time.Hour),
	}
	if !there {
		r.value("broker.url")
		return nil
	}
	address := r.url("broker.url", "tls", "tls://broker.example:8883")
	if address == nil {
		return nil
	}
	if address.Path != "" {
		r.wrong("broker.url", "has the path %q: end it after the port", address.Path)
	}
	if address.Port() == "" {
		address.Host += ":" + DefaultBrokerPort
	}
	b.URL = address.String()
	return b
}

// url reads an address with a host and without anything that does not belong into a site file; nil after a
// finding.
func (r *reader) url(key, scheme, example string) *url.URL {
	text := r.required(key, example)
	address, err := url.Parse(text)
	switch {
	case err != nil:
		r.wrong(key, "%q is not an address: write one such as %q", text, example)
	case address.Scheme != scheme:
		r.wrong(key, "%q does not begin with %s://: write one such as %q", text, scheme, example)
	case address.Hostname() == "" || address.Opaque != "":
		r.wrong(key, "%q names no host: write one such as %q", text, example)
	case !plausiblePort(address.Host, address.Port()):
		r.wrong(key, "%q has no valid port: write one from 1 to 65535", text)
	case address.User != nil:
		r.wrong(key, "has a user name: the certificate says who this display is; remove it")
	case address.RawQuery != "" || address.ForceQuery || address.Fragment != "":
		r.wrong(key, "%q has a ? or # part: remove it", text)
	default:
		return address
	}
	return nil
}

// plausiblePort accepts a host without a port, and no port 0.
func plausiblePort(host, port string) bool {
	if port == "" {
		return !strings.HasSuffix(host, ":")
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}

// absolute accepts a path from the root, and returns it clean.
func (r *reader) absolute(key, file string) string {
	if !path.IsAbs(file) || strings.ContainsFunc(file, unicode.IsControl) {
		r.wrong(key, "%q is not a path from the root: write one that begins with /", file)
	}
	r.trimmed(key, file)
	return path.Clean(file)
}

// stable refuses the name that the kernel gives an adapter by the order in which it finds them. The ports of a board's own
// (ttyS0, ttyAMA0) have their places.
func (r *reader) stable(key, path string) string {
	switch {
	case regexp.MustCompile(`^/dev/tty(USB|ACM)\d+$`).MatchString(path):
		r.wrong(key, "%q is the kernel's number, which changes: write the port's name in /dev/serial/by-id, or in /dev/serial/by-path", path)
	case regexp.MustCompile(`^/dev/cec\d+$`).MatchString(path):
		r.wrong(key, "%q is the kernel's number, which changes: have the adapter with a TV found (no panel.port, or panel.cec = %q); of two such write the link of a udev rule", path, "auto")
	}
	return path
}

// trimmed refuses a space at either end, which nobody sees and no device has.
func (r *reader) trimmed(key, name string) {
	if strings.TrimSpace(name) != name {
		r.wrong(key, "%q begins or ends with a space: remove it", name)
	}
}

// below accepts a path that stays inside data, and returns it from the root.
func (r *reader) below(data, key, otherwise string) string {
	file := r.text(key, otherwise)
	if clean := path.Clean(file); !fs.ValidPath(clean) || clean == "." || strings.ContainsFunc(file, unicode.IsControl) {
		r.wrong(key, "%q is not a file below site.data: write a name such as %q", file, otherwise)
	}
	return path.Join(data, file)
}
