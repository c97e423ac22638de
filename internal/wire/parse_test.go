package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"bangtin/internal/wire"
)

const order = `{"device":"tinh-bien-01","version":1801180800000,"state":"off","until":"2027-01-29T10:00:00Z","reason":"x"}`

func TestPowerOrderIsTakenOnlyWhenExactlyRight(t *testing.T) {
	with := func(old, new string) string {
		t.Helper()
		if !strings.Contains(order, old) {
			t.Fatalf("%q is not in the order", old)
		}
		return strings.Replace(order, old, new, 1)
	}
	tests := []struct {
		name    string
		payload string
		err     string // part of it; empty means taken
	}{
		{"right", order, ""},
		{"on", with(`"off"`, `"on"`), ""},
		{"blackout", with(`"off"`, `"blackout"`), ""},
		{"safe", with(`"off"`, `"safe"`), ""},
		{"schedule without end", with(`"off","until":"2027-01-29T10:00:00Z"`, `"schedule","until":null`), ""},
		{"small version takes any end", with(`1801180800000`, `1`), ""},
		{"Khmer with its zero-width spaces", with(`"x"`, `"ជួសជុល`+"\u200b"+`អគ្គិសនី"`), ""},
		{"reason of 500 letters", with(`"x"`, `"`+strings.Repeat("ữ", 500)+`"`), ""},
		{"end 31 days after its making", with(`2027-01-29T10`, `2027-02-28T10`), ""},

		{"empty", "", "EOF"},
		{"null", "null", "not a JSON object"},
		{"array", "[" + order + "]", "not a JSON object"},
		{"cut off", order[:40], "EOF"},
		{"two objects", order + order, "follows"},
		{"too long", order + strings.Repeat(" ", wire.MaxPayload), "more than"},
		{"not UTF-8", with(`"x"`, "\"\xff\""), "UTF-8"},
		{"unknown field", with(`"reason"`, `"force":true,"reason"`), "unknown field"},
		{"field twice", with(`"reason"`, `"state":"on","reason"`), "twice"},
		{"field twice in other letters", with(`"reason"`, `"State":"on","reason"`), "unknown field"},
		{"field in other letters", with(`"state"`, `"STATE"`), "unknown field"},
		{"nested without end", strings.Repeat(`{"a":`, 500), "deep"},
		{"device of another shape", with(`tinh-bien-01`, `tinh/+/#`), "device id"},
		{"device missing", with(`"device":"tinh-bien-01",`, ``), "device id"},
		{"version zero", with(`1801180800000`, `0`), "version"},
		{"version missing", with(`"version":1801180800000,`, ``), "version"},
		{"version negative", with(`1801180800000`, `-1`), "cannot unmarshal"},
		{"version with a fraction", with(`1801180800000`, `1.5`), "cannot unmarshal"},
		{"version beyond exact numbers", with(`1801180800000`, `9007199254740993`), "version"},
		{"state unknown", with(`"off"`, `"OFF"`), "none of"},
		{"off without end", with(`"2027-01-29T10:00:00Z"`, `null`), "needs an end"},
		{"end missing", with(`"until":"2027-01-29T10:00:00Z",`, ``), "needs an end"},
		{"schedule with an end", with(`"off"`, `"schedule"`), "takes no end"},
		{"end in 1970", with(`2027-01-29`, `1970-01-01`), "century"},
		{"end in 9999 and no making", with(`1801180800000,"state":"off","until":"2027`, `1,"state":"off","until":"9999`), "century"},
		{"end 32 days after its making", with(`2027-01-29T10`, `2027-03-02T10`), "31 days"},
		{"end no time", with(`2027-01-29T10:00:00Z`, `tomorrow`), "parsing time"},
		{"reason of 501 letters", with(`"x"`, `"`+strings.Repeat("ữ", 501)+`"`), "characters"},
		{"reason with an escape", with(`"x"`, `"\u001b[2J"`), "control"},
		{"reason with a newline", with(`"x"`, `"a\nb"`), "control"},
		{"reason that turns the line", with(`"x"`, `"\u202eabc"`), "control"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := wire.ParsePowerOrder([]byte(test.payload))
			checkRefusal(t, got != nil, err, test.err)
		})
	}
}

func TestRecordsAckIsTakenOnlyWhenExactlyRight(t *testing.T) {
	head := strings.Repeat("0a", 32)
	tests := []struct {
		name, payload, err string
	}{
		{"right", `{"device":"abc","upto_seq":1,"head":"` + head + `"}`, ""},
		{"device", `{"device":"ABC","upto_seq":1,"head":"` + head + `"}`, "device id"},
		{"record zero", `{"device":"abc","upto_seq":0,"head":"` + head + `"}`, "record 0"},
		{"head in upper case", `{"device":"abc","upto_seq":1,"head":"` + strings.ToUpper(head) + `"}`, "head"},
		{"head cut", `{"device":"abc","upto_seq":1,"head":"0a"}`, "head"},
		{"head missing", `{"device":"abc","upto_seq":1}`, "head"},
		{"field twice", `{"device":"abc","upto_seq":1,"upto_seq":9,"head":"` + head + `"}`, "twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := wire.ParseRecordsAck([]byte(test.payload))
			checkRefusal(t, got != nil, err, test.err)
		})
	}
}

