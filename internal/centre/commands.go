package centre

import (
	"slices"
	"strings"
	"sync"
	"time"

	"bangtin/internal/centre/store"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// Limits on the commands that have no final status yet.
const (
	maxLive        = 100_000 // pairs of command and display: a command for 5,000 displays is 5,000
	maxLiveDisplay = 64
	maxLiveBytes   = 64 << 20 // of envelopes, each counted once for each display

	// busyPause is how long a display that was busy is left alone. It says so while 16 commands are open.
	busyPause = 30 * time.Second
	maxDue    = 256 // commands sent again at one look; the others have their turn at the next one

	// expiryMargin is for an answer that is on its way when the command expires, and for a display's clock.
	expiryMargin = 2 * time.Minute
)

// live holds the commands that have no final status yet. Its methods may be called by any goroutine.
type live struct {
	mu       sync.Mutex
	commands map[string]map[string]store.Command // by display and digest
	again    map[[2]string]time.Duration         // display and digest of those to be sent again, and when, by Mono
	n, bytes int
}

func newLive() *live {
	return &live{commands: map[string]map[string]store.Command{}, again: map[[2]string]time.Duration{}}
}

// add returns false when there is no room. A command that is here is not added again.
func (l *live) add(c store.Command) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.commands[c.Device]
	if _, ok := of[c.Digest]; ok {
		return true
	}
	if l.n >= maxLive || len(of) >= maxLiveDisplay || l.bytes+len(c.Raw) > maxLiveBytes {
		return false
	}
	if of == nil {
		of = map[string]store.Command{}
		l.commands[c.Device] = of
	}
	of[c.Digest] = c
	l.n, l.bytes = l.n+1, l.bytes+len(c.Raw)
	return true
}

func (l *live) remove(c store.Command) {
	of := l.commands[c.Device]
	delete(of, c.Digest)
	delete(l.again, [2]string{c.Device, c.Digest})
	if len(of) == 0 {
		delete(l.commands, c.Device)
	}
	l.n, l.bytes = l.n-1, l.bytes-len(c.Raw)
}

// settled forgets a command of which everything is said: by the display's record, or by its answer that it did
// nothing, of which it writes no record. Any other answer may be made up by the broker, so the command is sent again.
func (l *live) settled(a store.Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.commands[a.Device][a.Digest]; ok && conclusive(a) {
		l.remove(c)
	}
}

func conclusive(a store.Answer) bool {
	if a.Source == store.ByRecord {
		return a.Status.Final()
	}
	return a.Status == wire.Rejected || a.Status == wire.Expired
}

// busy has the command sent again at the given time.
func (l *live) busy(device, digest string, at time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.commands[device][digest]; ok {
		l.again[[2]string{device, digest}] = at
	}
}

// due lists the commands of displays that were busy a while ago, each once.
func (l *live) due(now time.Duration) []store.Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []store.Command
	for key, at := range l.again {
		if now < at {
			continue
		}
		if len(due) >= maxDue {
			break
		}
		delete(l.again, key)
		due = append(due, l.commands[key[0]][key[1]])
	}
	return due
}

// of lists the commands of a display, oldest first.
func (l *live) of(device string) []store.Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []store.Command
	for _, c := range l.commands[device] {
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b store.Command) int { return int(int64(a.Counter) - int64(b.Counter)) })
	return found
}

// expire forgets the commands whose time is over and says so of each.
func (l *live) expire(now time.Time) []store.Answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	var over []store.Answer
	for _, of := range l.commands {
		for _, c := range of {
			if now.Before(c.Expires.Add(expiryMargin)) {
				continue
			}
			l.remove(c)
			over = append(over, store.Answer{Device: c.Device, Digest: c.Digest, Status: wire.Expired,
				Source: store.ByCentre, Reason: "no final answer came in time", At: now})
		}
	}
	return over
}

func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

// command keeps a command on its way to a display, if the department's signatures are good, so that it can be sent
// again when the display comes back. It becomes live when it is taken, and is answered to the broker when written. One
// that comes too late is kept too, and ends as expired at once.
func (c *Centre) command(j job) Refusal {
	document := c.cfg.Trust()
	if document == nil {
		return BadSignature
	}
	command, reason := readCommand(document, j.device, j.payload)
	if reason != "" {
		return reason
	}
	if !c.live.add(command) {
		return TooManyCommands
	}
	c.put(j, store.Change{Command: &command})
	return ""
}

// readCommand verifies as a display does: the signatures of the envelope's own type, then the role that the content
// needs.
func readCommand(document *trust.Document, device string, raw []byte) (store.Command, Refusal) {
	envelope, err := trust.ParseEnvelope(raw)
	if err != nil {
		return store.Command{}, BadMessage
	}
	role := envelope.Type.Role()
	if role != trust.RolePower && role != trust.RoleTrust {
		return store.Command{}, BadSignature
	}
	signed, err := document.Verify(raw, envelope.Type)
	if err != nil {
		return store.Command{}, BadSignature
	}
	command, err := wire.ParseCommand(signed.Payload)
	if err != nil {
		return store.Command{}, BadMessage
	}
	if need := command.Role(); need == trust.RoleTrust && role != need {
		return store.Command{}, BadSignature
	}
	if !command.For(device) {
		return store.Command{}, WrongDevice
	}
	return store.Command{
		Device: device, Digest: signed.Digest, ID: command.ID, Counter: command.Counter, Kind: string(command.Kind),
		People: strings.Join(signed.People, ", "), Expires: command.Expires, Raw: raw,
	}, ""
}

// sendAgain sends a command that is live, where those who signed it still may.
func (c *Centre) sendAgain(command store.Command) error {
	document := c.cfg.Trust()
	if document == nil || !c.cfg.Wall().Before(command.Expires) {
		return nil
	}
	topics, err := wire.NewTopics(command.Device)
	if err != nil {
		return err
	}
	if _, reason := readCommand(document, command.Device, command.Raw); reason != "" {
		return nil
	}
	c.cfg.Send(topics.CommandRequest(), command.Raw)
	c.cfg.Metrics.resent.Inc()
	return nil
}

// busy is the one reason of a REJECTED that is not final.
const busy = "busy"

// answer notes a display's answer to a command. One that could not be believed has no id and is about nothing here.
func (c *Centre) answer(j job) Refusal {
	ack, err := wire.ParseCommandAck(j.payload)
	if err != nil {
		return BadMessage
	}
	a := store.Answer{Device: j.device, Digest: ack.Digest, Status: ack.Outcome(), Source: store.ByAnswer,
		Reason: ack.Reason, Evidence: string(ack.Evidence), At: c.cfg.Wall()}
	if a.Status == wire.Rejected && a.Reason == busy {
		a.Status = store.Sent
		c.live.busy(a.Device, a.Digest, c.cfg.Mono()+busyPause)
	}
	c.live.settled(a)
	c.put(job{}, store.Change{Answer: &a})
	return ""
}
