package wire

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// A TimeRequest asks the centre what time it is, where NTP is blocked.
type TimeRequest struct {
	Nonce string `json:"nonce"` // 32 lower-case hex digits, random, used once
}

// A TimeReply is signed by the time role. It is worth something only to whoever made the nonce, and only for as long
// as the question took.
type TimeReply struct {
	Device string    `json:"device"`
	Nonce  string    `json:"nonce"`
	Time   time.Time `json:"time"` // UTC
}

var nonce = regexp.MustCompile(`^[0-9a-f]{32}$`)

// ParseTimeRequest reads a question for the time.
func ParseTimeRequest(message []byte) (*TimeRequest, error) {
	return parse[TimeRequest](message, MaxConn, "time request")
}

func (r *TimeRequest) check() error { return checkNonce(r.Nonce) }

// ParseTimeReply reads the signed payload of an answer.
func ParseTimeReply(payload []byte) (*TimeReply, error) {
	r, err := parse[TimeReply](payload, MaxPayload, "time reply")
	if err != nil {
		return nil, err
	}
	r.Time = r.Time.UTC()
	return r, nil
}

func (r *TimeReply) check() error {
	if err := CheckDevice(r.Device); err != nil {
		return err
	}
	if r.Time.Before(earliest) || !r.Time.Before(latest) {
		return fmt.Errorf("time %s is not in this century's work", r.Time.Format(time.RFC3339))
	}
	return checkNonce(r.Nonce)
}

func checkNonce(s string) error {
	if !nonce.MatchString(s) {
		return fmt.Errorf("nonce %.40q is not 32 lower-case hex digits", s)
	}
	return nil
}

// checkDigest refuses what is no SHA-256 in hex.
func checkDigest(s string) error {
	if len(s) != 64 || strings.Trim(s, "0123456789abcdef") != "" {
		return fmt.Errorf("digest %.70q is not 64 lower-case hex digits", s)
	}
	return nil
}
