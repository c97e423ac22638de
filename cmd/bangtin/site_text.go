package main

import (
	"fmt"
	"strings"

	"bangtin/internal/site"
)

// siteText writes the file: what was said, and nothing that holds anyway.
func (p *Program) siteText(w *wanted) string {
	var b strings.Builder
	t := &siteWriter{p: p, b: &b}
	t.comment(say("Site file of one display. After a change: bangtin site check, then bangtin site seal."))
	t.table("site")
	t.comment(say("the display's name in the system, for good: it is in its certificate"))
	t.text("id", w.id)
	t.comment(say("the gate, as people write it; displays of one gate share it"))
	t.text("gate", w.gate)
	t.remark("timezone", site.DefaultTimezone)
	t.table("schedule")
	t.comment(say("on air every day of the year, in the time of the gate; this is Article 6.1"))
	fmt.Fprintf(&b, "windows = %s\n", tomlList(site.DefaultWindows()))
	t.panel(w)
	t.centre(w)
	t.network(w)
	return b.String()
}

type siteWriter struct {
	p *Program
	b *strings.Builder
}

func (t *siteWriter) comment(what phrase) { fmt.Fprintf(t.b, "# %s\n", t.p.text(what)) }

func (t *siteWriter) table(name string) { fmt.Fprintf(t.b, "\n[%s]\n", name) }

// text writes a key; nothing where the value is empty.
func (t *siteWriter) text(key, value string) {
	if value != "" {
		fmt.Fprintf(t.b, "%s = %s\n", key, tomlText(value))
	}
}

// remark shows a key that holds without being written.
func (t *siteWriter) remark(key, value string) { fmt.Fprintf(t.b, "# %s = %s\n", key, tomlText(value)) }

func (t *siteWriter) list(key, value string) {
	if all := listed(value); len(all) > 0 {
		fmt.Fprintf(t.b, "%s = %s\n", key, tomlList(all))
	}
}

func (t *siteWriter) panel(w *wanted) {
	t.table("panel")
	t.comment(say("mdc (Samsung), lg, nec, sicp (Philips), cec, hdmi or sim; bangtin panel discover finds it"))
	t.text("driver", w.driver)
	t.text("port", w.port)
	if w.setID != "" {
		fmt.Fprintf(t.b, "set_id = %s\n", w.setID)
	}
}

func (t *siteWriter) centre(w *wanted) {
	broker, content := w.broker, w.content
	if w.centre != "" {
		broker = or(broker, "tls://"+w.centre+":"+site.DefaultBrokerPort)
		content = or(content, "https://"+w.centre+":8443/content/")
	}
	if content != "" {
		t.table("content")
		t.comment(say("where pictures and videos are fetched, and where the display is let in"))
		t.text("url", content)
	}
	if broker != "" {
		t.table("broker")
		t.text("url", broker)
	}
}

func (t *siteWriter) network(w *wanted) {
	if times := listed(w.time); len(times) > 0 {
		t.table("network")
		t.list("time", w.time)
	}
	t.table("network.ethernet")
	t.comment(say("\"dhcp\", or an address of the display's own such as \"10.20.30.41/24\", with gateway and dns"))
	t.text("address", or(w.address, "dhcp"))
	t.text("gateway", w.gateway)
	t.list("dns", w.dns)
	if w.ssid != "" {
		t.table("network.wifi")
		t.text("ssid", w.ssid)
		t.text("password", w.password)
		if w.hidden {
			fmt.Fprintln(t.b, "hidden = true")
		}
	}
	if w.apn != "" {
		t.table("network.modem")
		t.text("apn", w.apn)
		t.text("pin", w.pin)
		t.text("user", w.apnUser)
		t.text("password", w.apnPassword)
	}
}

// listed takes apart what was typed with commas or spaces between.
func listed(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func tomlList(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = tomlText(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// tomlText is a basic string of TOML: letters of every language stand as they are, and so does what is not UTF-8, which
// the parser refuses.
func tomlText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7F:
			fmt.Fprintf(&b, `\u%04X`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