func TestBatchFollowsWithoutGap(t *testing.T) {
	many := func(n int) string {
		var records []string
		for i := range n {
			records = append(records, fmt.Sprintf(`{"seq":%d}`, i+1))
		}
		return `{"boot":"b","seq_from":1,"records":[` + strings.Join(records, ",") + `]}`
	}
	tests := []struct {
		name, message, err string
	}{
		{"one", many(1), ""},
		{"as many as may be", many(wire.MaxBatch), ""},
		{"one too many", many(wire.MaxBatch + 1), "not 1 to"},
		{"none", many(0), "not 1 to"},
		{"gap", `{"boot":"b","seq_from":1,"records":[{"seq":1},{"seq":3}]}`, "stands where"},
		{"from elsewhere", `{"boot":"b","seq_from":2,"records":[{"seq":1}]}`, "stands where"},
		{"from nowhere", `{"boot":"b","seq_from":0,"records":[{"seq":0}]}`, "first record"},
		{"no object", `{"boot":"b","seq_from":1,"records":[1]}`, "cannot unmarshal"},
		{"record with a field twice", `{"boot":"b","seq_from":1,"records":[{"seq":1,"seq":1}]}`, "twice"},
		{"too long", many(1) + strings.Repeat(" ", wire.MaxOrder), "more than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := wire.ParseBatch([]byte(test.message))
			checkRefusal(t, got != nil, err, test.err)
		})
	}
}

func TestReportsAreBounded(t *testing.T) {
	conn := func(message string) (bool, error) { c, err := wire.ParseConn([]byte(message)); return c != nil, err }
	state := func(message string) (bool, error) { s, err := wire.ParseState([]byte(message)); return s != nil, err }
	long := strings.Repeat("x", 1001)
	tests := []struct {
		name    string
		parse   func(string) (bool, error)
		message string
		err     string
	}{
		{"conn off", conn, `{"state":"off","session":"s","boot":"b","version":"v"}`, ""},
		{"conn of a word unknown", conn, `{"state":"gone","session":"s","boot":"b","version":"v"}`, "none of"},
		{"conn with a long session", conn, `{"state":"off","session":"` + long[:101] + `","boot":"b","version":"v"}`, "characters"},
		{"conn too long", conn, `{"state":"off"}` + strings.Repeat(" ", wire.MaxConn), "more than"},
		{"state of almost nothing", state, `{"seq":1}`, ""},
		{"state without seq", state, `{}`, "seq"},
		{"state with a long reason", state, `{"seq":1,"want":{"reason":"` + long + `"}}`, "characters"},
		{"state with an alarm that clears the screen", state, `{"seq":1,"alarms":["\u001bc"]}`, "control"},
		{"state with an odd cause", state, `{"seq":1,"airtime":{"lost":[{"cause":"\n","s":1}]}}`, "control"},
		{"state with an odd sensor", state, `{"seq":1,"temperatures":[{"sensor":"\u0007","celsius":1}]}`, "control"},
		{"state with an odd item", state, `{"seq":1,"player":{"item":"\u0000"}}`, "control"},
		{"state with as many sensors as may be", state, sensors(wire.MaxSensors, `"quality":"good"`), ""},
		{"state with one sensor more", state, sensors(wire.MaxSensors+1, `"quality":"good"`), "more than 32"},
		{"state with a sensor of a kind nobody knows", state, sensors(1, `"value":-3e300,"unit":"furlong","quality":"good"`), ""},
		{"state with a sensor without quality", state, sensors(1, `"value":1`), "quality"},
		{"state with a sensor of a quality nobody knows", state, sensors(1, `"quality":"frozen"`), ""},
		{"state with a value of a quality nobody knows", state, sensors(1, `"quality":"frozen","value":1`), "believed"},
		{"state with a value not to be believed", state, sensors(1, `"quality":"unknown","value":1`), "believed"},
		{"state with a sensor without name", state, `{"seq":1,"sensors":[{"kind":"door","quality":"good"}]}`, "sensor"},
		{"state with a sensor without kind", state, `{"seq":1,"sensors":[{"name":"a","quality":"good"}]}`, "sensor"},
		{"state with a sensor's odd name", state, `{"seq":1,"sensors":[{"name":"\u001bc","kind":"door","quality":"good"}]}`, "control"},
		{"state with a sensor's odd unit", state, sensors(1, `"unit":"\u202e","quality":"good"`), "control"},
		{"state with a sensor's long unit", state, sensors(1, `"unit":"`+long[:101]+`","quality":"good"`), "characters"},
		{"state with a sensor's long reason", state, sensors(1, `"quality":"unknown","reason":"`+long+`"`), "characters"},
		{"state with a sensor's value in words", state, sensors(1, `"value":"1","quality":"good"`), "cannot unmarshal"},
		{"state with a sensor's field nobody knows", state, sensors(1, `"quality":"good","mood":1`), "unknown field"},
		{"state with more", state, `{"seq":1,"mood":"good"}`, "unknown field"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			taken, err := test.parse(test.message)
			checkRefusal(t, taken, err, test.err)
		})
	}
}

// sensors is a state of n sensors of a kind that nobody knows, of which rest says more.
func sensors(n int, rest string) string {
	one := `{"name":"a","kind":"barometer",` + rest + `}`
	return `{"seq":1,"sensors":[` + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + `]}`
}

func checkRefusal(t *testing.T, taken bool, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("refused: %v", err)
	case want != "" && err == nil:
		t.Errorf("taken; want an error with %q", want)
	case want != "" && !strings.Contains(err.Error(), want):
		t.Errorf("error %q; want one with %q", err, want)
	case taken != (err == nil):
		t.Errorf("value and error disagree: taken %v, error %v", taken, err)
	}
}
