package control

import (
	"fmt"
	"time"

	"bangtin/internal/journal"
)

// What signed time is worth.
const (
	// longestTrip is how long the question for the time may take. The answer is worth the middle of it, half of it
	// more or less: 10 s leave 5 s, which a satellite link never needs.
	longestTrip = 10 * time.Second
	// signedFor is how long a signed time is believed as such, and drift how far the monotonic clock may go wrong
	// meanwhile: crystals are good for 100 ppm between -20 and +70 °C, which is 9 s in 24 h.
	signedFor = 24 * time.Hour
	drift     = 10_000 // one second in so many
	// disagree is how far a synchronised clock may lie from the signed time and still be followed, because it is
	// the finer of the two. Anybody on a hostile link can pretend to be an NTP server; this is all he can win.
	disagree = time.Minute
	// shelf is how far above the floor a signed time may lie. A spare controller with a dead battery may come off the
	// shelf after years, and then the signed time is all there is to lift it; 2099 is refused whoever signed it.
	shelf = 10 * 365 * 24 * time.Hour
)

// A proof is a signed time with what it is worth.
type proof struct {
	anchor
	half  time.Duration // the time lies within so much of the anchor
	since time.Duration // monotonic time of the first of those in a row that agree with each other
}

// fresh reports whether there is a signed time that is still believed as such.
func (p proof) fresh(mono time.Duration) bool { return !p.wall.IsZero() && mono-p.mono <= signedFor }

// allows reports whether wall may be right for all the proof says.
func (p proof) allows(wall time.Time, mono time.Duration) bool {
	return p.wall.IsZero() || wall.Sub(p.at(mono)).Abs() <= disagree+p.half+(mono-p.mono)/drift
}

func (p proof) against(wall time.Time, mono time.Duration) string {
	return fmt.Sprintf("the synchronised clock is %s from the signed time, which is believed", wall.Sub(p.at(mono)).Round(time.Second))
}

// Confirm takes the time that the centre signed in answer to a question asked and answered at these moments of Mono.
// It returns a *Refusal and changes nothing where that is not to be believed.
//
// Signed time wins over NTP: it is authenticated and NTP is not. Where both agree the synchronised clock is followed on,
// because it is finer; where they do not, signed time is believed and Disagrees says so. It is Signed for signedFor;
// after that time goes on from it, as Floored or, where the synchronised clock agrees, Synchronised.
func (c *Clock) Confirm(t time.Time, asked, answered time.Duration) error {
	synced, wall, mono := c.read()
	half := (answered - asked) / 2
	p := proof{anchor: anchor{t.UTC().Round(0), asked + half}, half: half}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case half < 0 || answered > mono || mono-asked > longestTrip:
		return &Refusal{Reason: "too-slow", Detail: fmt.Sprintf("the signed time took %s", mono-asked)}
	case p.wall.Before(c.proved):
		return &Refusal{Reason: "below-floor", Detail: "the signed time " + p.wall.Format(time.RFC3339) + " is below the floor"}
	case p.wall.After(c.proved.Add(shelf)):
		return &Refusal{Reason: "implausible", Detail: "the signed time " + p.wall.Format(time.RFC3339) + " is years above the floor"}
	}
	if p.wall.Before(c.floor) { // a synchronised clock that lied has made it
		c.floor, c.resume = c.proved, p.anchor
	}
	p.since = p.mono
	if !c.proof.wall.IsZero() && c.proof.allows(p.wall, p.mono) {
		p.since = c.proof.since
	}
	known := c.grade != journal.Untrusted && c.line.at(p.mono).Sub(p.wall).Abs() <= half
	c.proof, c.vouched, c.doubted, c.grade = p, true, false, journal.Floored
	if agrees := synced && !wall.Before(c.floor) && p.allows(wall, mono); !agrees && !known {
		c.line = p.anchor // else no reason for a step
	}
	return nil
}
