package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"bangtin/internal/site"
	"bangtin/internal/stick"
	"bangtin/internal/trust"
)

// sites writes sites.json, a trust document in which the key holds role site.
func (d *desk) sites(key string) {
	d.t.Helper()
	d.must("trust new --organisation Sở --grant site=@" + key + ".pub --grant power=@duc.pub --grant trust=@r1.pub --grant trust=@r2.pub " +
		"--sign @r1.key --sign @r2.key --out @sites.json")
}

const (
	plainSite = "site new @site.toml --gate Tịnh_Biên --id tinh-bien-01 --panel hdmi"
	someCode  = "7KQ2-MZ4T-XW3B-PEWI-WQAA-2OTY-TQ7S-3RA3"
)

func (d *desk) parseSite(name string) *site.Site {
	d.t.Helper()
	s, err := site.Parse(d.read(name))
	d.check(err)
	return s
}

func TestTrustNewGrantsSite(t *testing.T) {
	d := newDesk(t)
	d.sites("an")
	doc, err := trust.ParseDocument(d.read("sites.json"))
	d.check(err)
	if g := doc.Roles[trust.RoleSite]; g.Threshold != 1 || len(g.Members) != 1 {
		t.Errorf("grant %+v", g)
	}
	if out := d.must("trust show @sites.json"); !strings.Contains(out, "site ") {
		t.Errorf("role site is not shown:\n%s", out)
	}
	if said := d.refuses("trust new --organisation Sở --grant sight=@an.pub --sign @r1.key --out @x.json", exitUsage); !strings.Contains(said, "time, site, trust") {
		t.Errorf("the roles are not told:\n%s", said)
	}
}

