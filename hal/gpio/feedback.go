package gpio

import (
	"context"
	"fmt"
	"time"
)

// confirm waits until the feedback contact agrees, at most for settle: a reading begun after that which does not agree ends it.
// That it is late alone does not: where the program did not run for settle, nobody has looked at the contact yet. Without
// a contact it believes what was written.
func (r *Relay) confirm(ctx context.Context, newer <-chan struct{}, closed bool) error {
	if r.cfg.Feedback == nil {
		return nil
	}
	began := time.Now()
	pause := time.NewTicker(feedbackPause)
	defer pause.Stop()
	for agree := 0; ; {
		late := time.Since(began) >= settle
		is, err := r.feedback()
		switch {
		case err != nil:
			return err
		case is == closed:
			agree++
		case late:
			return fmt.Errorf("%v did not say so within %v", *r.cfg.Feedback, settle)
		default:
			agree = 0
		}
		if agree == feedbackAgree {
			return nil
		}
		select {
		case <-pause.C:
		case <-newer:
			return errSuperseded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// feedback reads the contact. After a failure its line is opened anew, by the next call.
func (r *Relay) feedback() (closed bool, err error) {
	r.contact.Lock()
	defer r.contact.Unlock()
	if r.over {
		return false, errClosed
	}
	if r.back == nil {
		if r.back, err = r.lines.input(*r.cfg.Feedback, 0); err != nil {
			r.back = nil
			return false, err
		}
	}
	closed, err = r.back.level()
	if err != nil {
		r.back.Close() // the reason is err
		r.back = nil
	}
	return closed, err
}
