package main

import (
	"context"
	"os"
	"strings"

	"golang.org/x/term"

	"bangtin/internal/site"
)

// A wanted is what somebody says of a new display, as it was typed; empty where nothing was said. What it is worth
// is for package site to judge.
type wanted struct {
	gate, id                    string
	driver, port, setID         string
	centre                      string // a host: broker and content follow from it
	broker, content             string
	address, gateway, dns, time string // dns and time with commas or spaces between them
	ssid, password              string
	hidden                      bool
	apn, apnUser, apnPassword   string
	pin                         string
}

// A siteSource is where the options of site new lie until they are read.
type siteSource struct {
	wanted                                 wanted
	gate, id                               *string
	driver, port, setID                    *string
	centre, broker, content                *string
	address, gateway                       *string
	dns, time                              *[]string
	ssid, passwordFile                     *string
	hidden                                 *bool
	apn, apnUser, apnPasswordFile, pinFile *string
}

func (o *options) site() *siteSource {
	return &siteSource{
		gate:   o.text("gate", say("name of the gate, for people: \"Cửa khẩu quốc tế Tịnh Biên\"")),
		id:     o.text("id", say("the display's id: 3 to 40 of a-z, 0-9 and -, such as tinh-bien-01")),
		driver: o.text("panel", say("what the panel speaks: mdc, lg, nec or sicp on a serial line, cec, hdmi (nobody can talk to it) or sim")),
		port:   o.text("port", say("the panel's serial port on the display: its name in /dev/serial/by-id")),
		setID:  o.text("set-id", say("the panel's set ID, as in its menu (1)")),

		centre:  o.text("centre", say("host name of the centre; without it, and without --broker, the display stands alone")),
		broker:  o.text("broker", say("address of the broker, where it is not that of --centre: tls://host:8883")),
		content: o.text("content", say("address of the content, where it is not that of --centre: https://host:8443/content/")),

		address: o.text("address", say("dhcp, or the display's own address with the length of its network: 10.20.30.41/24 (dhcp)")),
		gateway: o.text("gateway", say("the router, with an address of the display's own: 10.20.30.1")),
		dns:     o.list("dns", say("address of a name server, several times or with commas")),
		time:    o.list("time", say("NTP server beside those of the image, several times or with commas")),

		ssid:         o.text("wifi", say("name of a Wi-Fi network")),
		passwordFile: o.text("wifi-password-file", say("take the Wi-Fi password from the first line of this file")),
		hidden:       o.yes("wifi-hidden", say("the Wi-Fi network does not say its name")),

		apn:             o.text("apn", say("access point of the modem's SIM, such as v-internet")),
		apnUser:         o.text("apn-user", say("user name for the access point; most want none")),
		apnPasswordFile: o.text("apn-password-file", say("take that user's password from the first line of this file")),
		pinFile:         o.text("pin-file", say("take the SIM's PIN from the first line of this file; most have none")),
	}
}

// read gathers the options. Secrets come from files: what is typed on a command line others can see.
func (s *siteSource) read() (*wanted, error) {
	w := &wanted{
		gate: *s.gate, id: *s.id, driver: *s.driver, port: *s.port, setID: *s.setID, centre: *s.centre, broker: *s.broker, content: *s.content,
		address: *s.address, gateway: *s.gateway, dns: strings.Join(*s.dns, " "), time: strings.Join(*s.time, " "),
		ssid: *s.ssid, hidden: *s.hidden, apn: *s.apn, apnUser: *s.apnUser,
	}
	for _, f := range []struct {
		file string
		to   *string
	}{{*s.passwordFile, &w.password}, {*s.apnPasswordFile, &w.apnPassword}, {*s.pinFile, &w.pin}} {
		if f.file == "" {
			continue
		}
		line, err := readPassphrase(f.file)
		if err != nil {
			return nil, err
		}
		*f.to = string(line)
	}
	return w, w.stray()
}

// stray finds an option that is of use only beside another.
func (w *wanted) stray() error {
	for _, o := range []struct {
		there       bool
		name, needs string
		met         bool
	}{
		{w.password != "", "--wifi-password-file", "--wifi", w.ssid != ""}, {w.hidden, "--wifi-hidden", "--wifi", w.ssid != ""},
		{w.apnUser != "", "--apn-user", "--apn", w.apn != ""}, {w.apnPassword != "", "--apn-password-file", "--apn-user", w.apnUser != ""},
		{w.pin != "", "--pin-file", "--apn", w.apn != ""},
	} {
		if o.there && !o.met {
			return &problem{field: o.name, what: say("is of no use without %s", o.needs), remedy: say("add %s", o.needs), usage: true}
		}
	}
	if strings.Trim(w.setID, "0123456789") != "" { // it stands in the file without quotation marks
		return &problem{field: "--set-id", what: say("%q is not a set ID", w.setID), remedy: say("give the number in the panel's menu"), usage: true}
	}
	return nil
}

func (p *Program) siteNew(o *options) action {
	source := o.site()
	return func(_ context.Context, path string) error {
		if there, err := exists(path); err != nil || there {
			if err == nil {
				err = &problem{field: path, what: say("exists already and is never overwritten"), remedy: say("choose another name")}
			}
			return err
		}
		w, err := source.read()
		if err != nil {
			return err
		}
		if tty, ok := p.Stdin.(*os.File); ok && p.objects == nil && w.lacking() && term.IsTerminal(int(tty.Fd())) {
			if err := p.siteForm(w, tty); err != nil {
				return err
			}
		}
		if err := o.setSite(w); err != nil {
			return err
		}
		text := []byte(p.siteText(w))
		s, err := site.Parse(text)
		if err != nil {
			return p.siteRefused(path, err)
		}
		if err := writeNew(path, text, 0o600); err != nil {
			return err
		}
		p.tell(say("Site file of %s (%s): %s", s.ID, s.Gate, path))
		if s.Network.WiFi != nil || s.Network.Modem != nil {
			p.tell(say("It holds the network's password: keep it, and the stick, away from others."))
		}
		p.tell(say("Next: bangtin site seal %s --key KEY", path))
		return p.result(siteObject{File: path, Site: s.ID, Gate: s.Gate})
	}
}

// lacking tells whether something is missing that every display has.
func (w *wanted) lacking() bool {
	return w.gate == "" || w.id == "" || w.driver == "" || w.onLine() && w.port == ""
}

func (w *wanted) onLine() bool { return w.driver != "" && site.Driver(w.driver).OnLine() }

// setSite refuses what is missing by the name of its option.
func (o *options) setSite(w *wanted) error {
	switch {
	case w.gate == "":
		return missing("--gate")
	case w.id == "":
		return missing("--id")
	case w.driver == "":
		return missing("--panel")
	}
	return nil
}

type siteObject struct {
	File string `json:"file"`
	Site string `json:"site"`
	Gate string `json:"gate"`
}