func TestSiteNewOfEveryOption(t *testing.T) {
	d := newDesk(t)
	d.write("wifi", []byte("correct \"horse\\\n"))
	d.write("apn", []byte("staple\n"))
	d.write("pin", []byte("0471\n"))
	out := d.must("site new @site.toml --gate Cửa_khẩu_\"A\" --id a-01 --panel mdc --port /dev/ttyS0 --set-id 0 --centre centre.example " +
		"--address 10.20.30.41/24 --gateway 10.20.30.1 --dns 10.20.30.2,10.20.30.3 --dns 10.20.30.4 --time time.example " +
		"--wifi Gate --wifi-password-file @wifi --wifi-hidden --apn v-internet --apn-user u --apn-password-file @apn --pin-file @pin")
	s := d.parseSite("site.toml")
	n := s.Network
	if s.ID != "a-01" || s.Gate != `Cửa khẩu "A"` || s.Panel.Driver != site.MDC || s.Panel.Port != "/dev/ttyS0" || s.Panel.SetID != 0 ||
		s.Broker.URL != "tls://centre.example:8883" || s.Content.URL != "https://centre.example:8443/content/" {
		t.Errorf("site %+v", s)
	}
	if n.Ethernet.Address.String() != "10.20.30.41/24" || n.Ethernet.Gateway.String() != "10.20.30.1" || len(n.Ethernet.DNS) != 3 || !slices.Equal(n.Time, []string{"time.example"}) {
		t.Errorf("network %+v", n)
	}
	if n.WiFi.SSID != "Gate" || n.WiFi.Password.Reveal() != `correct "horse\` || !n.WiFi.Hidden || n.Modem.APN != "v-internet" ||
		n.Modem.PIN.Reveal() != "0471" || n.Modem.User != "u" || n.Modem.Password.Reveal() != "staple" {
		t.Errorf("radio %+v, %+v", n.WiFi, n.Modem)
	}
	if strings.Contains(out, "horse") || !strings.Contains(out, "password") {
		t.Errorf("said:\n%s", out)
	}
	if info, err := os.Stat(d.path("site.toml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: it holds a password", info.Mode(), err)
	}
}

func TestSiteNewHoldsWhatWasSaidAlone(t *testing.T) {
	d := newDesk(t)
	d.must(plainSite)
	s := d.parseSite("site.toml")
	if s.Broker != nil || s.Content != nil || s.Network.WiFi != nil || s.Network.Modem != nil || s.Network.Ethernet.Address.IsValid() {
		t.Errorf("site %+v", s)
	}
	d.must("site new @two.toml --gate G --id abc --panel hdmi --broker tls://a.example:1 --content https://b.example/c/")
	if s := d.parseSite("two.toml"); s.Broker.URL != "tls://a.example:1" || s.Content.URL != "https://b.example/c/" {
		t.Errorf("site %+v", s)
	}
}

func TestSiteNewRefuses(t *testing.T) {
	d := newDesk(t)
	d.write("there.toml", []byte("something"))
	d.write("short", []byte("hunter2\n"))
	d.write("long", []byte(strings.Repeat("x", 65)+"\n"))
	const rest = "site new @new.toml --gate G --id abc --panel hdmi "
	for name, tt := range map[string]struct {
		line  string
		code  int
		words []string
	}{
		"no gate":           {"site new @new.toml --id abc --panel hdmi", exitUsage, []string{"--gate", "is missing"}},
		"no id":             {"site new @new.toml --gate G --panel hdmi", exitUsage, []string{"--id", "is missing"}},
		"no panel":          {"site new @new.toml --gate G --id abc", exitUsage, []string{"--panel", "is missing"}},
		"no port":           {"site new @new.toml --gate G --id abc --panel lg", exitFailed, []string{"--port", "/dev/serial/by-id/"}},
		"id":                {"site new @new.toml --gate G --id A --panel hdmi", exitFailed, []string{"--id", "tinh-bien-01"}},
		"driver":            {"site new @new.toml --gate G --id abc --panel hdmj", exitFailed, []string{"--panel", "did you mean"}},
		"kernel's number":   {"site new @new.toml --gate G --id abc --panel lg --port /dev/ttyUSB0", exitFailed, []string{"--port", "by-id"}},
		"set id":            {rest + "--set-id one", exitUsage, []string{"--set-id"}},
		"set id too high":   {"site new @new.toml --gate G --id abc --panel lg --port /dev/ttyS0 --set-id 100", exitFailed, []string{"--set-id", "1 to 99"}},
		"gateway alone":     {rest + "--gateway 10.0.0.1", exitFailed, []string{"--gateway", "none with dhcp"}},
		"address":           {rest + "--address 10.0.0.1", exitFailed, []string{"--address", "10.20.30.41/24"}},
		"dns":               {rest + "--dns x", exitFailed, []string{"--dns"}},
		"time":              {rest + "--time a,a", exitFailed, []string{"--time"}},
		"centre":            {rest + "--centre https://centre.example", exitFailed, []string{"--centre, --content", "host alone"}},
		"open network":      {rest + "--wifi Gate", exitFailed, []string{"--wifi-password-file", "8 to 63"}},
		"short password":    {rest + "--wifi Gate --wifi-password-file @short", exitFailed, []string{"--wifi-password-file", "8 to 63"}},
		"password of none":  {rest + "--wifi-password-file @short", exitUsage, []string{"--wifi-password-file", "add --wifi"}},
		"hidden of none":    {rest + "--wifi-hidden", exitUsage, []string{"--wifi-hidden", "add --wifi"}},
		"user of none":      {rest + "--apn-user u", exitUsage, []string{"--apn-user", "add --apn"}},
		"password, no user": {rest + "--apn a --apn-password-file @short", exitUsage, []string{"add --apn-user"}},
		"long password":     {rest + "--apn a --apn-user u --apn-password-file @long", exitFailed, []string{"--apn-password-file", "at most 64"}},
		"pin":               {rest + "--apn a --pin-file @short", exitFailed, []string{"--pin-file", "4 to 8"}},
		"pin of none":       {rest + "--pin-file @short", exitUsage, []string{"--pin-file", "add --apn"}},
		"apn":               {rest + "--apn a_b", exitFailed, []string{"--apn", "v-internet"}},
		"no such file":      {rest + "--wifi Gate --wifi-password-file @none", exitFailed, []string{"@none"}},
		"not UTF-8":         {strings.Replace(rest, "--gate G", "--gate \xE9", 1), exitFailed, []string{"@new.toml", "UTF-8"}},
		"file is there":     {"site new @there.toml --gate G --id abc --panel hdmi", exitFailed, []string{"never overwritten"}},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			said := d.refuses(tt.line, tt.code, append(tt.words, "remedy")...)
			if strings.Contains(said, "hunter2") {
				t.Errorf("the secret is shown:\n%s", said)
			}
			if n := strings.Count(said, "bangtin: "); n != 1 {
				t.Errorf("%d errors:\n%s", n, said)
			}
			if there, err := exists(d.path("new.toml")); there || err != nil {
				t.Errorf("a file was written (%v)", err)
			}
		})
	}
	if string(d.read("there.toml")) != "something" {
		t.Error("a file was overwritten")
	}
}

// form runs site new on a terminal with these answers typed.
func (d *desk) form(line, typed string, env map[string]string) (code int, said string) {
	d.t.Helper()
	master, tty, err := pty.Open()
	d.check(err)
	d.t.Cleanup(func() {
		master.Close()
		tty.Close()
	})
	_, err = master.WriteString(typed)
	d.check(err)
	var out bytes.Buffer
	p := &Program{
		Args: append([]string{"--lang", d.lang}, strings.Fields(strings.ReplaceAll(line, "@", d.dir+"/"))...), Stdin: tty, Stdout: &out, Stderr: &out,
		Getenv: func(name string) string { return env[name] }, Now: func() time.Time { return d.now },
	}
	code = p.Run(d.t.Context())
	return code, strings.ReplaceAll(out.String(), d.dir+"/", "@")
}

func TestSiteNewAsksOnATerminal(t *testing.T) {
	for _, lang := range []string{"vi", "en"} {
		t.Run(lang, func(t *testing.T) {
			d := newDesk(t)
			d.lang = lang
			d.write("center.json", []byte(`{"broker":"tls://centre.example:8884","content":"https://centre.example:8443/content/"}`))
			code, said := d.form("site new @site.toml",
				"\nCửa khẩu quốc tế Tịnh Biên\n\n\n\n/dev/ttyUSB0\n/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0\n2\n\n10.20.30.41/24\n10.20.31.1\n10.20.30.1\n10.20.30.2, 10.20.30.3\nGate\nhunter2\ncorrect horse\n-\n",
				map[string]string{centerVariable: d.dir})
			if code != exitOK || strings.Contains(said, "horse") || strings.Contains(said, "hunter2") {
				t.Fatalf("exit %d\n%s", code, said)
			}
			d.golden("site-form", said)
			d.golden("site-file", string(d.read("site.toml")))
			s := d.parseSite("site.toml")
			if s.ID != "tinh-bien-01" || s.Panel.Port != "/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0" || s.Panel.SetID != 2 || s.Broker.URL != "tls://centre.example:8883" ||
				s.Network.WiFi.Password.Reveal() != "correct horse" || s.Network.Modem != nil {
				t.Errorf("site %+v", s)
			}
		})
	}
}

func TestSiteNewDoesNotAskWhatAnOptionSaid(t *testing.T) {
	d := newDesk(t)
	code, said := d.form("site new @site.toml --id xa-xia-02 --panel hdmi --wifi Gate", "Xà Xía\n-\n\nlong enough\n\n", nil)
	if code != exitOK || strings.Contains(said, "Id of") || strings.Contains(said, "Protocol") || strings.Contains(said, "Set ID") {
		t.Fatalf("exit %d\n%s", code, said)
	}
	if s := d.parseSite("site.toml"); s.ID != "xa-xia-02" || s.Broker != nil || s.Network.WiFi.SSID != "Gate" {
		t.Errorf("site %+v", s)
	}
	// Whoever says everything is not asked at all.
	if code, said := d.form("site new @other.toml --gate G --id abc --panel hdmi", "", nil); code != exitOK || strings.Contains(said, "[") {
		t.Errorf("exit %d\n%s", code, said)
	}
}

func TestSiteNewGivesUp(t *testing.T) {
	d := newDesk(t)
	for name, typed := range map[string]string{"the end of the input": "G\n\x04", "five wrong answers": "G\n!\n!\n!\n!\n!\n"} {
		code, said := d.form("site new @site.toml", typed, nil)
		if there, _ := exists(d.path("site.toml")); code != exitFailed || there || !strings.Contains(said, "was not answered") {
			t.Errorf("%s: exit %d, file %v\n%s", name, code, there, said)
		}
	}
}

func TestProposedID(t *testing.T) {
	for gate, want := range map[string]string{
		"Cửa khẩu quốc tế Tịnh Biên": "tinh-bien-01", "Cửa khẩu quốc gia Khánh Bình": "khanh-binh-01", "Cửa khẩu chính Vĩnh Hội Đông": "vinh-hoi-dong-01",
		"Đường": "duong-01", "ខ្មែរ": "", "!": "", strings.Repeat("a", 99): strings.Repeat("a", 37) + "-01",
	} {
		if got := proposedID(gate); got != want {
			t.Errorf("%s: %q, want %q", gate, got, want)
		}
	}
}

func TestSiteCheckTellsEachLine(t *testing.T) {
	d := newDesk(t)
	d.must(plainSite)
	if out := d.must("site check @site.toml"); !strings.Contains(out, "tinh-bien-01") {
		t.Errorf("said:\n%s", out)
	}
	d.write("wrong.toml", []byte("[site]\nid = \"A\"\ngate = \"G\"\n[panel]\ndriver = \"hdmi\"\nprot = 1\n[network.wifi]\nssid = \"x\"\npassword = \"hunter2\"\n"))
	said := d.refuses("site check @wrong.toml", exitFailed, "@wrong.toml:2", "@wrong.toml:6", "@wrong.toml:9", "did you mean")
	if strings.Count(said, "bangtin: ") != 3 || strings.Contains(said, "hunter2") {
		t.Errorf("said:\n%s", said)
	}
	d.refuses("site check @none", exitFailed, "@none")
	d.write("large.toml", bytes.Repeat([]byte("#\n"), site.MaxSize))
	d.refuses("site check @large.toml", exitFailed, "too large")
}

func TestSiteSeal(t *testing.T) {
	d := newDesk(t)
	d.sites("an")
	d.must(plainSite)
	d.must("site seal @site.toml --key @an.key --trust @sites.json")
	doc, err := trust.ParseDocument(d.read("sites.json"))
	d.check(err)
	_, first, err := stick.Open(doc, d.read("site.seal"), d.read("site.toml"), time.Time{})
	d.check(err)
	if !first.Issued.Equal(morning) {
		t.Errorf("issued %s", first.Issued)
	}
	// Sealed again, even by a clock that went back, it is newer.
	d.now = morning.Add(-time.Hour)
	d.must("site seal @site.toml --key @an.key --trust @sites.json")
	if _, again, err := stick.Open(doc, d.read("site.seal"), d.read("site.toml"), first.Issued.Add(time.Second)); err != nil {
		t.Errorf("sealed again: %v, %+v", err, again)
	}
}

// TestSiteSealByAWrongClock: a display takes nothing that is dated earlier than what it has.
func TestSiteSealByAWrongClock(t *testing.T) {
	for name, test := range map[string]struct {
		now  time.Time
		warn bool
	}{
		"right":                           {morning, false},
		"years later":                     {morning.AddDate(5, 0, 0), false},
		"a second before the document":    {morning.Add(-time.Second), true},
		"more years than one looks ahead": {morning.AddDate(5, 0, 0).Add(time.Second), true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.sites("an")
			d.must(plainSite)
			d.now = test.now
			said := d.must("site seal @site.toml --key @an.key --trust @sites.json")
			if strings.Contains(said, "Attention: the seal is dated "+test.now.UTC().Format(time.DateOnly)) != test.warn {
				t.Errorf("said:\n%s", said)
			}
		})
	}
}

func TestSiteSealRefuses(t *testing.T) {
	d := newDesk(t)
	d.sites("an")
	d.must(plainSite)
	d.write("wrong.toml", []byte("[site]\nid = \"A\"\n"))
	d.must(strings.Replace(plainSite, "@site", "@odd", 1))
	d.write("odd.seal", []byte("a person's own"))
	for name, tt := range map[string]struct {
		line string
		code int
		word string
	}{
		"no key":         {"site seal @site.toml", exitUsage, "--key"},
		"invalid file":   {"site seal @wrong.toml --key @an.key", exitFailed, "@wrong.toml:2"},
		"without a role": {"site seal @site.toml --key @duc.key --trust @sites.json", exitFailed, "without the role"},
		"a stranger":     {"site seal @site.toml --key @binh.key --trust @sites.json", exitFailed, "unknown keys"},
		"signed twice":   {"site seal @site.toml --key @an.key --key @an.key", exitFailed, "signed already"},
		"no such file":   {"site seal @none.toml --key @an.key", exitFailed, "@none.toml"},
		"not a seal":     {"site seal @odd.toml --key @an.key", exitFailed, "move it away"},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses(tt.line, tt.code, tt.word)
			for _, file := range []string{"site.seal", "wrong.seal", "none.seal"} {
				if there, err := exists(d.path(file)); there || err != nil {
					t.Errorf("%s was written (%v)", file, err)
				}
			}
		})
	}
	if string(d.read("odd.seal")) != "a person's own" {
		t.Error("a file that is no seal was overwritten")
	}
}

func TestSiteStickIsWhatADisplayOpens(t *testing.T) {
	for _, lang := range []string{"vi", "en"} {
		t.Run(lang, func(t *testing.T) {
			d := newDesk(t)
			d.lang = lang
			d.sites("an")
			d.check(os.Mkdir(d.path("stick"), 0o700))
			steps := d.must(plainSite) + d.must("site check @site.toml") + d.must("site seal @site.toml --key @an.key --trust @sites.json") +
				d.must("site stick @stick --site @site.toml --trust @sites.json --code "+strings.ToLower(strings.ReplaceAll(someCode, "-", "")))
			d.golden("site-stick", strings.ReplaceAll(steps, string(filepath.Separator), "/"))
			doc, err := trust.ParseDocument(d.read("stick/bangtin/" + stick.Trust))
			d.check(err)
			s, _, err := stick.Open(doc, d.read("stick/bangtin/"+stick.Seal), d.read("stick/bangtin/"+stick.Site), time.Time{})
			if err != nil || s.ID != "tinh-bien-01" {
				t.Errorf("opened %v, %v", s, err)
			}
			if code := string(d.read("stick/bangtin/" + stick.Code)); code != someCode+"\n" {
				t.Errorf("code %q", code)
			}
			d.only("stick", stick.Folder)
			d.only("stick/bangtin", stick.Code, stick.Seal, stick.Site, stick.Trust)
		})
	}
}

// only fails where the folder holds anything else, such as what was begun and not ended.
func (d *desk) only(dir string, want ...string) {
	d.t.Helper()
	entries, err := os.ReadDir(d.path(dir))
	d.check(err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, want) {
		d.t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}

func TestSiteStickRefusesBeforeItWrites(t *testing.T) {
	d := newDesk(t)
	d.sites("an")
	d.trust()
	d.check(os.Mkdir(d.path("stick"), 0o700))
	d.must(plainSite)
	d.must(strings.Replace(plainSite, "@site", "@unsealed", 1))
	d.must(strings.Replace(plainSite, "@site", "@changed", 1))
	d.must("site seal @site.toml --key @an.key")
	d.must("site seal @changed.toml --key @an.key")
	d.write("changed.toml", append(d.read("changed.toml"), '\n'))
	d.must("trust new --organisation Sở --grant power=@duc.pub --grant trust=@r1.pub --grant trust=@r2.pub --sign @r1.key --out @half.json")
	const rest = "site stick @stick --site @site.toml --trust @sites.json"
	for name, tt := range map[string]struct {
		line string
		code int
		word string
	}{
		"no site file":       {"site stick @stick --trust @sites.json", exitUsage, "--site"},
		"no document":        {"site stick @stick --site @site.toml", exitUsage, "--trust"},
		"not sealed":         {"site stick @stick --site @unsealed.toml --trust @sites.json", exitFailed, "bangtin site seal @unsealed.toml"},
		"changed since":      {"site stick @stick --site @changed.toml --trust @sites.json", exitFailed, "changed since"},
		"role is nobody's":   {"site stick @stick --site @site.toml --trust @trust.json", exitFailed, "role that nobody holds"},
		"half a document":    {"site stick @stick --site @site.toml --trust @half.json", exitFailed, "too few signatures"},
		"not a code":         {rest + " --code 7KQ2", exitUsage, "eight groups"},
		"no such folder":     {strings.Replace(rest, "@stick", "@none", 1), exitFailed, "@none"},
		"a file, no folder":  {strings.Replace(rest, "@stick", "@an.pub", 1), exitFailed, "mounted"},
		"no such document":   {"site stick @stick --site @site.toml --trust @none.json", exitFailed, "@none.json"},
		"no such site file":  {"site stick @stick --site @none.toml --trust @sites.json", exitFailed, "@none.toml"},
		"a key as site file": {"site stick @stick --site @an.pub --trust @sites.json", exitFailed, "an.pub"},
	} {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses(tt.line, tt.code, tt.word)
			d.only("stick")
		})
	}
	d.t = t
	d.must(rest)
	before := d.read("stick/bangtin/" + stick.Site)
	d.refuses(rest, exitFailed, "never overwritten", "another stick")
	if !bytes.Equal(before, d.read("stick/bangtin/"+stick.Site)) {
		t.Error("a stick was changed")
	}
	d.only("stick", stick.Folder)
}

// FuzzSiteText: what was typed is in the file as it was typed, or refused. No answer becomes another key.
func FuzzSiteText(f *testing.F) {
	f.Add("Cửa khẩu \"A\"", "a-01", "/dev/ttyS0", "Gate", "correct horse", "10.20.30.1")
	f.Add("a\"\n[panel]\ndriver = \"sim\"", "abc", "\\", "\x7f\u0085", "\\u0041 12345", "1.1.1.1, 8.8.8.8")
	f.Fuzz(func(t *testing.T, gate, id, port, ssid, password, dns string) {
		w := &wanted{gate: gate, id: id, driver: string(site.LG), port: port, ssid: ssid, password: password, dns: dns}
		s, err := site.Parse([]byte((&Program{}).siteText(w)))
		if err != nil {
			return
		}
		if s.Gate != gate || s.ID != id || s.Panel.Driver != site.LG || path.Clean(port) != s.Panel.Port || s.Broker != nil || len(s.Network.Ethernet.DNS) != len(listed(dns)) {
			t.Fatalf("%+v of %+v", s, w)
		}
		if ssid == "" != (s.Network.WiFi == nil) || ssid != "" && (s.Network.WiFi.SSID != ssid || s.Network.WiFi.Password.Reveal() != password) {
			t.Fatalf("Wi-Fi %+v of %+v", s.Network.WiFi, w)
		}
	})
}
