package site_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/site"
)

// FuzzParse: whatever the bytes, Parse ends with a site that keeps its promises or with an error of lines that
// a person can read.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(filepath.Join("testdata", "example.toml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	wired, err := os.ReadFile(filepath.Join("testdata", "wired.toml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wired)
	f.Add([]byte("network.wifi = { ssid = \"x\", password = \"xxxxxxxx\" }\n\"site.id\" = 1\n[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"hdmi\""))
	f.Add([]byte("site.id = \"abc\"\nsite.gate = \"G\"\npanel = { driver = \"sim\" }"))
	f.Add([]byte("[site]\nid = 1\n[[panel]]\n[broker]\nca = \"../x\"\nurl = \"tls://a:b\""))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := site.Parse(data)
		if err != nil {
			checkError(t, err)
			return
		}
		checkSite(t, s)
	})
}

func checkError(t *testing.T, err error) {
	var all *site.Error
	if !errors.As(err, &all) || len(all.Findings) == 0 {
		t.Fatalf("error without findings: %v", err)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(all.Findings) {
		t.Fatalf("%d findings on %d lines: %q", len(all.Findings), len(lines), err)
	}
}

func checkSite(t *testing.T, s *site.Site) {
	if len(s.ID) < 3 || strings.Trim(s.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		t.Fatalf("id %q", s.ID)
	}
	if len(s.Schedule.Windows) == 0 || s.Location == nil {
		t.Fatalf("no windows or no time zone: %+v", s)
	}
	var end time.Duration
	for _, w := range s.Schedule.Windows {
		if w.From < end || w.To <= w.From || w.To > 24*time.Hour {
			t.Fatalf("windows %v", s.Schedule.Windows)
		}
		end = w.To
	}
	checkNetwork(t, s.Network)
	if s.Broker == nil {
		return
	}
	for _, path := range []string{s.Broker.CA, s.Broker.Certificate, s.Broker.Key} {
		rel, err := filepath.Rel(s.Data, path)
		if err != nil || !filepath.IsLocal(rel) {
			t.Fatalf("%q escapes %q", path, s.Data)
		}
	}
	if !strings.HasPrefix(s.Broker.URL, "tls://") {
		t.Fatalf("broker %q", s.Broker.URL)
	}
}

// checkNetwork wants what a display can be set up by without another look.
func checkNetwork(t *testing.T, n site.Network) {
	metrics := n.Metric(site.WayEthernet) + n.Metric(site.WayWiFi) + n.Metric(site.WayModem)
	if len(n.Prefer) != 3 || metrics != 600 || len(n.Time) > 4 || len(n.Ethernet.DNS) > 3 {
		t.Fatalf("network %+v", n)
	}
	if g := n.Ethernet.Gateway; g.IsValid() && (!n.Ethernet.Address.Contains(g) || g == n.Ethernet.Address.Addr()) {
		t.Fatalf("gateway %s of %s", g, n.Ethernet.Address)
	}
	if w := n.WiFi; w != nil && (len(w.SSID) < 1 || len(w.SSID) > 32 || len(w.Password.Reveal()) < 8 || len(w.Password.Reveal()) > 63) {
		t.Fatalf("Wi-Fi %+v", w)
	}
	if m := n.Modem; m != nil && (m.APN == "" || m.User == "" && m.Password.Reveal() != "") {
		t.Fatalf("modem %+v", m)
	}
}
