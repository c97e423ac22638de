package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const command = `{"id":"5f0c1e77a2b94d3c","ctr":1801180800000,"audience":["tinh-bien-01"],"expires":"2027-01-29T00:10:00Z",` +
	`"kind":"power","args":{"state":"off","until":"2027-01-29T10:00:00Z","reason":"x"}}`

func TestCommandIsTakenOnlyWhenExactlyRight(t *testing.T) {
	with := func(old, new string) string {
		t.Helper()
		if !strings.Contains(command, old) {
			t.Fatalf("%q is not in the command", old)
		}
		return strings.Replace(command, old, new, 1)
	}
	kind := func(kind, args string) string {
		c := command[:strings.Index(command, `"kind"`)] + `"kind":"` + kind + `"`
		if args != "" {
			c += `,"args":` + args
		}
		return c + "}"
	}
	var many []string
	for i := range wire.MaxAudience + 1 {
		many = append(many, fmt.Sprintf(`"device-%d"`, i))
	}
	tests := []struct {
		name, payload, err string // err is part of it; empty means taken
	}{
		{"power", command, ""},
		{"fleet", with(`["tinh-bien-01"]`, `["*"]`), ""},
		{"schedule", with(`"off","until":"2027-01-29T10:00:00Z"`, `"schedule","until":null`), ""},
		{"off without end", with(`"2027-01-29T10:00:00Z"`, `null`), ""},
		{"playlist", kind("playlist", `{"digest":"`+strings.Repeat("0a", 32)+`"}`), ""},
		{"identify", kind("identify", `{"seconds":300}`), ""},
		{"restart-player", kind("restart-player", ""), ""},
		{"reboot", kind("reboot", `{"force":true}`), ""},
		{"screenshot", kind("screenshot", ""), ""},
		{"diagnostics", kind("diagnostics", ""), ""},
		{"id short", with("5f0c1e77a2b94d3c", "5f0c1e7"), "id"},
		{"id with a slash", with("5f0c1e77a2b94d3c", "5f0c1e77/2b94d3c"), "id"},
		{"counter zero", with("1801180800000", "0"), "counter"},
		{"counter in seconds", with("1801180800000", "1801180800"), "counter"},
		{"counter of 2200", with("1801180800000", "7258118400000"), "counter"},
		{"nobody", with(`["tinh-bien-01"]`, `[]`), "audience"},
		{"too many", with(`["tinh-bien-01"]`, "["+strings.Join(many, ",")+"]"), "audience"},
		{"fleet and one", with(`["tinh-bien-01"]`, `["*","tinh-bien-01"]`), "device id"},
		{"one twice", with(`["tinh-bien-01"]`, `["tinh-bien-01","tinh-bien-01"]`), "twice"},
		{"wildcard", with(`["tinh-bien-01"]`, `["tinh-bien-+"]`), "device id"},
		{"expires before the making", with(`"2027-01-29T00:10:00Z"`, `"2027-01-28T00:10:00Z"`), "making"},
		{"expires two days later", with(`"2027-01-29T00:10:00Z"`, `"2027-01-31T00:10:00Z"`), "making"},
		{"no end", with(`"expires":"2027-01-29T00:10:00Z",`, ``), "making"},
		{"kind unknown", kind("format-disk", `{}`), "none that a display knows"},
		{"kind missing", with(`"kind":"power",`, ``), "none that a display knows"},
		{"args missing", kind("power", ""), "args"},
		{"args null", kind("reboot", "null"), "args"},
		{"args of another kind", kind("identify", `{"force":true}`), "unknown field"},
		{"args unasked", kind("screenshot", `{}`), "takes no args"},
		{"args twice", with(`"reason":"x"`, `"reason":"x","reason":"y"`), "twice"},
		{"on without end", with(`"off","until":"2027-01-29T10:00:00Z"`, `"on","until":null`), "needs an end"},
		{"schedule with an end", with(`"off"`, `"schedule"`), "takes no end"},
		{"power for 32 days", with("2027-01-29T10", "2027-03-02T10"), "31 days"},
		{"power until before", with("2027-01-29T10", "2027-01-27T10"), "31 days"},
		{"state unknown", with(`"off"`, `"dim"`), "none of"},
		{"reason with an escape", with(`"x"`, `"\u001b[2J"`), "control"},
		{"identify for ever", kind("identify", `{"seconds":301}`), "seconds"},
		{"identify for no time", kind("identify", `{"seconds":0}`), "seconds"},
		{"digest cut", kind("playlist", `{"digest":"0a"}`), "digest"},
		{"unknown field", with(`"kind"`, `"force":true,"kind"`), "unknown field"},
		{"too long", command + strings.Repeat(" ", wire.MaxCommand), "more than"},
		{"a power order", order, "unknown field"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := wire.ParseCommand([]byte(test.payload))
			checkRefusal(t, got != nil, err, test.err)
		})
	}
}

