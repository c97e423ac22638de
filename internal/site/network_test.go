package site_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/site"
)

func TestReadNetwork(t *testing.T) {
	got, err := site.Read(filepath.Join("testdata", "wired.toml"))
	if err != nil {
		t.Fatal(err)
	}
	want := site.Network{
		Ethernet: site.Ethernet{
			Address: netip.MustParsePrefix("10.20.30.41/24"), Gateway: netip.MustParseAddr("10.20.30.1"),
			DNS: []netip.Addr{netip.MustParseAddr("10.20.30.2"), netip.MustParseAddr("10.20.30.3")},
		},
		WiFi:   &site.WiFi{SSID: "Cửa khẩu", Password: site.Hide("correct horse battery"), Hidden: true},
		Modem:  &site.Modem{APN: "v-internet", PIN: site.Hide("0471"), User: "gate", Password: site.Hide("staple")},
		Time:   []string{"10.20.30.2", "time.example"},
		Prefer: []site.Way{site.WayWiFi, site.WayEthernet, site.WayModem},
	}
	if diff := cmp.Diff(want, got.Network, same()); diff != "" {
		t.Errorf("network (-want +got):\n%s", diff)
	}
	for w, metric := range map[site.Way]int{site.WayWiFi: 100, site.WayEthernet: 200, site.WayModem: 300} {
		if n := got.Network.Metric(w); n != metric {
			t.Errorf("%s: metric %d, want %d", w, n, metric)
		}
	}
}

