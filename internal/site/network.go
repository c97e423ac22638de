package site

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A Way is one way from the display to the centre.
type Way string

const (
	WayEthernet Way = "ethernet"
	WayWiFi     Way = "wifi"
	WayModem    Way = "modem"
)

// DefaultPrefer are all the ways, the most trusted first: a cable is heard by nobody, and a modem costs by the byte.
func DefaultPrefer() []Way { return []Way{WayEthernet, WayWiFi, WayModem} }

// What the standards allow.
const (
	maxSSID      = 32  // bytes (IEEE 802.11-2020, 9.4.2.2)
	leastWPA     = 8   // letters of a passphrase, each of them printable ASCII (IEEE 802.11-2020, J.4.1)
	mostWPA      = 63  // 64 would be the key itself in hex, which WPA3 does not take
	maxAPN       = 100 // bytes (3GPP TS 23.003, 9.1)
	maxModemUser = 64  // bytes, of user and password each; our figure
	maxDNS       = 3   // more are not asked (resolv.conf(5), MAXNS)
	maxTime      = 4   // our figure: three that agree outvote one that does not
	maxHost      = 253 // letters of a host name (RFC 1035, 2.3.4, without the last dot)
)

// Network says how the display reaches the centre. What is wired asks by DHCP where the file does not say otherwise;
// what is not wired is used where the file has it.
type Network struct {
	Ethernet Ethernet // zero: every Ethernet port asks by DHCP
	WiFi     *WiFi    // nil: radio is not used
	Modem    *Modem   // nil: no modem is used
	Time     []string // NTP servers, host names or addresses, 0 to 4; empty leaves it at those of the image
	Prefer   []Way    // each way once, the one to be tried first in front, whether or not the display has it
}

// Metric is the metric of the default route over w: 100 for the first of Prefer, 200 for the next; the lowest that is
// up carries everything.
func (n Network) Metric(w Way) int { return 100 * (1 + slices.Index(n.Prefer, w)) }

// Ethernet says how a display with a cable comes by its address. With an address of its own it is that of one port: the
// first with a link.
type Ethernet struct {
	Address netip.Prefix // IPv4 with the length of its network, /8 to /30; the zero Prefix asks by DHCP
	Gateway netip.Addr   // within Address; the zero Addr where there is none, and with DHCP
	DNS     []netip.Addr // IPv4, 0 to 3; with DHCP in place of those that it brings
}

// WiFi names a network of WPA2 or WPA3 with one password for all. An open one is no way to a public display.
type WiFi struct {
	SSID     string // 1 to 32 bytes of UTF-8 without control characters and without a space at either end
	Password Secret // 8 to 63 printable ASCII characters, without a space at either end
	Hidden   bool   // it does not say its name, and is asked for by it
}

// Modem says what the modem's SIM is for.
type Modem struct {
	APN      string // 1 to 100 of a-z, A-Z, 0-9, dots and hyphens
	PIN      Secret // 4 to 8 digits; empty where the SIM wants none
	User     string // 0 to 64 printable ASCII characters; empty for most APNs
	Password Secret // the same; empty without User
}

// network reads [network] and the tables below it.
func (r *reader) network() Network {
	r.table("network")
	n := Network{Ethernet: r.ethernet(), WiFi: r.wifi(), Modem: r.modem(), Time: r.timeServers()}
	n.Prefer = r.prefer(n)
	return n
}

