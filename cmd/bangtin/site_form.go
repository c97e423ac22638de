package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"bangtin/internal/site"
)

const (
	maxTyped = 1000 // bytes of one answer; a line of a site file has no more
	maxTries = 5    // at one question
)

// A question of the form. What Enter alone means is otherwise, and a hyphen means nothing at all.
type question struct {
	key       string // of the site file
	words     phrase // with an example
	otherwise string
	to        *string
	needed    bool
	secret    bool
	when      func() bool // nil: always
}

// siteForm asks for what no option gave. Each answer is judged as the file would be, at once.
func (p *Program) siteForm(w *wanted, tty *os.File) error {
	p.say(say("A new display. Enter takes what stands in [brackets]; - means none."))
	for _, ask := range []func(*wanted) []question{whoQuestions, panelQuestions, p.centreQuestions, networkQuestions} {
		for _, q := range ask(w) {
			if *q.to != "" || q.when != nil && !q.when() {
				continue
			}
			if err := p.siteQuestion(w, q, tty); err != nil {
				return err
			}
		}
	}
	return nil
}

func whoQuestions(w *wanted) []question {
	return []question{
		{key: "site.gate", words: say("Name of the gate, such as Cửa khẩu quốc tế Tịnh Biên"), to: &w.gate, needed: true},
	}
}

func panelQuestions(w *wanted) []question {
	return []question{
		{key: "site.id", words: say("Id of the display, such as tinh-bien-01"), otherwise: proposedID(w.gate), to: &w.id, needed: true},
		{key: "panel.driver", words: say("Protocol of the panel: mdc (Samsung), lg, nec, sicp (Philips), cec, hdmi or sim"), otherwise: string(site.MDC), to: &w.driver, needed: true},
		{key: "panel.port", words: say("Serial port of the panel, such as /dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0 (not /dev/ttyS0: that is the controller's status page)"), to: &w.port, needed: true, when: w.onLine},
		{key: "panel.set_id", words: say("Set ID in the panel's menu, such as 1"), otherwise: "1", to: &w.setID, when: w.onLine},
	}
}

func (p *Program) centreQuestions(w *wanted) []question {
	return []question{
		{key: "broker.url", words: say("Host name of the centre, such as centre.example; none for a display that stands alone"), otherwise: p.knownCentre(), to: &w.centre,
			when: func() bool { return w.broker == "" && w.content == "" }},
	}
}

func networkQuestions(w *wanted) []question {
	static := func() bool { return w.address != "" && w.address != "dhcp" }
	radio, modem := func() bool { return w.ssid != "" }, func() bool { return w.apn != "" }
	return []question{
		{key: "network.ethernet.address", words: say("Address of the display: dhcp, or such as 10.20.30.41/24"), otherwise: "dhcp", to: &w.address},
		{key: "network.ethernet.gateway", words: say("Router, such as 10.20.30.1"), to: &w.gateway, when: static},
		{key: "network.ethernet.dns", words: say("Name servers, such as 10.20.30.2, with commas between"), to: &w.dns, when: static},
		{key: "network.wifi.ssid", words: say("Name of a Wi-Fi network, where there is no cable"), to: &w.ssid},
		{key: "network.wifi.password", words: say("Password of the Wi-Fi network (it is not shown)"), to: &w.password, needed: true, secret: true, when: radio},
		{key: "network.modem.apn", words: say("Access point of a modem's SIM, such as v-internet"), to: &w.apn},
		{key: "network.modem.pin", words: say("PIN of the SIM (it is not shown)"), to: &w.pin, secret: true, when: modem},
	}
}

// say writes one line to the person at the terminal.
func (p *Program) say(words phrase) { fmt.Fprintln(p.Stderr, p.text(words)) }

// siteQuestion asks until the answer is good.
func (p *Program) siteQuestion(w *wanted, q question, tty *os.File) error {
	for range maxTries {
		answer, err := p.answer(q, tty)
		if err != nil {
			return err
		}
		switch answer = strings.TrimSpace(answer); answer {
		case "":
			answer = q.otherwise
		case "-":
			answer = ""
		}
		*q.to = answer
		wrong := w.judged(q)
		if wrong == nil {
			return nil
		}
		p.complain(wrong)
	}
	option, remedy := siteWords(q.key)
	return &problem{field: option, what: say("was not answered"), remedy: remedy}
}

func (p *Program) answer(q question, tty *os.File) (string, error) {
	prompt := p.text(q.words)
	if q.otherwise != "" {
		prompt += " [" + q.otherwise + "]"
	}
	if q.secret {
		line, err := p.ask(phrase{english: prompt + ": "})
		return string(line), err
	}
	fmt.Fprint(p.Stderr, prompt+": ")
	line, err := bufio.NewReader(io.LimitReader(tty, maxTyped)).ReadString('\n')
	if errors.Is(err, io.EOF) && line == "" {
		return "", &problem{field: "site new", what: say("was not answered to the end"), remedy: say("nothing was changed")}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read answer: %w", err)
	}
	return line, nil
}

// judged is what the display would say of the answer; nil where it is good.
func (w *wanted) judged(q question) *problem {
	if *q.to == "" {
		if !q.needed {
			return nil
		}
		option, remedy := siteWords(q.key)
		return &problem{field: option, what: say("is missing"), remedy: remedy}
	}
	var usage *problem
	if err := w.stray(); errors.As(err, &usage) {
		*q.to = ""
		return usage
	}
	rest := *w
	rest.gate, rest.id, rest.driver = or(rest.gate, "G"), or(rest.id, "abc"), or(rest.driver, string(site.HDMI))
	var all *site.Error
	_, err := site.Parse([]byte((&Program{}).siteText(&rest)))
	if !errors.As(err, &all) {
		return nil
	}
	for _, f := range all.Findings {
		if strings.HasPrefix(f.Problem, q.key+": ") {
			*q.to = ""
			return siteProblem("", f)
		}
	}
	return nil
}

// proposedID makes an id of a gate's name: tinh-bien-01 of Cửa khẩu quốc tế Tịnh Biên; empty where nothing is left.
func proposedID(gate string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ':
			return 'd'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return ' '
	}, norm.NFD.String(strings.ToLower(gate)))
	words := strings.Join(strings.Fields(plain), "-")
	for _, kind := range []string{"cua-khau-", "quoc-te-", "quoc-gia-", "chinh-", "phu-"} {
		words = strings.TrimPrefix(words, kind)
	}
	if words == "" {
		return ""
	}
	return strings.TrimRight(words[:min(len(words), 37)], "-") + "-01"
}

// knownCentre is the host of the centre whose operator this is; empty where nothing tells.
func (p *Program) knownCentre() string {
	dir := p.Getenv(centerVariable)
	if dir == "" {
		return ""
	}
	raw, err := readSmall(filepath.Join(dir, "center.json"))
	if err != nil {
		return ""
	}
	c, err := parseAccess(raw)
	if err != nil {
		return ""
	}
	address, err := url.Parse(c.Broker)
	if err != nil {
		return ""
	}
	return address.Hostname()
}
