package cec

import (
	"errors"
	"fmt"
	"time"

	"bangtin/hal"
)

// An adapter is one opened CEC adapter. Its methods may be used by several goroutines, but next by one only. None
// but next blocks for longer than a driver of the kernel holds its lock. What fails because the adapter is gone
// wraps hal.ErrPortGone.
type adapter interface {
	// addresses reads what the kernel knows now.
	addresses() (addresses, error)

	// claim asks the kernel for a playback device's logical address. It comes later, and comes back by itself
	// whenever the physical address does.
	claim(osdName string) error

	// transmit queues a request. Its result comes out of next, under the sequence returned, which is never 0.
	transmit(request) (sequence uint32, err error)

	// next waits for a message, a result or a change of state.
	next() (received, error)

	// close ends next and frees the adapter. The logical address stays claimed.
	close()
}

// addresses is the place of an adapter on the bus.
type addresses struct {
	physical uint16 // noPhysical without
	logical  uint16 // a mask with a bit for each logical address that was claimed
	ours     bool   // what is, or will be, claimed is one playback device with our name
}

// playback is the logical address to send from: 4, 8 or 11 as a rule.
func (a addresses) playback() (byte, bool) {
	if !a.ours || a.physical == noPhysical {
		return addressUnregistered, false
	}
	for address := range byte(addressUnregistered) {
		if a.logical>>address&1 == 1 {
			return address, true
		}
	}
	return addressUnregistered, false
}

// A request is a message to be sent, and what to wait for.
type request struct {
	message
	reply byte          // the opcode that answers; 0 waits for a feature abort alone
	wait  time.Duration // for the reply; 0 waits for none, at most 1 s (CEC 1.4, section CEC 9.2)
}

// received is one thing that an adapter has to tell: a change of state, the result of a request, or a message.
type received struct {
	message          // of a result: the reply, where there is one
	sequence  uint32 // of the request whose result it is; 0 is none
	sent, got byte   // of a result: tx_status and rx_status
	changed   bool   // an address may have changed
}

// Bits of tx_status and rx_status.
const (
	sentOK          = 0x01
	sentArbitration = 0x02
	sentNACK        = 0x04
	sentLowDrive    = 0x08
	sentError       = 0x10
	sentTimeout     = 0x80

	gotOK      = 0x01
	gotTimeout = 0x02
	gotAbort   = 0x04
)

// final tells whether nothing more will come for the request. The kernel may tell of sending and of the reply apart.
func (r received) final(q request) bool {
	return q.wait == 0 || r.got != 0 || r.sent != 0 && r.sent&sentOK == 0
}

// verdict is what a final result says of the request. An acknowledged broadcast is no proof that anybody is there.
func (r received) verdict(q request) error {
	if r.sent != 0 && r.sent&sentOK == 0 {
		return fmt.Errorf("message %v was not sent: %s: %w", q.message, whyNotSent(r.sent), hal.ErrSilent)
	}
	switch {
	case r.got&gotAbort != 0:
		return fmt.Errorf("message %v is answered with feature abort%s: %w", q.message, abortReason(r.message), hal.ErrRefused)
	case q.wait == 0, q.reply == opFeatureAbort: // the answer that was feared did not come
		return nil
	case r.got&gotOK == 0:
		return fmt.Errorf("message %v is not answered: %w", q.message, hal.ErrSilent)
	}
	return nil
}

// nacked tells whether nobody took the message.
func (r received) nacked() bool { return r.sent&sentNACK != 0 && r.sent&sentOK == 0 }

// disturbed tells a message that was garbled on the way: the next attempt may pass.
func (r received) disturbed() bool {
	return r.sent&(sentArbitration|sentLowDrive|sentError) != 0 && r.sent&sentOK == 0 && !r.nacked()
}

func whyNotSent(status byte) string {
	switch {
	case status&sentNACK != 0:
		return "nobody acknowledges"
	case status&sentArbitration != 0:
		return "arbitration lost"
	case status&(sentLowDrive|sentError) != 0:
		return "the line is disturbed"
	case status&sentTimeout != 0:
		return "the adapter took too long"
	}
	return fmt.Sprintf("status %#x", status)
}

func abortReason(m message) string {
	if !m.is(opFeatureAbort, 2) {
		return ""
	}
	return fmt.Sprintf(", reason %d", m.Body[2])
}

var errClosed = errors.New("panel is closed")
