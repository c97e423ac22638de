package main_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	main "bangtin/cmd/bangtin-console"
	"bangtin/internal/control/local"
	"bangtin/internal/notice"
)

var update = flag.Bool("update", false, "write the pages that are compared with")

// clock is a moment of one day at a gate.
func clock(t testing.TB, hour string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04:05", "2027-02-06 "+hour, time.FixedZone("+07", 7*3600))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// machine is a controller of which everything is well but that its daemon says nothing.
func machine(t testing.TB, hour string) main.Facts {
	t.Helper()
	return main.Facts{
		Now: clock(t, hour), Version: "1.4.0", Released: clock(t, "00:00:00").AddDate(0, 0, -20), Slot: "A", Failed: []string{},
		Addresses: []main.Address{{Interface: "eth0", Up: true, IPs: []string{"192.168.10.21/24"}}, {Interface: "wwan0"}},
		Data:      &main.Disk{Free: 38 << 30, Total: 52 << 30}, Uptime: 75*time.Hour + 12*time.Minute,
		DaemonWhy: "cannot reach the daemon: dial unix /run/bangtin/control.sock: connect: no such file or directory",
	}
}

// display is one that is on air.
func display(t testing.TB, hour string) main.Facts {
	t.Helper()
	f := machine(t, hour)
	d := &main.Daemon{Here: local.Here{
		Device: "tinh-bien-01", Airing: "on-air", Start: clock(t, "07:00:00"), End: clock(t, "11:00:00"), Link: &local.Link{Up: true, ForS: 9000},
	}}
	state := `{"version":"1.4.0","gate":"Cửa khẩu quốc tế Tịnh Biên","time":{"trust":"signed"},
		"want":{"panel":"on","show":"programme","rule":"schedule","reason":"inside the window that ends at 11:00"},
		"panel":{"power":"on"},"player":{"state":"playing","playlist":"tet-2027@1801180800000","item":"chao-mung"},
		"airtime":{"required_s":7800,"delivered_s":7795,"unverified_s":0},"mains":true,
		"temperatures":[{"sensor":"cabinet","celsius":41.5},{"sensor":"psu","celsius":null}],"outbox":{"depth":3},"news":{"of":"tomorrow"}}`
	if err := json.Unmarshal([]byte(state), &d.State); err != nil {
		t.Fatal(err)
	}
	d.At = clock(t, hour)
	read := d.At.Add(-3 * time.Second)
	d.Panel.VerifiedAt = &read
	f.Daemon, f.DaemonWhy = d, ""
	return f
}

// pages are the states of a display that a technician may come to.
func pages(t testing.TB) map[string]main.Facts {
	all := map[string]main.Facts{}
	all["on-air"] = display(t, "09:10:00")

	f := display(t, "06:50:12")
	f.Daemon.Airing, f.Daemon.Want.Panel, f.Daemon.Want.Reason, f.Daemon.Panel.Power, f.Daemon.Player.State = "idle", "off", "outside the windows", "off", "slate"
	f.Daemon.Airtime.RequiredS, f.Daemon.Airtime.DeliveredS = 0, 0
	all["before-the-window"] = f

	f = display(t, "06:50:12")
	f.Daemon.Airing, f.Daemon.Want.Panel, f.Daemon.Want.Reason, f.Daemon.Panel.Power, f.Daemon.Player.State = "idle", "off", "outside the windows", "unknown", "slate"
	f.Daemon.Panel.Error, f.Daemon.Player.Playlist, f.Daemon.Alarms = "cannot read from the panel: no answer within 1s", "", []string{"panel-silent", "fan-stopped"}
	f.Daemon.Airtime.RequiredS, f.Daemon.Airtime.DeliveredS = 0, 0
	all["not-ready"] = f

	f = display(t, "09:10:00")
	f.Daemon.Airing, f.Daemon.Cause, f.Daemon.Panel.Power, f.Daemon.Panel.Error = "lost", "panel-silent", "unknown", "cannot read from the panel: no answer within 1s"
	f.Daemon.Link = &local.Link{ForS: 1260, Why: "cannot connect: dial tcp 203.0.113.5:8883: connect: network is unreachable"}
	f.Daemon.Outbox.Depth, f.Daemon.Airtime.DeliveredS = 412, 6600
	f.Daemon.Alarms = []string{"door-open", "panel-silent", "sensor-faulty-psu"}
	all["dark"] = f

	f = display(t, "06:59:10")
	f.Daemon.Airing, f.Daemon.Cause, f.Daemon.Want.Reason, f.Daemon.Panel.Power, f.Daemon.Player.State = "lost", "no-content", "warming up for the window that starts at 07:00; no approved content is ready", "on", "slate"
	f.Daemon.Player.Playlist, f.Daemon.Time.Trust, f.Daemon.Airtime.RequiredS, f.Daemon.Airtime.DeliveredS = "", "floored", 0, 0
	all["lead-without-content"] = f

	f = display(t, "15:00:00")
	f.Daemon.Airing, f.Daemon.Cause, f.Daemon.Start, f.Daemon.End = "lost", "department-override", clock(t, "14:00:00"), clock(t, "18:00:00")
	f.Daemon.Want.Panel, f.Daemon.Want.Rule, f.Daemon.Want.Reason, f.Daemon.Panel.Power = "off", "department", "off by truc.ban until 2027-02-06T10:00:00Z: bảo trì điện", "off"
	all["off-by-order"] = f

	f = machine(t, "07:31:00")
	f.Uptime, f.Addresses[0].IPs = 4*time.Minute, nil
	f.Notices = []notice.Notice{{Part: "setup", Code: "S01", Vi: "Chưa có tệp cấu hình: cắm USB của Sở vào bộ điều khiển.", En: "There is no site file: plug the department's stick into the controller."}}
	all["not-commissioned"] = f

	f = machine(t, "07:31:00")
	f.Failed, f.DaemonWhy = []string{"bangtind.service"}, "cannot reach the daemon: dial unix /run/bangtin/control.sock: connect: connection refused"
	all["daemon-dead"] = f

	f = machine(t, "07:31:00")
	f.Data = &main.Disk{Free: 400 << 20, Total: 500 << 20, Memory: true}
	f.Notices = []notice.Notice{{
		Part: "data", Code: "D01", Vi: "Không đọc được bộ nhớ dữ liệu: thay bộ nhớ của bộ điều khiển.", En: "The data storage cannot be read: replace the controller's storage.",
		Details: []string{"mount: /data: can't read superblock on /dev/mmcblk0p7", "e2fsck: Bad magic number in super-block"},
	}}
	f.Failed = nil
	f.Fall("services")
	all["data-broken"] = f

	f = machine(t, "07:31:00")
	f.Notices = []notice.Notice{{Part: "system", Code: "D04", Vi: "Hệ thống không khởi động trọn vẹn.", En: "The system did not start completely."}}
	all["not-started"] = f

	f = machine(t, "07:00:20")
	f.Uptime, f.Addresses, f.Data, f.Slot, f.Failed, f.FailedWhy = 20*time.Second, []main.Address{}, &main.Disk{Missing: true}, "", nil, "exit status 1"
	all["starting"] = f

	f = display(t, "09:10:00")
	for _, code := range []string{"S06", "D03", "E01", "N01"} {
		f.Notices = append(f.Notices, notice.Notice{Code: code, Vi: strings.Repeat("chữ ", 60), En: strings.Repeat("word ", 60), Details: slices.Repeat([]string{"line 3: unknown key"}, 20)})
	}
	f.Daemon.Alarms = slices.Repeat([]string{"notice-S06", "journal-in-memory", "fan-stopped"}, 9)
	f.Daemon.Want.Rule, f.Daemon.Want.Reason = "local", "on by bangtin-01 until 2027-02-06T10:00:00Z: "+strings.Repeat("dài ", 300)
	all["far-too-much"] = f
	return all
}

// TestPages holds each page, in both languages, against what a person has looked at.
func TestPages(t *testing.T) {
	for name, facts := range pages(t) {
		for suffix, language := range map[string]main.Language{"vi": main.Vietnamese, "en": main.English} {
			var b strings.Builder
			for _, row := range shaped(t, facts, language) {
				b.WriteString(strings.TrimRight(row.Text(), " ") + "\n")
			}
			path := filepath.Join("testdata", name+"."+suffix+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), b.String()); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
		}
	}
}

