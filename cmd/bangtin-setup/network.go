package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"bangtin/internal/site"
)

const (
	ours       = "bangtin-" // how the names of our keyfiles begin
	keyfileEnd = ".nmconnection"
	timeFile   = "bangtin.conf"
)

// keyfiles are NetworkManager's connections for a site, by the names of their files (nm-settings-keyfile(5)).
func keyfiles(n site.Network) map[string]string {
	files := map[string]string{}
	put := func(way site.Way, k *keyfile) { files[ours+string(way)+keyfileEnd] = k.String() }
	put(site.WayEthernet, ethernet(n))
	if n.WiFi != nil {
		put(site.WayWiFi, wifi(n))
	}
	if n.Modem != nil {
		put(site.WayModem, modem(n))
	}
	return files
}

func ethernet(n site.Network) *keyfile {
	k := connection(site.WayEthernet, "ethernet")
	e := n.Ethernet
	if !e.Address.IsValid() {
		k.set("multi-connect", "3") // every port that has a link
		k.automatic(n.Metric(site.WayEthernet), e.DNS)
		return k
	}
	k.group("ipv4")
	k.set("method", "manual")
	k.set("address1", e.Address.String())
	if e.Gateway.IsValid() {
		k.set("gateway", e.Gateway.String())
	}
	k.addresses("dns", e.DNS)
	k.metric(n.Metric(site.WayEthernet))
	k.group("ipv6")
	k.set("method", "link-local") // what has an address of its own takes none from whoever is on the cable
	return k
}

func wifi(n site.Network) *keyfile {
	k := connection(site.WayWiFi, "wifi")
	k.automatic(n.Metric(site.WayWiFi), nil)
	k.group("wifi")
	k.set("mode", "infrastructure")
	k.set("ssid", byteList(n.WiFi.SSID))
	if n.WiFi.Hidden {
		k.set("hidden", "true")
	}
	k.group("wifi-security")
	k.set("key-mgmt", "wpa-psk") // WPA2 and WPA3 with one password (nm-settings(5))
	k.set("psk", n.WiFi.Password.Reveal())
	return k
}

func modem(n site.Network) *keyfile {
	k := connection(site.WayModem, "gsm")
	k.automatic(n.Metric(site.WayModem), nil)
	k.group("gsm")
	k.set("apn", n.Modem.APN)
	for _, v := range []struct{ key, value string }{
		{"pin", n.Modem.PIN.Reveal()}, {"username", n.Modem.User}, {"password", n.Modem.Password.Reveal()},
	} {
		if v.value != "" {
			k.set(v.key, v.value)
		}
	}
	return k
}

// A keyfile is one being written.
type keyfile struct{ strings.Builder }

// connection begins a keyfile. Its UUID is made of its name, so that NetworkManager knows it again after a start.
func connection(way site.Way, kind string) *keyfile {
	k := &keyfile{}
	sum := sha256.Sum256([]byte(ours + string(way)))
	k.group("connection")
	k.set("id", ours+string(way))
	// RFC 9562, 5.8: a UUID of our own making has version 8, in the variant 10.
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	k.set("uuid", fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
	k.set("type", kind)
	k.set("autoconnect-retries", "0") // for ever
	return k
}

func (k *keyfile) automatic(metric int, dns []netip.Addr) {
	k.group("ipv4")
	k.set("method", "auto")
	if len(dns) > 0 {
		k.addresses("dns", dns)
		k.set("ignore-auto-dns", "true")
	}
	k.metric(metric)
	k.group("ipv6")
	k.set("method", "auto")
	k.metric(metric)
}

func (k *keyfile) metric(m int) { k.set("route-metric", fmt.Sprint(m)) }

func (k *keyfile) addresses(key string, list []netip.Addr) {
	if len(list) == 0 {
		return
	}
	text := ""
	for _, a := range list {
		text += a.String() + ";"
	}
	k.set(key, text)
}

func (k *keyfile) group(name string) {
	if k.Len() > 0 {
		k.WriteByte('\n')
	}
	fmt.Fprintf(k, "[%s]\n", name)
}

func (k *keyfile) set(key, value string) { fmt.Fprintf(k, "%s=%s\n", key, escape(value)) }

// escape writes a text as GLib's key files want it: a line of UTF-8, with spaces and what else would end or shorten it as
// escapes (GLib, "Key file format"). Other control characters have no escape, nor a place in a site file: they are left
// out.
func escape(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && !strings.ContainsRune("\n\t\r", r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.NewReplacer(`\`, `\\`, " ", `\s`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(text)
}

// byteList writes bytes as NetworkManager's list of numbers, which nothing in a network's name can leave.
func byteList(text string) string {
	list := ""
	for _, b := range []byte(text) {
		list += fmt.Sprintf("%d;", b)
	}
	return list
}

// timeServers is the drop-in of systemd-timesyncd, empty where the site names no servers.
func timeServers(n site.Network) string {
	if len(n.Time) == 0 {
		return ""
	}
	return "[Time]\nNTP=" + strings.Join(n.Time, " ") + "\n"
}

// writeNetwork has the files of a site in memory, and takes away those of ours that are none of it any more. It tells
// whether anything was changed.
func (p Paths) writeNetwork(n site.Network) (connections, servers bool, err error) {
	connections, err = replace(p.Connections, func(name string) bool {
		return strings.HasPrefix(name, ours) && strings.HasSuffix(name, keyfileEnd)
	}, keyfiles(n), 0o600)
	if err != nil {
		return connections, false, fmt.Errorf("cannot write the connections of the network: %w", err)
	}
	want := map[string]string{}
	if text := timeServers(n); text != "" {
		want[timeFile] = text
	}
	servers, err = replace(p.Timesync, func(name string) bool { return name == timeFile }, want, 0o644)
	if err != nil {
		return connections, servers, fmt.Errorf("cannot write the time servers: %w", err)
	}
	return connections, servers, nil
}

// replace has a folder hold what is wanted of the files that are ours. The folder is in memory: nothing is synced.
func replace(folder string, mine func(name string) bool, want map[string]string, mode os.FileMode) (changed bool, err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return false, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false, err
	}
	for _, e := range entries {
		if _, wanted := want[e.Name()]; !wanted && mine(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(folder, e.Name())))
			changed = true
		}
	}
	for name, text := range want {
		path := filepath.Join(folder, name)
		if old, readErr := os.ReadFile(path); readErr == nil && string(old) == text {
			continue
		}
		changed = true
		err = errors.Join(err, writeFile(path, text, mode))
	}
	return changed, err
}

// writeFile replaces a file that has its mode from its first moment; NetworkManager passes over names that begin with a
// dot.
func writeFile(path, text string, mode os.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // fails once the file was renamed, as it should
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
