package enrol

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"bangtin/internal/pki"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

const (
	// MaxBody is in bytes, of a request to enrol or renew.
	MaxBody = 8 << 10
	// MaxAnswer is in bytes: a trust document and two certificates.
	MaxAnswer = trust.MaxEnvelope + 64<<10
)

// A request is the body of POST /enrol, and of POST /renew without a code.
type request struct {
	Code string `json:"code,omitempty"`
	CSR  string `json:"csr"`
}

// An Answer is what a display receives. A renewal brings the certificate alone.
type Answer struct {
	Certificate string          `json:"certificate"` // PEM
	CA          string          `json:"ca,omitempty"`
	Trust       json.RawMessage `json:"trust,omitempty"` // the envelope
}

// readRequest reads a body from anybody. wantCode tells the two requests apart.
func readRequest(raw []byte) (request, error) {
	var r request
	if len(raw) > MaxBody {
		return r, fmt.Errorf("cannot read the request: more than %d bytes", MaxBody)
	}
	if err := trust.DecodeJSON(raw, &r); err != nil {
		return r, fmt.Errorf("cannot read the request: %w", err)
	}
	if r.CSR == "" {
		return r, errors.New("cannot read the request: it has no csr")
	}
	return r, nil
}

// ReadAnswer reads what POST /enrol answers, from the network or from a stick.
func ReadAnswer(raw []byte) (*Answer, error) {
	if len(raw) > MaxAnswer {
		return nil, fmt.Errorf("cannot read the answer: more than %d bytes", MaxAnswer)
	}
	a := new(Answer)
	if err := trust.DecodeJSON(raw, a, "payloadType"); err != nil {
		return nil, fmt.Errorf("cannot read the answer: %w", err)
	}
	if a.Certificate == "" {
		return nil, errors.New("cannot read the answer: it has no certificate")
	}
	return a, nil
}

// reserved names are those of the department.
const operatorPrefix = "operator-"

// CheckDevice says why a display cannot have this name: wire.CheckDevice, and the names of the department.
func CheckDevice(id string) error {
	if err := wire.CheckDevice(id); err != nil {
		return err
	}
	if id == pki.CentreName || strings.HasPrefix(id, operatorPrefix) {
		return fmt.Errorf("cannot use %q as a device id: it is a name of the department", id)
	}
	return nil
}

// OperatorName is the common name of an operator.
func OperatorName(name string) (string, error) {
	if err := wire.CheckDevice(operatorPrefix + name); err != nil {
		return "", fmt.Errorf("cannot use %.60q as an operator's name: it must be 1 to 31 of a-z, 0-9 and -", name)
	}
	if name == "" {
		return "", errors.New("cannot use an operator without a name")
	}
	return operatorPrefix + name, nil
}