func (r *reader) ethernet() Ethernet {
	const address, gateway, dns = "network.ethernet.address", "network.ethernet.gateway", "network.ethernet.dns"
	r.table("network.ethernet")
	e := Ethernet{DNS: r.resolvers(dns)}
	text, way := r.text(address, "dhcp"), r.text(gateway, "")
	if text == "dhcp" {
		r.idle(address+` = "dhcp"`, gateway)
		return e
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil || !prefix.Addr().Is4() || prefix.Bits() < 8 || prefix.Bits() > 30 || !host(prefix, prefix.Addr()) {
		r.wrong(address, `%.60q is not an address of one machine: write "dhcp", or one such as "10.20.30.41/24"`, text)
		return e
	}
	e.Address = prefix
	if r.value(gateway) == nil {
		return e
	}
	e.Gateway, err = netip.ParseAddr(way)
	if err != nil || !host(prefix, e.Gateway) || e.Gateway == prefix.Addr() {
		r.wrong(gateway, "%.60q is not another machine within %s: write the router's address there", way, prefix.Masked())
	}
	return e
}

// host tells whether a is one machine within network, and not the network itself or all of it.
func host(network netip.Prefix, a netip.Addr) bool {
	if !a.Is4() || !a.IsGlobalUnicast() || !network.Contains(a) || a == network.Masked().Addr() {
		return false
	}
	all := true // its part within the network is ones alone
	bytes := a.As4()
	for bit := network.Bits(); bit < 32; bit++ {
		all = all && bytes[bit/8]&(0x80>>(bit%8)) != 0
	}
	return !all
}

func (r *reader) resolvers(key string) []netip.Addr {
	texts := r.list(key, maxDNS, "10.20.30.2")
	var list []netip.Addr
	for _, text := range texts {
		a, err := netip.ParseAddr(text)
		if err != nil || !a.Is4() || !a.IsGlobalUnicast() || slices.Contains(list, a) {
			r.wrong(key, "%.60q is not the address of one more name server: write each once, such as %q", text, "10.20.30.2")
			continue
		}
		list = append(list, a)
	}
	return list
}

// list is texts for a key that may be missing and has at most so many.
func (r *reader) list(key string, most int, example string) []string {
	if r.value(key) == nil {
		return nil
	}
	texts := r.texts(key, []string{example})
	if len(texts) > most {
		r.wrong(key, "has %d entries: write at most %d", len(texts), most)
		return nil
	}
	return texts
}

func (r *reader) wifi() *WiFi {
	const ssid, password, hidden = "network.wifi.ssid", "network.wifi.password", "network.wifi.hidden"
	there := r.table("network.wifi")
	w := &WiFi{Hidden: r.yes(hidden)}
	if !there {
		r.value(ssid)
		r.value(password)
		return nil
	}
	w.SSID = r.required(ssid, "BANGTIN")
	if n := len(w.SSID); n < 1 || n > maxSSID || strings.ContainsFunc(w.SSID, unicode.IsControl) {
		r.wrong(ssid, "has %d bytes or a control character: write the network's name, 1 to %d bytes on one line", n, maxSSID)
	}
	r.trimmed(ssid, w.SSID)
	if r.value(password) == nil {
		r.wrong(password, "is missing: write the network's password; an open network is no way to a public display")
		return w
	}
	w.Password = r.secret(password)
	if n := len(w.Password.Reveal()); r.isText(password) && (n < leastWPA || n > mostWPA || !printable(w.Password.Reveal())) {
		r.wrong(password, "is not one of WPA2 or WPA3: write %d to %d printable ASCII characters, with no space at either end", leastWPA, mostWPA)
	}
	return w
}

func (r *reader) modem() *Modem {
	const apn, pin, user, password = "network.modem.apn", "network.modem.pin", "network.modem.user", "network.modem.password"
	there := r.table("network.modem")
	m := &Modem{PIN: r.secret(pin), User: r.text(user, ""), Password: r.secret(password)}
	if !there {
		r.value(apn)
		return nil
	}
	m.APN = r.required(apn, "v-internet")
	if len(m.APN) > maxAPN || !regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9.-]*[a-zA-Z0-9])?$`).MatchString(m.APN) {
		r.wrong(apn, "%.60q is not the name of an access point: use 1 to %d of a-z, A-Z, 0-9, dots and hyphens", m.APN, maxAPN)
	}
	if r.isText(pin) && !regexp.MustCompile(`^\d{4,8}$`).MatchString(m.PIN.Reveal()) {
		r.wrong(pin, "is not the PIN of a SIM: write 4 to 8 digits in quotation marks")
	}
	if len(m.User) > maxModemUser || !printable(m.User) {
		r.wrong(user, "is not a user name: write at most %d printable ASCII characters, with no space at either end", maxModemUser)
	}
	if len(m.Password.Reveal()) > maxModemUser || !printable(m.Password.Reveal()) {
		r.wrong(password, "cannot be sent: write at most %d printable ASCII characters, with no space at either end", maxModemUser)
	}
	if m.User == "" {
		r.idle("no network.modem.user", password)
	}
	return m
}

// printable accepts printable ASCII without a space at either end, which nobody sees.
func printable(text string) bool {
	return strings.TrimSpace(text) == text && !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' })
}

func (r *reader) timeServers() []string {
	const key = "network.time"
	texts := r.list(key, maxTime, "time.example")
	for i, text := range texts {
		if !hostName(text) || slices.Contains(texts[:i], text) {
			r.wrong(key, "%.60q is not one more NTP server: write each once, a host name or an address, such as %q", text, "time.example")
		}
	}
	return texts
}

// hostName accepts a host name in lower case and an address.
func hostName(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsGlobalUnicast() && a.Zone() == ""
	}
	return len(host) <= maxHost && regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`).MatchString(host) &&
		strings.Trim(host, "0123456789.") != ""
}

// prefer completes what the file says by the ways that it does not name.
func (r *reader) prefer(n Network) []Way {
	const key = "network.prefer"
	var list []Way
	for _, text := range r.list(key, len(DefaultPrefer()), string(WayEthernet)) {
		w := Way(r.choice(key, text, string(WayEthernet), string(WayWiFi), string(WayModem)))
		switch {
		case slices.Contains(list, w):
			r.wrong(key, "%q is there twice", w)
		case w == WayWiFi && n.WiFi == nil, w == WayModem && n.Modem == nil:
			r.wrong(key, "names %q, and there is no [network.%s]: remove it, or write the table", w, w)
		default:
			list = append(list, w)
		}
	}
	for _, w := range DefaultPrefer() {
		if !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	return list
}
