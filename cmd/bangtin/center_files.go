package main

import (
	"fmt"
	"strings"

	"bangtin/internal/pki"
	"bangtin/internal/wire"
)

// A centrePlan is what init was asked for.
type centrePlan struct {
	dir                           string // absolute
	hosts                         []string
	displays, department, https   int // ports
	brokerUser, centreUser, group string
}

// packetLimit of the broker in bytes: the largest signed message with its topic and header.
const packetLimit = wire.MaxOrder + 4<<10

// brokerConf is the whole configuration of Mosquitto. Paths are quoted by nothing there: they end with the line.
func (c *centrePlan) brokerConf() string {
	return fmt.Sprintf(`# Written by bangtin center init. Mosquitto 2.0; one listener for displays, one for the department.
per_listener_settings true
# Where it is started as root it becomes this user; under systemd it is this user from the beginning.
user %[5]s

# Sessions and retained orders outlive a restart. What a power cut takes, displays and centre send again.
persistence true
persistence_location %[1]s/broker/data
autosave_interval 60
# Only the centre keeps a session; displays begin anew each time.
persistent_client_expiration 14d

# The largest signed message with its topic and header: whoever sends more is cut off before it is read.
max_packet_size %[2]d
# The centre commits in batches and acknowledges afterwards: with the default of 20 a fleet would wait for its disk.
max_inflight_messages 1000
# While the centre restarts. Records that do not fit stay in the displays' outboxes and come again. When it joins, all
# that is retained must fit: it repairs what it does not hear. That is five messages for each of 10,000 displays.
max_queued_messages 60000
max_queued_bytes 536870912
max_keepalive 600
# Else a small message waits up to 40 ms for the other end's delayed acknowledgement of the one before.
set_tcp_nodelay true

log_dest stderr
log_timestamp false
log_type error
log_type warning
log_type notice
log_type information

listener %[3]d
cafile %[1]s/pki/ca.pem
certfile %[1]s/pki/server.pem
keyfile %[1]s/pki/server.key
crlfile %[1]s/pki/crl.pem
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
use_username_as_clientid true
allow_anonymous false
acl_file %[1]s/broker/acl-displays

listener %[4]d
cafile %[1]s/pki/department.pem
certfile %[1]s/pki/server.pem
keyfile %[1]s/pki/server.key
crlfile %[1]s/pki/crl.pem
tls_version tlsv1.3
require_certificate true
use_identity_as_username true
# Whoever could choose an identity could take that of the centre, or of a display at the other listener, and throw it out.
use_username_as_clientid true
allow_anonymous false
acl_file %[1]s/broker/acl-department
`, c.dir, packetLimit, c.displays, c.department, c.brokerUser)
}

// aclDisplays keeps each display on its own level: %u is the name in its certificate.
const aclDisplays = `# Written by bangtin center init: what a display may, on its own level alone.
pattern write bt/v1/d/%u/conn
pattern write bt/v1/d/%u/state
pattern write bt/v1/d/%u/evt
pattern write bt/v1/d/%u/cmd/ack
pattern write bt/v1/d/%u/time/req
pattern read bt/v1/d/%u/evt/ack
pattern read bt/v1/d/%u/desired/+
pattern read bt/v1/d/%u/cmd/req
pattern read bt/v1/d/%u/time/resp
`

// aclDepartment names each operator: Mosquitto has no line for everybody on a listener.
func aclDepartment(operators []string) string {
	var s strings.Builder
	s.WriteString("# Written by bangtin center: what the centre and each operator may.\n")
	grant := func(user string, rights ...string) {
		fmt.Fprintf(&s, "\nuser %s\n", user)
		for _, r := range rights {
			access, topic, _ := strings.Cut(r, " ")
			fmt.Fprintf(&s, "topic %s bt/v1/d/+/%s\n", access, topic)
		}
	}
	grant(pki.CentreName, "read conn", "read state", "read evt", "read cmd/ack", "read time/req", "readwrite desired/+", "readwrite cmd/req",
		"write evt/ack", "write time/resp")
	for _, o := range operators {
		if strings.HasSuffix(o, watchSuffix) {
			grant(o, "read conn", "read state", "read desired/+")
			continue
		}
		grant(o, "read conn", "read state", "read cmd/ack", "readwrite desired/+", "write cmd/req")
	}
	return s.String()
}

func (c *centrePlan) centreToml() string {
	return fmt.Sprintf(`# Written by bangtin center init for bangtin-center.
listen = ":%d"
metrics = "127.0.0.1:9464"
broker = "tls://%s"
windows = ["07:00-11:00", "14:00-18:00"]
timezone = "Asia/Ho_Chi_Minh"
`, c.https, joinHostPort(c.hosts[0], c.department))
}