// shaped is a page that fits the terminal and steers nothing.
func shaped(t testing.TB, f main.Facts, l main.Language) []main.Row {
	t.Helper()
	rows := main.Page(f, l)
	if len(rows) != main.Rows {
		t.Errorf("%d rows", len(rows))
	}
	for _, row := range rows {
		if n := len([]rune(row.Text())); n >= main.Columns {
			t.Errorf("%d columns: %q", n, row.Text())
		}
		if i := strings.IndexFunc(row.Text(), func(r rune) bool {
			return unicode.In(r, unicode.C, unicode.M) || r != ' ' && unicode.IsSpace(r) || r > 0x2fff || r >= 0x590 && r < 0x1e00
		}); i >= 0 {
			t.Errorf("byte %d of %q is nothing for a terminal", i, row.Text())
		}
	}
	return rows
}

// TestHostileWordsSteerNothing: each word from outside may be anybody's.
func TestHostileWordsSteerNothing(t *testing.T) {
	for _, evil := range []string{
		"\x1b[2J\x1b[H", "\x9b2J", "\u009b2J", "a\r\nb\tc", "\x18\x1a\x05", "\u202e\u2066gnihton", "\ufeff\u200b\u200d", "漢字 កម្ពុជា 🚨", "\xff\xfe", strings.Repeat("e\u0301\u0301\u0301", 3000), "\x1b]0;x\x07",
	} {
		f := display(t, "09:10:00")
		f.Notices = []notice.Notice{{Part: evil, Code: evil, Vi: evil, En: evil, Details: []string{evil, evil}}}
		f.Version, f.Slot, f.FailedWhy = evil, "A", evil
		f.Addresses = []main.Address{{Interface: evil, IPs: []string{evil}}}
		d := f.Daemon
		d.Gate, d.Device, d.Cause, d.Airing = evil, evil, evil, "lost"
		d.Link = &local.Link{Why: evil}
		d.Want.Rule, d.Want.Reason, d.Panel.Power, d.Panel.Error, d.Player.State, d.Player.Playlist, d.Player.Item = "department", evil, evil, evil, evil, evil, evil
		d.Time.Trust, d.Alarms, d.Temperatures[0].Sensor = evil, []string{evil, "refused-" + evil}, evil
		shaped(t, f, main.Vietnamese)
		f.Failed, f.FailedWhy = []string{evil}, ""
		shaped(t, f, main.English)
		f.Daemon, f.DaemonWhy = nil, evil
		shaped(t, f, main.English)
		f.Notices = nil
		shaped(t, f, main.Vietnamese)
	}
}

