package site_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/site"
)

func hours(h int) time.Duration { return time.Duration(h) * time.Hour }

// same compares locations by name, and addresses by what they are.
func same() cmp.Option {
	return cmp.Options{
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
	}
}

func TestReadExample(t *testing.T) {
	got, err := site.Read(filepath.Join("testdata", "example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		t.Fatal(err)
	}
	want := &site.Site{
		ID:       "tinh-bien-01",
		Gate:     "Cửa khẩu quốc tế Tịnh Biên",
		Location: zone,
		Data:     "/var/lib/bangtin",
		Socket:   "/run/bangtin/control.sock",
		Schedule: site.Schedule{
			Windows:   []site.Window{{From: hours(7), To: hours(11)}, {From: hours(14), To: hours(18)}},
			PanelLead: 90 * time.Second,
		},
		Panel:   site.Panel{Driver: site.MDC, Port: "/dev/serial/by-id/…", SetID: 1},
		Output:  site.Output{Player: "mpv", Video: site.VideoAuto, Mode: "auto", Rotate: 0, Volume: 60},
		Content: &site.Content{URL: "https://centre.example/content/"},
		Broker: &site.Broker{
			URL: "tls://broker.example:8883", CA: "/var/lib/bangtin/ca.pem",
			Certificate: "/var/lib/bangtin/device.pem", Key: "/var/lib/bangtin/device.key", Heartbeat: time.Minute, Gather: 5 * time.Minute,
		},
		Network: site.Network{Prefer: site.DefaultPrefer()},

		Key:    site.Key{Does: "off", For: hours(12)},
		Safety: site.Safety{Dim: 65, CutOff: 75},
	}
	if diff := cmp.Diff(want, got, same()); diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}
}