// One authority signs several kinds of payload, so none may be taken for another.
func TestSignedPayloadsAreNotMistakenForEachOther(t *testing.T) {
	if _, err := wire.ParsePowerOrder([]byte(command)); err == nil {
		t.Error("a command is taken for a power order")
	}
	if _, err := trust.DecodeDocument([]byte(command)); err == nil {
		t.Error("a command is taken for a trust document")
	}
}

func TestDarknessForManyOrWithoutEndNeedsTheTrustRole(t *testing.T) {
	one, two, all := `["tinh-bien-01"]`, `["tinh-bien-01","tinh-bien-02"]`, `["*"]`
	end := `"2027-01-29T10:00:00Z"`
	tests := []struct {
		audience, state, until string
		want                   trust.Role
	}{
		{one, "off", end, trust.RolePower},
		{one, "blackout", end, trust.RolePower},
		{one, "off", "null", trust.RoleTrust},
		{one, "blackout", "null", trust.RoleTrust},
		{two, "off", end, trust.RoleTrust},
		{all, "blackout", end, trust.RoleTrust},
		{all, "on", end, trust.RolePower},
		{two, "safe", end, trust.RolePower},
		{all, "schedule", "null", trust.RolePower},
	}
	for _, test := range tests {
		payload := strings.NewReplacer(one, test.audience, `"off"`, `"`+test.state+`"`, end, test.until).Replace(command)
		c, err := wire.ParseCommand([]byte(payload))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Role(); got != test.want {
			t.Errorf("%s for %s until %s needs %s, want %s", test.state, test.audience, test.until, got, test.want)
		}
	}
	for force, want := range map[bool]trust.Role{false: trust.RolePower, true: trust.RoleTrust} {
		c := wire.Command{Audience: []string{wire.Everyone}, Kind: wire.DoReboot, Args: fmt.Appendf(nil, `{"force":%t}`, force)}
		if got := c.Role(); got != want {
			t.Errorf("reboot of the fleet, force %t, needs %s, want %s", force, got, want)
		}
	}
}

func TestCommandAckIsTakenOnlyWhenExactlyRight(t *testing.T) {
	ack := `{"id":"5f0c1e77a2b94d3c","digest":"` + strings.Repeat("0a", 32) + `","status":"DONE","at":"2027-01-29T00:00:08Z"}`
	with := func(old, new string) string { return strings.Replace(ack, old, new, 1) }
	tests := []struct {
		name, message, err string
	}{
		{"done", ack, ""},
		{"no id", with("5f0c1e77a2b94d3c", ""), ""},
		{"duplicate", with(`"DONE"`, `"DUPLICATE","first":"FAILED"`), ""},
		{"duplicate of what is going on", with(`"DONE"`, `"DUPLICATE","first":"RECEIVED"`), ""},
		{"duplicate of nothing", with(`"DONE"`, `"DUPLICATE"`), "duplicate"},
		{"duplicate of a duplicate", with(`"DONE"`, `"DUPLICATE","first":"DUPLICATE"`), "duplicate"},
		{"first beside a status", with(`"DONE"`, `"DONE","first":"DONE"`), "status"},
		{"status unknown", with(`"DONE"`, `"OK"`), "status"},
		{"digest", with("0a0a", "0A0a"), "digest"},
		{"evidence no object", with(`"at"`, `"evidence":"on","at"`), "evidence"},
		{"evidence too long", with(`"at"`, `"evidence":{"a":"`+strings.Repeat("x", wire.MaxEvidence)+`"},"at"`), "evidence"},
		{"reason with an escape", with(`"at"`, `"reason":"\u001b[2J","at"`), "control"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := wire.ParseCommandAck([]byte(test.message))
			checkRefusal(t, got != nil, err, test.err)
		})
	}
}

func TestTimeMessages(t *testing.T) {
	nonce := strings.Repeat("0a", 16)
	_, err := wire.ParseTimeRequest([]byte(`{"nonce":"` + nonce[1:] + `"}`))
	checkRefusal(t, false, err, "nonce")
	tests := []struct {
		name, payload, err string
	}{
		{"right", `{"device":"abc","nonce":"` + nonce + `","time":"2027-01-29T00:00:05Z"}`, ""},
		{"1970", `{"device":"abc","nonce":"` + nonce + `","time":"1970-01-29T00:00:05Z"}`, "century"},
		{"2100", `{"device":"abc","nonce":"` + nonce + `","time":"2100-01-29T00:00:05Z"}`, "century"},
		{"no time", `{"device":"abc","nonce":"` + nonce + `"}`, "century"},
		{"nonce", `{"device":"abc","nonce":"","time":"2027-01-29T00:00:05Z"}`, "nonce"},
		{"device", `{"device":"+","nonce":"` + nonce + `","time":"2027-01-29T00:00:05Z"}`, "device id"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := wire.ParseTimeReply([]byte(test.payload))
			checkRefusal(t, got != nil, err, test.err)
		})
	}
}