// FuzzPage: what the socket says is read by a root of nobody, and shown.
func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"state":{"at":"2027-02-06T02:10:00Z","gate":"\u001b[2J","panel":{"power":"on","verified_at":"2027-02-06T02:10:00Z"},"alarms":["fire"]},"here":{"device":"x","airing":"lost","cause":"panel-off","start":"2027-02-06T07:00:00+07:00","end":"2027-02-06T11:00:00+07:00","link":{"up":false,"for_s":-9}}}`))
	f.Add([]byte(`{"state":{"at":"0001-01-01T00:00:00Z","airtime":{"required_s":-1,"delivered_s":9223372036854775807}},"here":{"airing":"on-air","start":"9999-12-31T23:59:59-23:59"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var a local.Answer
		if json.Unmarshal(raw, &a) != nil {
			return
		}
		facts := machine(t, "07:31:00")
		facts.Daemon = &main.Daemon{}
		if json.Unmarshal(a.State, &facts.Daemon.State) != nil {
			return
		}
		if a.Here != nil {
			facts.Daemon.Here = *a.Here
		}
		shaped(t, facts, main.Vietnamese)
		shaped(t, facts, main.English)
	})
}

// TestEveryCodeHasAnAdvice: what a display may raise, the page explains in both languages.
func TestEveryCodeHasAnAdvice(t *testing.T) {
	raw, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "### Codes")
	table, _, _ = strings.Cut(table, "\n### ")
	seen := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || strings.HasPrefix(strings.TrimSpace(cells[2]), "centre:") {
			continue
		}
		for _, m := range regexp.MustCompile("`([a-z-]+?-?)(…)?`").FindAllStringSubmatch(cells[1], -1) {
			code := m[1]
			if m[2] != "" {
				code += "x"
			}
			seen++
			if vi, en, known := main.Known(code); !known || vi == en || len(vi) < 10 {
				t.Errorf("%s: %q, %q", code, vi, en)
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d codes: the table is read wrongly", seen)
	}
}

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		words         string
		columns, rows int
		want          []string
	}{
		{"", 10, 2, nil},
		{"một hai ba", 10, 2, []string{"một hai ba"}},
		{"một hai ba bốn", 10, 2, []string{"một hai ba", "bốn"}},
		{"một hai ba bốn năm sáu", 10, 2, []string{"một hai ba", "bốn năm s…"}},
		{"abcdefghijklmnop q", 10, 3, []string{"abcdefghij", "klmnop q"}},
		{"abcdefghijklmnop", 10, 1, []string{"abcdefghi…"}},
	} {
		if got := main.Wrap(tt.words, tt.columns, tt.rows); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.words, got, tt.want)
		}
	}
	if got := main.Plain("Ti\u0323nh Bie\u0302n\x1b"); got != "Tịnh Biên?" {
		t.Errorf("%q", got)
	}
}
