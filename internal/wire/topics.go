package wire

import (
	"fmt"
	"regexp"
)

// root of every topic; v1 is the version of this contract.
const root = "bt/v1/d/"

// The broker's patterns take the certificate's name as one whole level, so nothing that means something to MQTT or
// to an ACL file ("+", "#", "/", "%", a space) may stand in it.
var deviceID = regexp.MustCompile(`^[a-z0-9-]{3,40}$`)

// CheckDevice says why id cannot name a display. A good one is [a-z0-9-]{3,40} and equals the common name of the
// display's certificate.
func CheckDevice(id string) error {
	if !deviceID.MatchString(id) {
		return fmt.Errorf("cannot use %.60q as a device id: it must be 3 to 40 of a-z, 0-9 and -", id)
	}
	return nil
}

// Topics are the topics of one display. The zero value is useless: call [NewTopics].
type Topics struct {
	prefix string
}

// NewTopics returns the topics of one display, or an error when the id could escape its own level.
func NewTopics(device string) (Topics, error) {
	if err := CheckDevice(device); err != nil {
		return Topics{}, err
	}
	return Topics{prefix: root + device}, nil
}

// Conn carries the birth and the will, from the display, retained.
func (t Topics) Conn() string { return t.prefix + "/conn" }

// State carries the whole reported state, from the display, retained.
func (t Topics) State() string { return t.prefix + "/state" }

// Events carries batches of journal records, from the display.
func (t Topics) Events() string { return t.prefix + "/evt" }

// EventsAck carries the centre's signed acknowledgement of records.
func (t Topics) EventsAck() string { return t.prefix + "/evt/ack" }

// DesiredPower carries the signed power order that holds until replaced, retained.
func (t Topics) DesiredPower() string { return t.prefix + "/desired/power" }

// DesiredPlaylist carries the signed playlist that holds until replaced, retained.
func (t Topics) DesiredPlaylist() string { return t.prefix + "/desired/playlist" }

// DesiredTrust carries the signed trust document that holds until replaced, retained.
func (t Topics) DesiredTrust() string { return t.prefix + "/desired/trust" }

// CommandRequest carries signed commands, never retained.
func (t Topics) CommandRequest() string { return t.prefix + "/cmd/req" }

// CommandAck carries the display's answers to commands.
func (t Topics) CommandAck() string { return t.prefix + "/cmd/ack" }

// TimeRequest carries the display's question for the time.
func (t Topics) TimeRequest() string { return t.prefix + "/time/req" }

// TimeReply carries the centre's signed answer to it.
func (t Topics) TimeReply() string { return t.prefix + "/time/resp" }

// The filters by which the department hears every display.
const (
	AllConn            = root + "+/conn"
	AllState           = root + "+/state"
	AllEvents          = root + "+/evt"
	AllCommandRequests = root + "+/cmd/req"
	AllCommandAcks     = root + "+/cmd/ack"
	AllTimeRequests    = root + "+/time/req"
	AllPlaylists       = root + "+/desired/playlist"
	AllDesired         = root + "+/desired/+"
)

var ofDevice = regexp.MustCompile(`^bt/v1/d/([a-z0-9-]{3,40})/`)

// DeviceOf returns the display a topic belongs to, and false for a topic that is none of this contract's.
func DeviceOf(topic string) (string, bool) {
	m := ofDevice.FindStringSubmatch(topic)
	if m == nil {
		return "", false
	}
	return m[1], true
}
