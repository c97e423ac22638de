package brokertest

import (
	"time"

	"bangtin/internal/wire"
)

// A Tell decides what the centre says to a question for the time: the messages for time/resp, or none. good is what an
// honest centre would sign.
type Tell func(good wire.TimeReply) ([][]byte, error)

// SetTell changes how questions for the time are answered. Now is an answer.
func (c *Centre) SetTell(t Tell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tell = t
}

// Now signs the time of this machine.
func (c *Centre) Now(good wire.TimeReply) ([][]byte, error) {
	signed, err := c.department.TimeReply(good)
	return [][]byte{signed}, err
}

func (c *Centre) takeQuestion(device string, topics wire.Topics, payload []byte) error {
	request, err := wire.ParseTimeRequest(payload)
	if err != nil {
		return err
	}
	var tell Tell
	c.note(device, func(h *Heard) {
		h.Questions = append(h.Questions, request.Nonce)
		tell = c.tell
	})
	messages, err := tell(wire.TimeReply{Device: device, Nonce: request.Nonce, Time: time.Now().UTC()})
	if err != nil {
		return err
	}
	for _, m := range messages {
		// A broker that was killed meanwhile takes nothing; the display asks again.
		_ = c.Publish(topics.TimeReply(), false, m)
	}
	return nil
}
