package wire_test

import (
	"strings"
	"testing"

	"bangtin/internal/wire"
)

func TestTopicsStayOnTheirOwnLevel(t *testing.T) {
	topics, err := wire.NewTopics("tinh-bien-01")
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		topics.Conn():            "bt/v1/d/tinh-bien-01/conn",
		topics.State():           "bt/v1/d/tinh-bien-01/state",
		topics.Events():          "bt/v1/d/tinh-bien-01/evt",
		topics.EventsAck():       "bt/v1/d/tinh-bien-01/evt/ack",
		topics.DesiredPower():    "bt/v1/d/tinh-bien-01/desired/power",
		topics.DesiredPlaylist(): "bt/v1/d/tinh-bien-01/desired/playlist",
		topics.DesiredTrust():    "bt/v1/d/tinh-bien-01/desired/trust",
		topics.CommandRequest():  "bt/v1/d/tinh-bien-01/cmd/req",
		topics.CommandAck():      "bt/v1/d/tinh-bien-01/cmd/ack",
		topics.TimeRequest():     "bt/v1/d/tinh-bien-01/time/req",
		topics.TimeReply():       "bt/v1/d/tinh-bien-01/time/resp",
	} {
		if got != want {
			t.Errorf("topic %q, want %q", got, want)
		}
		if device, ok := wire.DeviceOf(got); !ok || device != "tinh-bien-01" {
			t.Errorf("DeviceOf(%q) = %q, %v", got, device, ok)
		}
	}
	for _, id := range []string{
		"", "ab", strings.Repeat("a", 41), "ABC", "a+b", "abc/def", "#", "+++", "a b", "abc\n", "%u-x", "tịnh-biên",
	} {
		if _, err := wire.NewTopics(id); err == nil {
			t.Errorf("id %q was taken", id)
		}
	}
	for _, topic := range []string{"", "bt/v1/d/ab/conn", "bt/v1/d/+/conn", "bt/v2/d/abc/conn", "x/bt/v1/d/abc/conn", "bt/v1/d/abc"} {
		if device, ok := wire.DeviceOf(topic); ok {
			t.Errorf("DeviceOf(%q) = %q", topic, device)
		}
	}
}