// TestNoNetworkAsksByDHCP: a file from before [network], and one that says so.
func TestNoNetworkAsksByDHCP(t *testing.T) {
	for _, text := range []string{"", "[network]", "[network.ethernet]", "[network.ethernet]\naddress = \"dhcp\"", "network.ethernet.address = \"dhcp\""} {
		got, err := networked(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if diff := cmp.Diff(site.Network{Prefer: site.DefaultPrefer()}, got.Network, same()); diff != "" {
			t.Errorf("%q: network (-want +got):\n%s", text, diff)
		}
	}
}

// networked parses a short file with the text before its tables or below them.
func networked(text string) (*site.Site, error) {
	const rest = "[site]\nid = \"abc\"\ngate = \"G\"\n[panel]\ndriver = \"sim\"\n"
	if strings.HasPrefix(text, "[") {
		return site.Parse([]byte(rest + text))
	}
	return site.Parse([]byte(text + "\n" + rest))
}

func TestNetworksThatAre(t *testing.T) {
	for _, text := range []string{
		"[network.ethernet]\naddress = \"10.0.0.5/8\"", // the centre may be on the same wire
		"[network.ethernet]\naddress = \"192.168.1.1/30\"\ngateway = \"192.168.1.2\"",
		"[network.ethernet]\ndns = [\"1.1.1.1\"]",
		"[network.wifi]\nssid = \"" + strings.Repeat("x", 32) + "\"\npassword = \"" + strings.Repeat("~", 63) + "\"",
		"[network.wifi]\nssid = \"x\"\npassword = '\"\\8 letters'",
		"[network.modem]\napn = \"e\"\npin = \"12345678\"",
		"[network]\ntime = [\"a\", \"2001:db8::1\", \"0.vn.pool.ntp.org\", \"10.0.0.1\"]",
	} {
		if _, err := networked(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestOneClearLineForTheNetwork(t *testing.T) {
	const (
		ethernet = "[network.ethernet]\n"
		wifi     = "[network.wifi]\nssid = \"x\"\npassword = \"xxxxxxxx\"\n"
		modem    = "[network.modem]\napn = \"x\"\n"
	)
	for _, tt := range []struct{ text, want string }{
		{"[network]\nprefer = [\"wifi\"]", `line 7: network.prefer: names "wifi", and there is no [network.wifi]: remove it, or write the table`},
		{"[network]\nprefer = [\"modem\"]", `network.prefer: names "modem"`},
		{"[network]\nprefer = [\"cable\"]", `network.prefer: "cable" is none of ethernet, wifi, modem`},
		{"[network]\nprefer = [\"ethernet\", \"ethernet\"]", `network.prefer: "ethernet" is there twice`},
		{"[network]\nprefer = \"ethernet\"", `network.prefer: must be a list of texts: write prefer = ["ethernet"]`},
		{"[network]\ntime = [\"a\", \"b\", \"c\", \"d\", \"e\"]", `network.time: has 5 entries: write at most 4`},
		{"[network]\ntime = [\"https://time.example\"]", `line 7: network.time: "https://time.example" is not one more NTP server`},
		{"[network]\ntime = [\"10.0.0.300\"]", `network.time: "10.0.0.300" is not one more NTP server`},
		{"[network]\ntime = [\"\"]", `network.time: "" is not one more NTP server`},
		{"[network]\ntime = [\"a\", \"a\"]", `network.time: "a" is not one more NTP server`},
		{"[network]\naddress = \"dhcp\"", `line 7: unknown key "network.address": did you mean "network.ethernet.address"?`},
		{"[network.wlan]\nssid = \"x\"", `line 6: unknown key "network.wlan"`},
		{"[network]\nwifi = true", `line 7: network.wifi: must be a table: write [network.wifi] on a line of its own`},
		{ethernet + "address = \"10.0.0.5\"", `line 7: network.ethernet.address: "10.0.0.5" is not an address of one machine: write "dhcp", or one such as "10.20.30.41/24"`},
		{ethernet + "address = \"10.0.0.0/24\"", `"10.0.0.0/24" is not an address of one machine`},
		{ethernet + "address = \"10.0.0.255/24\"", `"10.0.0.255/24" is not an address of one machine`},
		{ethernet + "address = \"10.0.0.5/31\"", `"10.0.0.5/31" is not an address of one machine`},
		{ethernet + "address = \"10.0.0.5/7\"", `"10.0.0.5/7" is not an address of one machine`},
		{ethernet + "address = \"127.0.0.1/8\"", `"127.0.0.1/8" is not an address of one machine`},
		{ethernet + "address = \"169.254.3.4/16\"", `"169.254.3.4/16" is not an address of one machine`},
		{ethernet + "address = \"2001:db8::5/64\"", `"2001:db8::5/64" is not an address of one machine`},
		{ethernet + "address = \"DHCP\"", `"DHCP" is not an address of one machine: write "dhcp"`},
		{ethernet + "address = \"10.0.0.5/24\"\ngateway = \"10.0.1.1\"", `line 8: network.ethernet.gateway: "10.0.1.1" is not another machine within 10.0.0.0/24`},
		{ethernet + "address = \"10.0.0.5/24\"\ngateway = \"10.0.0.5\"", `"10.0.0.5" is not another machine`},
		{ethernet + "address = \"10.0.0.5/24\"\ngateway = \"10.0.0.255\"", `"10.0.0.255" is not another machine`},
		{ethernet + "address = \"10.0.0.5/24\"\ngateway = \"\"", `"" is not another machine`},
		{ethernet + "gateway = \"10.0.0.1\"", `line 7: network.ethernet.gateway: does nothing with network.ethernet.address = "dhcp": remove it`},
		{ethernet + "dns = [\"10.0.0.1\", \"10.0.0.2\", \"10.0.0.3\", \"10.0.0.4\"]", `network.ethernet.dns: has 4 entries: write at most 3`},
		{ethernet + "dns = [\"dns.example\"]", `network.ethernet.dns: "dns.example" is not the address of one more name server`},
		{ethernet + "dns = [\"10.0.0.1\", \"10.0.0.1\"]", `network.ethernet.dns: "10.0.0.1" is not the address of one more name server`},
		{wifi + "hidden = \"yes\"", `line 9: network.wifi.hidden: must be true or false, without quotation marks`},
		{"[network.wifi]\npassword = \"xxxxxxxx\"", `network.wifi.ssid: is missing: write ssid = "BANGTIN" below [network.wifi]`},
		{"[network.wifi]\nssid = \"x\"", `network.wifi.password: is missing: write the network's password; an open network is no way to a public display`},
		{strings.Replace(wifi, `"x"`, `""`, 1), `network.wifi.ssid: has 0 bytes`},
		{strings.Replace(wifi, `"x"`, `"`+strings.Repeat("x", 31)+`đ"`, 1), `network.wifi.ssid: has 33 bytes`},
		{strings.Replace(wifi, `"x"`, `"a\nb"`, 1), `network.wifi.ssid: has 3 bytes or a control character`},
		{strings.Replace(wifi, `"x"`, `"x "`, 1), `network.wifi.ssid: "x " begins or ends with a space: remove it`},
		{strings.Replace(wifi, "xxxxxxxx", strings.Repeat("x", 64), 1), `network.wifi.password: is not one of WPA2 or WPA3: write 8 to 63 printable ASCII characters`},
		{strings.Replace(wifi, `"xxxxxxxx"`, "12345678", 1), `line 8: network.wifi.password: must be text in quotation marks`},
		{modem + "pin = 4711", `line 8: network.modem.pin: must be text in quotation marks`},
		{modem + "pin = \"471\"", `network.modem.pin: is not the PIN of a SIM: write 4 to 8 digits in quotation marks`},
		{modem + "user = \"" + strings.Repeat("x", 65) + "\"", `network.modem.user: is not a user name`},
		{modem + "password = \"x\"", `network.modem.password: does nothing with no network.modem.user: remove it`},
		{"[network.modem]\napn = \"a b\"", `network.modem.apn: "a b" is not the name of an access point`},
		{"[network.modem]\napn = \"" + strings.Repeat("x", 101) + "\"", `is not the name of an access point: use 1 to 100`},
		{"[network.modem]", `network.modem.apn: is missing: write apn = "v-internet" below [network.modem]`},
	} {
		_, err := networked(tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got\n%v\nwant %q", tt.text, err, tt.want)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: more than one line:\n%v", tt.text, err)
		}
	}
}

// TestQuotedKeyWithADotIsAnother: nobody reads it, so it must not pass for the one that it looks like.
func TestQuotedKeyWithADotIsAnother(t *testing.T) {
	_, err := networked(`"site.data" = "/x"`)
	if err == nil || !strings.Contains(err.Error(), `unknown key "\"site.data\""`) {
		t.Errorf("got %v", err)
	}
}

// TestSecretsAreShownNowhere: in no finding, and in nothing that prints a Site.
func TestSecretsAreShownNowhere(t *testing.T) {
	const secret = "hunter"
	for _, text := range []string{
		"[network.wifi]\nssid = \"x\"\npassword = \"hunter2\"",         // too short
		"[network.wifi]\nssid = \"x\"\npassword = \" hunter2hunter2\"", // a space in front
		"[network.wifi]\nssid = \"x\"\npassword = \"đhunter2hunter2\"",
		"[network.wifi]\nssid = \"x\"\npassword = hunter2hunter2", // the parser of TOML quotes letters and numbers without quotation marks
		"[network.wifi]\nssid = \"x\"\npassword = hunterhunter",
		"[network.modem]\napn = \"x\"\nuser = \"u\"\npassword = truehunter",
		"[network.wifi]\nssid = \"x\"\npassword = [\n  hunterhunter\n]", // on a line of its own
		"[network.wifi]\nssid = \"" + strings.Repeat("x", 4) + "\"\npassword = \"" + strings.Repeat("hunter2 ", 8) + "!\"",
		"[network.wifi]\nssid = \"x\"\npassword = \"hunter2\\hunter2\"",
		"[network.wifi]\nssid = \"x\"\npassword = [\"hunter2\"]",
		"[network.wifi]\nssid = \"x\"\npassword = \"hunter2",
		"[network.wifi]\nssid = \"x\"\npassword = \"aaaaaaaa\"hunter2",
		"[network.wifi]\nssid = \"x\"\nPassword hunter2",
		"[network.wifi]\nssid = \"x\"\nPassword = \"hunter2\"",
		"[network.modem]\napn = \"x\"\npin = \"hunter2\"",
		"[network.modem]\napn = \"x\"\npassword = \"hunter2\"",
		"[network.modem]\napn = \"x\"\nuser = \"u\"\npassword = \"hunter2đ\"",
	} {
		_, err := networked(text)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", text, err)
		}
	}
	if _, err := networked("[network.modem]\napn = \"x\"\npin = 0__4711"); err == nil || strings.Contains(err.Error(), "4711") || !strings.Contains(err.Error(), "line 8: cannot be read, and may hold a password") {
		t.Errorf("a PIN that is no number: %v", err)
	}
	s, err := site.Read(filepath.Join("testdata", "wired.toml"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, v := range []any{*s, *s.Network.WiFi, *s.Network.Modem, s.Network.WiFi, s.Network.WiFi.Password} {
		fmt.Fprintf(&text, "%v %+v %#v %s %q %x\n", v, v, v, v, v, v)
		slog.New(slog.NewTextHandler(&text, nil)).Info("site", "v", v)
		slog.New(slog.NewJSONHandler(&text, nil)).Info("site", "v", v)
	}
	if err := json.NewEncoder(&text).Encode(s); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"horse", "0471", "staple", fmt.Sprintf("%x", "horse")} {
		if strings.Contains(text.String(), secret) {
			at := strings.Index(text.String(), secret)
			t.Errorf("%q is shown: …%s", secret, text.String()[max(0, at-60):at+len(secret)])
		}
	}
	if !strings.Contains(text.String(), "(secret)") || !strings.Contains(text.String(), "v-internet") {
		t.Errorf("nothing was shown at all:\n%s", text.String())
	}
}
