package main

import (
	"errors"
	"fmt"
	"strings"

	"bangtin/internal/site"
)

// siteRefused tells what is wrong with a file that this program wrote from options: the first of it, by its option.
func (p *Program) siteRefused(path string, err error) error {
	var all *site.Error
	if !errors.As(err, &all) {
		return err
	}
	return siteProblem(path, all.Findings[0])
}

// siteProblem names the option that fills the key, and what a good value is. What package site says is the detail.
func siteProblem(path string, f site.Finding) *problem {
	key, _, _ := strings.Cut(f.Problem, ": ")
	option, remedy := siteWords(key)
	return &problem{field: or(option, path), what: say("is not acceptable"), remedy: remedy, cause: errors.New(f.Problem)}
}

func siteWords(key string) (option string, remedy phrase) {
	switch key {
	case "site.gate":
		return "--gate", say("write the gate's name on one line, at most 200 characters")
	case "site.id":
		return "--id", say("use 3 to 40 of a-z, 0-9 and -, such as tinh-bien-01")
	case "panel.driver":
		return "--panel", say("use mdc, lg, nec, sicp, cec, hdmi or sim")
	case "panel.port":
		return "--port", say("write a name that stays, such as /dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0")
	case "panel.set_id":
		return "--set-id", say("give the number in the panel's menu")
	case "broker.url":
		return "--centre, --broker", say("write the host alone, such as centre.example; --broker is tls://host:8883")
	case "content.url":
		return "--centre, --content", say("write the host alone, such as centre.example; --content is https://host:8443/content/")
	case "network.ethernet.address":
		return "--address", say("write dhcp, or an address with the length of its network, such as 10.20.30.41/24")
	case "network.ethernet.gateway":
		return "--gateway", say("write the router's address in the same network, such as 10.20.30.1; none with dhcp")
	case "network.ethernet.dns":
		return "--dns", say("write at most 3 addresses, each once, such as 10.20.30.2")
	case "network.time":
		return "--time", say("write at most 4 host names or addresses, each once")
	case "network.wifi.ssid":
		return "--wifi", say("write the network's name: 1 to 32 bytes on one line")
	case "network.wifi.password":
		return "--wifi-password-file", say("give the network's password: 8 to 63 letters, digits and signs without accents")
	case "network.modem.apn":
		return "--apn", say("write the name that the operator gives, such as v-internet")
	case "network.modem.pin":
		return "--pin-file", say("give the SIM's PIN: 4 to 8 digits")
	case "network.modem.user":
		return "--apn-user", say("use at most 64 letters, digits and signs without accents")
	case "network.modem.password":
		return "--apn-password-file", say("use at most 64 letters, digits and signs without accents")
	}
	return "", say("see the detail")
}

// tellSiteFindings complains of each finding by its line.
func (p *Program) tellSiteFindings(path string, err error) error {
	var all *site.Error
	if !errors.As(err, &all) {
		return err
	}
	for _, f := range all.Findings {
		place := path
		if f.Line > 0 {
			place = fmt.Sprintf("%s:%d", path, f.Line)
		}
		_, remedy := siteWords(strings.SplitN(f.Problem, ": ", 2)[0])
		p.complain(&problem{field: place, what: say("is not acceptable"), remedy: remedy, cause: errors.New(f.Problem)})
	}
	return exit(exitFailed)
}
