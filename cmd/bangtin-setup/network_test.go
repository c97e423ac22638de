package main_test

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	. "bangtin/cmd/bangtin-setup"
	"bangtin/internal/site"
	"github.com/google/go-cmp/cmp"
)

func wired() site.Network {
	return site.Network{
		Ethernet: site.Ethernet{
			Address: netip.MustParsePrefix("10.20.30.41/24"), Gateway: netip.MustParseAddr("10.20.30.1"),
			DNS: []netip.Addr{netip.MustParseAddr("10.20.30.2"), netip.MustParseAddr("10.20.30.3")},
		},
		WiFi:   &site.WiFi{SSID: "Cửa khẩu", Password: site.Hide("correct horse battery"), Hidden: true},
		Modem:  &site.Modem{APN: "v-internet", PIN: site.Hide("0471"), User: "gate", Password: site.Hide("staple")},
		Time:   []string{"10.20.30.2", "time.example"},
		Prefer: []site.Way{site.WayWiFi, site.WayEthernet, site.WayModem},
	}
}

func TestKeyfiles(t *testing.T) {
	plain := site.Network{Prefer: site.DefaultPrefer()}
	for name, test := range map[string]struct {
		network site.Network
		file    string
	}{"wired": {wired(), "bangtin-ethernet.nmconnection"}, "wifi": {wired(), "bangtin-wifi.nmconnection"}, "modem": {wired(), "bangtin-modem.nmconnection"}, "dhcp": {plain, "bangtin-ethernet.nmconnection"}} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", name+".nmconnection"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), Keyfiles(test.network)[test.file]); diff != "" {
				t.Error(diff)
			}
		})
	}
	if files := Keyfiles(plain); len(files) != 1 {
		t.Errorf("without Wi-Fi and modem there are %d files", len(files))
	}
	if got := TimeServers(wired()); got != "[Time]\nNTP=10.20.30.2 time.example\n" {
		t.Errorf("time servers %q", got)
	}
}

// TestNetworkManagerUnderstands has NetworkManager's own reader say what it makes of the files.
func TestNetworkManagerUnderstands(t *testing.T) {
	if _, err := exec.LookPath("nmcli"); err != nil {
		t.Skip("without nmcli (package network-manager) nobody says what NetworkManager makes of the files")
	}
	hard := wired()
	hard.WiFi.SSID, hard.WiFi.Password = "65;66;", site.Hide(`#[x]\s;"a=b \n`)
	hard.Modem.Password = site.Hide(`;\[ipv4]#`)
	for name, n := range map[string]site.Network{"plain": wired(), "hard": hard} {
		t.Run(name, func(t *testing.T) {
			said := map[string]map[string]string{}
			for file, text := range Keyfiles(n) {
				said[file] = reread(t, text)
			}
			for _, w := range []struct{ file, key, want string }{
				{"bangtin-wifi.nmconnection", "wifi.ssid", n.WiFi.SSID},
				{"bangtin-wifi.nmconnection", "wifi-security.psk", n.WiFi.Password.Reveal()},
				{"bangtin-wifi.nmconnection", "wifi.hidden", "true"},
				{"bangtin-wifi.nmconnection", "ipv4.route-metric", "100"},
				{"bangtin-modem.nmconnection", "gsm.password", n.Modem.Password.Reveal()},
				{"bangtin-modem.nmconnection", "gsm.pin", "0471"},
				{"bangtin-modem.nmconnection", "gsm.apn", "v-internet"},
				{"bangtin-ethernet.nmconnection", "ipv4.method", "manual"},
				{"bangtin-ethernet.nmconnection", "ipv4.address1", "10.20.30.41/24,10.20.30.1"},
				{"bangtin-ethernet.nmconnection", "ipv4.dns", "10.20.30.2;10.20.30.3;"},
				{"bangtin-ethernet.nmconnection", "connection.autoconnect-retries", "0"},
			} {
				got := said[w.file][w.key]
				if w.key == "wifi.ssid" {
					got = ssid(got)
				}
				if got != w.want {
					t.Errorf("%s: %s is %q, want %q", w.file, w.key, got, w.want)
				}
			}
		})
	}
}