// The example spells every default out, so that leaving them away must change nothing.
func TestDefaultsAreThoseOfTheExample(t *testing.T) {
	full, err := site.Read(filepath.Join("testdata", "example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	short, err := site.Parse([]byte(`
[site]
id = "tinh-bien-01"
gate = "Cửa khẩu quốc tế Tịnh Biên"
[panel]
driver = "mdc"
port = "/dev/serial/by-id/…"
[content]
url = "https://centre.example/content"
[broker]
url = "tls://broker.example"
`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full, short, same()); diff != "" {
		t.Errorf("full and short file (-full +short):\n%s", diff)
	}
}

func TestOfflineDisplayNeedsNeitherBrokerNorContentNorPort(t *testing.T) {
	for _, driver := range []string{"sim", "cec", "hdmi"} {
		s, err := site.Parse([]byte("[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"" + driver + "\""))
		if err != nil {
			t.Fatal(err)
		}
		if s.Broker != nil || s.Content != nil || s.Panel.Port != "" {
			t.Errorf("%s: got %+v", driver, s)
		}
	}
}

// example returns the example with one line replaced or, where old is empty, with text appended.
func example(t *testing.T, old, text string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	if old == "" {
		return append(data, text...)
	}
	if strings.Count(string(data), old) != 1 {
		t.Fatalf("%q is not once in the example", old)
	}
	return []byte(strings.Replace(string(data), old, text, 1))
}

func TestOneClearLine(t *testing.T) {
	for _, tt := range []struct{ old, text, want string }{
		{`port = "/dev/serial/by-id/…"`, "prot = \"/dev/ttyS0\"\nport = \"/dev/ttyS0\"", `line 12: unknown key "panel.prot": did you mean "panel.port"?`},
		{`rotate = 0`, `Rotate = 0`, `line 18: unknown key "output.Rotate": did you mean "output.rotate"?`},
		{`[panel]`, "panel_lead = \"1m\"\n[panel]", `Key 'schedule.panel_lead' has already been defined`},
		{`panel_lead = "90s" `, "[output2]\nx.y = 1\n#", `line 9: unknown key "output2": did you mean "output"?`},
		{`volume = 60`, "volume = 60\nset_id = 2", `line 20: unknown key "output.set_id": did you mean "panel.set_id"?`},
		{``, "\nzzz = 1", `line 34: unknown key "network.ethernet.zzz"` + "\n"},
		{`id = "tinh-bien-01"`, `id = "Tịnh Biên"`, `line 2: site.id: "Tịnh Biên" is not a display's name`},
		{`id = "tinh-bien-01"`, `id = "ab"`, `line 2: site.id: "ab"`},
		{`id = "tinh-bien-01"`, `id = "a+#"`, `line 2: site.id:`},
		{`id = "tinh-bien-01"`, ``, `site.id: is missing: write id = "tinh-bien-01" below [site]`},
		{`id = "tinh-bien-01"`, `id = 7`, `line 2: site.id: must be text`},
		{`gate = "Cửa khẩu quốc tế Tịnh Biên"`, `gate = ""`, `line 3: site.gate: has 0 characters`},
		{`gate = "Cửa khẩu quốc tế Tịnh Biên"`, `gate = "a\nb"`, `line 3: site.gate: has a line break`},
		{`"Asia/Ho_Chi_Minh"`, `"Asia/Hanoi"`, `line 4: site.timezone: "Asia/Hanoi" is not a time zone`},
		{`"Asia/Ho_Chi_Minh"`, `"Local"`, `line 4: site.timezone: "Local"`},
		{`"Asia/Ho_Chi_Minh"`, `"../../etc/passwd"`, `line 4: site.timezone:`},
		{`"/run/bangtin/control.sock"`, `"control.sock"`, `line 6: site.socket: "control.sock" is not a path from the root`},
		{`"/run/bangtin/control.sock"`, `"/` + strings.Repeat("x", 107) + `"`, `line 6: site.socket: has 108 bytes`},
		{`["07:00-11:00", "14:00-18:00"]`, `[]`, `line 8: schedule.windows: has 0 windows`},
		{`["07:00-11:00", "14:00-18:00"]`, `"07:00-11:00"`, `line 8: schedule.windows: must be a list of texts: write windows = ["07:00-11:00" "14:00-18:00"]`},
		{`["07:00-11:00", "14:00-18:00"]`, `["07:00-11:00", 4]`, `line 8: schedule.windows: entry 2 must be text`},
		{`["07:00-11:00", "14:00-18:00"]`, `["7:00-11:00"]`, `line 8: schedule.windows: "7:00-11:00" is not a window`},
		{`["07:00-11:00", "14:00-18:00"]`, `["07:00-24:01"]`, `"07:00-24:01" is later than 24:00`},
		{`["07:00-11:00", "14:00-18:00"]`, `["22:00-02:00"]`, `"22:00-02:00" does not end after it begins`},
		{`["07:00-11:00", "14:00-18:00"]`, `["07:00-07:00"]`, `"07:00-07:00" does not end after it begins`},
		{`["07:00-11:00", "14:00-18:00"]`, `["14:00-18:00", "07:00-11:00"]`, `"07:00-11:00" begins before the window before it ends`},
		{`["07:00-11:00", "14:00-18:00"]`, `["07:00-11:00", "10:59-18:00"]`, `"10:59-18:00" begins before the window before it ends`},
		{`"90s"`, `"90"`, `line 9: schedule.panel_lead: "90" is not a length of time`},
		{`"90s"`, `"16m"`, `line 9: schedule.panel_lead: is 16m0s: write a length of time from 0s to 15m0s`},
		{`"90s"`, `90`, `line 9: schedule.panel_lead: must be text`},
		{`driver = "mdc"`, `driver = "mcd"`, `line 11: panel.driver: "mcd" is none of mdc, lg, nec, sicp, cec, hdmi, sim: did you mean "mdc"?`},
		{`port = "/dev/serial/by-id/…"`, ``, `panel.port: is missing`},
		{`port = "/dev/serial/by-id/…"`, `port = "ttyS0"`, `line 12: panel.port: "ttyS0" is not a path from the root`},
		{`set_id = 1`, `set_id = 254`, `line 13: panel.set_id: is 254: write a number from 0 to 253`},
		{`set_id = 1`, `set_id = "1"`, `line 13: panel.set_id: must be a whole number from 0 to 253`},
		{`player = "mpv"`, `player = "vlc"`, `line 15: output.player: "vlc" is none of mpv`},
		{`video = "auto"`, `video = "dmr"`, `line 16: output.video: "dmr" is none of auto, drm, window, null: did you mean "drm"?`},
		{`mode = "auto"`, `mode = "1080p"`, `line 17: output.mode: "1080p" is not a mode`},
		{`rotate = 0`, `rotate = 45`, `line 18: output.rotate: is 45: write 0, 90, 180 or 270`},
		{`rotate = 0`, `rotate = 360`, `line 18: output.rotate: is 360`},
		{`volume = 60`, `volume = 101`, `line 19: output.volume: is 101: write a number from 0 to 100`},
		{`volume = 60`, `volume = 6.5`, `line 19: output.volume: must be a whole number`},
		{`"https://centre.example/content/"`, `"http://centre.example/"`, `line 21: content.url: "http://centre.example/" does not begin with https://`},
		{`"https://centre.example/content/"`, `"https://u:p@centre.example/"`, `line 21: content.url: has a user name`},
		{`"https://centre.example/content/"`, `"https:///content/"`, `names no host`},
		{`"https://centre.example/content/"`, `"https://centre.example/?a=b"`, `has a ? or # part`},
		{`url = "tls://broker.example:8883"`, ``, `broker.url: is missing`},
		{`"tls://broker.example:8883"`, `"tcp://broker.example:1883"`, `line 23: broker.url: "tcp://broker.example:1883" does not begin with tls://`},
		{`"tls://broker.example:8883"`, `"tls://broker.example:0"`, `has no valid port`},
		{`"tls://broker.example:8883"`, `"tls://broker.example:70000"`, `has no valid port`},
		{`"tls://broker.example:8883"`, `"tls://broker.example/x"`, `has the path "/x"`},
		{`"tls://broker.example:8883"`, `"tls://bro ker"`, `is not an address`},
		{`ca = "ca.pem"`, `ca = "../ca.pem"`, `line 24: broker.ca: "../ca.pem" is not a file below site.data`},
		{`ca = "ca.pem"`, `ca = "/etc/ca.pem"`, `line 24: broker.ca:`},
		{`key = "device.key"`, `key = "a/../../x"`, `line 26: broker.key:`},
		{`key = "device.key"`, `key = ""`, `line 26: broker.key:`},
		{`heartbeat = "60s"`, `heartbeat = "1s"`, `line 27: broker.heartbeat: is 1s: write a length of time from 10s to 1h0m0s`},
		{`[output]`, `[[output]]`, `line 14: output: must be a table`},
		{`set_id = 1`, `set_id = `, `line 13: expected value`},
	} {
		s, err := site.Parse(example(t, tt.old, tt.text))
		if err == nil {
			t.Errorf("%s: no error, want %q; got %+v", tt.text, tt.want, s)
			continue
		}
		if !strings.Contains(err.Error()+"\n", tt.want) || !strings.HasPrefix(err.Error(), "cannot read site file: ") {
			t.Errorf("%s: got\n%v\nwant %q", tt.text, err, tt.want)
		}
		if n := strings.Count(err.Error(), "\n"); n > 0 {
			t.Errorf("%s: %d lines, want one:\n%v", tt.text, n+1, err)
		}
	}
}

func TestEverythingWrongIsReportedAtOnce(t *testing.T) {
	_, err := site.Parse([]byte(`
[site]
id = "x"
gate = "Gate"
[pannel]
driver = "mdc"
[output]
volume = 200
`))
	var all *site.Error
	if !errors.As(err, &all) {
		t.Fatalf("got %v, want *site.Error", err)
	}
	want := strings.TrimSpace(`
cannot read site file: line 3: site.id: "x" is not a display's name: use 3 to 40 of a-z, 0-9 and hyphens
cannot read site file: line 5: unknown key "pannel": did you mean "panel"?
cannot read site file: line 8: output.volume: is 200: write a number from 0 to 100
cannot read site file: panel.driver: is missing: write driver = "mdc" below [panel]
cannot read site file: panel.port: is missing: write port = "/dev/serial/by-id/…" below [panel]`)
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
	if len(all.Findings) != 5 {
		t.Errorf("%d findings", len(all.Findings))
	}
}

func TestKeysMayBeWrittenInEveryWayOfTOML(t *testing.T) {
	s, err := site.Parse([]byte(`
site.id = "abc"
site."gate" = "G"
panel = { driver = "nec", port = "/dev/ttyS1", set_id = 100 }
schedule.windows = ["00:00-24:00"]
`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Panel != (site.Panel{Driver: site.NEC, Port: "/dev/ttyS1", SetID: 100}) ||
		s.Schedule.Windows[0] != (site.Window{From: 0, To: hours(24)}) {
		t.Errorf("got %+v", s)
	}
}

func TestSize(t *testing.T) {
	data := example(t, "", strings.Repeat("#\n", site.MaxSize/2))
	for name, parse := range map[string]func() (*site.Site, error){
		"Parse": func() (*site.Site, error) { return site.Parse(data) },
		"Read": func() (*site.Site, error) {
			path := filepath.Join(t.TempDir(), "site.toml")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			return site.Read(path)
		},
	} {
		if _, err := parse(); err == nil || !strings.Contains(err.Error(), "more than 65536 bytes") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	fits := example(t, "", "")
	fits = append(fits, strings.Repeat("\n", site.MaxSize-len(fits))...)
	if _, err := site.Parse(fits); err != nil {
		t.Errorf("%d bytes: %v", len(fits), err)
	}
}

func TestReadMissingFile(t *testing.T) {
	_, err := site.Read(filepath.Join(t.TempDir(), "none.toml"))
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "cannot read site file: ") {
		t.Errorf("got %v", err)
	}
}

// Files that made the parser busy for a minute, and ones with more wrong in them than anybody reads.
func TestHostileFiles(t *testing.T) {
	var unknown strings.Builder
	for n := 0; unknown.Len() < site.MaxSize-40; n++ {
		fmt.Fprintf(&unknown, "panel_%s%d = 1\n", strings.Repeat("x", n%30), n)
	}
	for name, data := range map[string]string{
		"unknown keys":   unknown.String(),
		"list in list":   "a = " + strings.Repeat("[\n", site.MaxSize/2-4),
		"table in table": "a = " + strings.Repeat("{a=[\n", site.MaxSize/5-4),
		"long key":       strings.Repeat("a.", site.MaxSize/2-3) + "a = 1",
		"long keys":      strings.Repeat(strings.Repeat("a.", 490)+"a = 1\n", 60),
	} {
		_, err := site.Parse([]byte(data))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		if n := strings.Count(err.Error(), "\n") + 1; n > 30 {
			t.Errorf("%s: %d lines", name, n)
		}
		if n := len(err.Error()); n > 4000 {
			t.Errorf("%s: %d bytes", name, n)
		}
	}
}