// reread is a keyfile as NetworkManager writes it after it has read ours, a value for each group and key.
func reread(t *testing.T, text string) map[string]string {
	t.Helper()
	cmd := exec.Command("nmcli", "--offline", "connection", "modify", "connection.autoconnect-priority", "7")
	cmd.Stdin = strings.NewReader(text)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil || complaint.Len() > 0 {
		t.Fatalf("NetworkManager does not take this: %v: %s\n%s", err, &complaint, text)
	}
	values, group := map[string]string{}, ""
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSuffix(line, "\n")
		if header, ok := strings.CutPrefix(line, "["); ok {
			group = strings.TrimSuffix(header, "]")
		} else if key, value, ok := strings.Cut(line, "="); ok {
			values[group+"."+key] = unescaped(value)
		}
	}
	return values
}

// ssid reads a network's name, which NetworkManager writes as numbers or as a text.
func ssid(value string) string {
	var name []byte
	for number := range strings.SplitSeq(strings.TrimSuffix(value, ";"), ";") {
		b, err := strconv.ParseUint(number, 10, 8)
		if err != nil {
			return unescaped(value)
		}
		name = append(name, byte(b))
	}
	return string(name)
}

func unescaped(value string) string {
	return strings.NewReplacer(`\\`, `\`, `\s`, " ", `\n`, "\n", `\t`, "\t", `\r`, "\r", `\;`, ";").Replace(value)
}

// FuzzKeyfiles: whatever a text is, it is one value of one key, and reads as it was.
func FuzzKeyfiles(f *testing.F) {
	f.Add("Cửa khẩu", "correct horse battery", "v-internet", "gate", "staple")
	f.Add("a\n[ipv4]\nmethod=manual", "x\n[connection]\nid=evil", "a\r\n[gsm]", " ", `\`)
	f.Add("\x00", "\\n[x]", "#", ";", "\u2028[x]\u0085")
	f.Fuzz(func(t *testing.T, ssid, password, apn, user, secret string) {
		n := site.Network{
			WiFi:   &site.WiFi{SSID: ssid, Password: site.Hide(password)},
			Modem:  &site.Modem{APN: apn, User: user, Password: site.Hide(secret)},
			Prefer: site.DefaultPrefer(),
		}
		files := Keyfiles(n)
		checkLines(t, files["bangtin-wifi.nmconnection"], []string{
			"[connection]", "id", "uuid", "type", "autoconnect-retries", "[ipv4]", "method", "route-metric", "[ipv6]", "method",
			"route-metric", "[wifi]", "mode", "ssid", "[wifi-security]", "key-mgmt", "psk",
		}, map[string]string{"psk": password})
		names := []string{
			"[connection]", "id", "uuid", "type", "autoconnect-retries", "[ipv4]", "method", "route-metric", "[ipv6]", "method",
			"route-metric", "[gsm]", "apn",
		}
		if user != "" {
			names = append(names, "username")
		}
		if secret != "" {
			names = append(names, "password")
		}
		checkLines(t, files["bangtin-modem.nmconnection"], names, map[string]string{"apn": apn, "username": user, "password": secret})
	})
}

// checkLines reads a key file as GLib does, line by line.
func checkLines(t *testing.T, text string, names []string, values map[string]string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line == "" {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		if len(names) == 0 || name != names[0] {
			t.Fatalf("line %q, want one of %q\n%s", line, names, text)
		}
		names = names[1:]
		if want, ok := values[name]; ok && unescaped(value) != sayable(want) {
			t.Fatalf("%s reads %q, want %q", name, unescaped(value), want)
		}
		if strings.Trim(value, " \t\v\f\r\n\x00") != value { // GLib takes ASCII's white space away
			t.Fatalf("%s has a value that begins or ends with white space: %q", name, value)
		}
	}
	if len(names) > 0 {
		t.Fatalf("%q are missing\n%s", names, text)
	}
}

// sayable is what of a text can stand in a key file at all.
func sayable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
}

func TestWhatIsNoneOfTheSiteAnyMoreGoes(t *testing.T) {
	w := newWorld(t)
	w.commission()
	other := filepath.Join(w.paths.Connections, "other.nmconnection")
	stale := filepath.Join(w.paths.Connections, "bangtin-modem.nmconnection")
	w.write(other, "x")
	w.write(stale, "x")
	w.write(filepath.Join(w.paths.Timesync, "bangtin.conf"), "x")
	w.run()
	if names := strings.Join(w.names(w.paths.Connections), " "); names != "bangtin-ethernet.nmconnection other.nmconnection" {
		t.Errorf("there are %s", names)
	}
	if names := w.names(w.paths.Timesync); len(names) > 0 {
		t.Errorf("there are %q", names)
	}
	if info, err := os.Stat(filepath.Join(w.paths.Connections, "bangtin-ethernet.nmconnection")); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}
