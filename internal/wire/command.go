package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"bangtin/internal/trust"
)

// Limits on a command and on its answer.
const (
	MaxCommand  = 16 << 10 // bytes of the signed part: MaxAudience ids and the arguments
	MaxAudience = 200      // displays that one command may name
	MaxEvidence = 4 << 10  // bytes of the evidence in an answer, which is also kept in a record
	MaxAnswer   = 8 << 10  // bytes of an answer

	// MaxCommandSpan is how far after its making a command may expire: it waits for a display that is away, but
	// what was meant for today must not happen next week.
	MaxCommandSpan = 24 * time.Hour

	// MaxIdentify is how long a display may show its gate's name.
	MaxIdentify = 5 * time.Minute
)

// Everyone in an audience, alone, is the whole fleet.
const Everyone = "*"

// A CommandKind says what a command asks for.
type CommandKind string

const (
	DoPower         CommandKind = "power"          // PowerArgs: on, off, blackout, safe or back to the schedule
	DoPlaylist      CommandKind = "playlist"       // PlaylistArgs: show the newest approved playlist now
	DoIdentify      CommandKind = "identify"       // IdentifyArgs: the gate's name on the screen
	DoRestartPlayer CommandKind = "restart-player" // no arguments
	DoReboot        CommandKind = "reboot"         // RebootArgs
	DoScreenshot    CommandKind = "screenshot"     // no arguments; the picture goes to the centre over HTTPS
	DoDiagnostics   CommandKind = "diagnostics"    // no arguments; the report goes to the centre over HTTPS
)

// A Command is the signed payload of cmd/req: something to be done once, soon. Its Counter is the UTC time of its
// making in milliseconds, strictly rising for each key and display; a command that is sent again is the same bytes.
type Command struct {
	ID       string          `json:"id"`  // [a-z0-9-]{8,64}, random
	Counter  uint64          `json:"ctr"` // UTC milliseconds
	Audience []string        `json:"audience"`
	Expires  time.Time       `json:"expires"` // UTC; not taken after it
	Kind     CommandKind     `json:"kind"`
	Args     json.RawMessage `json:"args,omitempty"` // an object, by Kind
}

// PowerArgs of DoPower. Until is required for everything but schedule, and for off where the trust role signs.
type PowerArgs struct {
	State  PowerWish  `json:"state"`
	Until  *time.Time `json:"until"`
	Reason string     `json:"reason"`
}

// PlaylistArgs of DoPlaylist name the playlist that two people approved, by the digest of its signed payload. The
// command chooses nothing: it only says when, and asks for the answer.
type PlaylistArgs struct {
	Digest string `json:"digest"` // SHA-256 in 64 lower-case hex digits
}

// IdentifyArgs of DoIdentify.
type IdentifyArgs struct {
	Seconds int `json:"seconds"` // 1 to 300
}

// RebootArgs of DoReboot.
type RebootArgs struct {
	Force bool `json:"force"` // also while something is owed to the public
}

// ParseCommand reads the signed payload of cmd/req and refuses one that is not exactly right. Whether it is signed
// by the role that [Command.Role] names, meant for this display, new and in time, is for its caller to judge.
func ParseCommand(payload []byte) (*Command, error) {
	c, err := parse[Command](payload, MaxCommand, "command")
	if err != nil {
		return nil, err
	}
	if err := whole(payload, c); err != nil {
		return nil, fmt.Errorf("cannot take command: %w", err)
	}
	c.Expires = c.Expires.UTC()
	return c, nil
}

// CheckCommand says why id or digest cannot be those of a command.
func CheckCommand(id, digest string) error {
	if !commandID.MatchString(id) {
		return fmt.Errorf("id %.70q is not 8 to 64 of a-z, 0-9 and -", id)
	}
	return checkDigest(digest)
}

var commandID = regexp.MustCompile(`^[a-z0-9-]{8,64}$`)

func (c *Command) check() error {
	if !commandID.MatchString(c.ID) {
		return fmt.Errorf("id %.70q is not 8 to 64 of a-z, 0-9 and -", c.ID)
	}
	made := time.UnixMilli(int64(c.Counter)) // maxVersion fits
	if c.Counter > maxVersion || made.Before(earliest) || !made.Before(latest) {
		return fmt.Errorf("counter %d is not a time of this century's work in milliseconds", c.Counter)
	}
	if !c.Expires.After(made) || c.Expires.Sub(made) > MaxCommandSpan {
		return fmt.Errorf("end %s is not within %s after the making", c.Expires.Format(time.RFC3339), MaxCommandSpan)
	}
	if err := c.checkAudience(); err != nil {
		return err
	}
	return c.checkArgs()
}

func (c *Command) checkAudience() error {
	if slices.Equal(c.Audience, []string{Everyone}) {
		return nil
	}
	if len(c.Audience) == 0 || len(c.Audience) > MaxAudience {
		return fmt.Errorf("%d displays in the audience, not 1 to %d", len(c.Audience), MaxAudience)
	}
	for i, device := range c.Audience {
		if err := CheckDevice(device); err != nil {
			return err
		}
		if slices.Contains(c.Audience[:i], device) {
			return fmt.Errorf("display %s stands twice in the audience", device)
		}
	}
	return nil
}

func (c *Command) checkArgs() error {
	switch c.Kind {
	case DoPower:
		a, err := c.Power()
		if err != nil {
			return err
		}
		return a.check(time.UnixMilli(int64(c.Counter)))
	case DoPlaylist:
		a, err := c.Playlist()
		if err != nil {
			return err
		}
		return checkDigest(a.Digest)
	case DoIdentify:
		a, err := c.Identify()
		if err != nil {
			return err
		}
		if a.Seconds < 1 || a.Seconds > int(MaxIdentify/time.Second) {
			return fmt.Errorf("%d seconds, not 1 to %d", a.Seconds, int(MaxIdentify/time.Second))
		}
		return nil
	case DoReboot:
		_, err := c.Reboot()
		return err
	case DoRestartPlayer, DoScreenshot, DoDiagnostics:
		if c.Args != nil {
			return fmt.Errorf("%s takes no args", c.Kind)
		}
		return nil
	}
	return fmt.Errorf("kind %.20q is none that a display knows", c.Kind)
}

func (a *PowerArgs) check(made time.Time) error {
	if err := checkText("reason", a.Reason, maxReason); err != nil {
		return err
	}
	switch a.State {
	case WishSchedule:
		if a.Until != nil {
			return errors.New("schedule takes no end")
		}
		return nil
	case WishOff, WishBlackout:
		if a.Until == nil {
			return nil // open-ended: Role asks for more
		}
	case WishOn, WishSafe:
		if a.Until == nil {
			return fmt.Errorf("state %q needs an end", a.State)
		}
	default:
		return fmt.Errorf("state %.20q is none of schedule, on, off, blackout and safe", a.State)
	}
	if !a.Until.After(made) || a.Until.Sub(made) > MaxPowerSpan {
		return fmt.Errorf("end %s is not within %d days after the making", a.Until.Format(time.RFC3339), MaxPowerSpan/(24*time.Hour))
	}
	return nil
}

// Power reads the arguments of DoPower.
func (c *Command) Power() (*PowerArgs, error) { return args[PowerArgs](c, DoPower) }

// Playlist reads the arguments of DoPlaylist.
func (c *Command) Playlist() (*PlaylistArgs, error) { return args[PlaylistArgs](c, DoPlaylist) }

// Identify reads the arguments of DoIdentify.
func (c *Command) Identify() (*IdentifyArgs, error) { return args[IdentifyArgs](c, DoIdentify) }

// Reboot reads the arguments of DoReboot.
func (c *Command) Reboot() (*RebootArgs, error) { return args[RebootArgs](c, DoReboot) }

func args[T any](c *Command, kind CommandKind) (*T, error) {
	if c.Kind != kind {
		return nil, fmt.Errorf("cannot read the args of %s as those of %s", c.Kind, kind)
	}
	a := new(T)
	if err := trust.DecodeJSON(c.Args, a); err != nil {
		return nil, fmt.Errorf("args of %s: %w", kind, err)
	}
	if err := whole(c.Args, a); err != nil {
		return nil, fmt.Errorf("args of %s: %w", kind, err)
	}
	return a, nil
}

// Role is the authority that a command needs. Darkness for more than one display, or without an end, is for those
// who hold the trust role; so is to restart displays that are on air, all at once.
func (c *Command) Role() trust.Role {
	single := len(c.Audience) == 1 && c.Audience[0] != Everyone
	switch c.Kind {
	case DoPower:
		a, err := c.Power()
		if err != nil {
			return trust.RoleTrust
		}
		if dark := a.State == WishOff || a.State == WishBlackout; dark && (!single || a.Until == nil) {
			return trust.RoleTrust
		}
	case DoReboot:
		if a, err := c.Reboot(); err != nil || a.Force && !single {
			return trust.RoleTrust
		}
	}
	return trust.RolePower
}

// For reports whether the command is meant for the display.
func (c *Command) For(device string) bool {
	return slices.Equal(c.Audience, []string{Everyone}) || slices.Contains(c.Audience, device)
}

// A CommandStatus is what became of a command.
type CommandStatus string

const (
	Received    CommandStatus = "RECEIVED"    // accepted and on disk; it will be done or reported as interrupted
	Rejected    CommandStatus = "REJECTED"    // not obeyed, nothing changed; Reason says why
	Expired     CommandStatus = "EXPIRED"     // came after its end; nothing changed
	Done        CommandStatus = "DONE"        // done and seen to be, by the evidence
	Failed      CommandStatus = "FAILED"      // tried, and not seen to be
	Interrupted CommandStatus = "INTERRUPTED" // the controller stopped in the middle; it is not tried again
	Duplicate   CommandStatus = "DUPLICATE"   // came before; First, Reason and Evidence are those of the first answer
)

// Final reports whether nothing more is to be said of the command; of a refusal see [CommandAck.Final].
func (s CommandStatus) Final() bool {
	switch s {
	case Rejected, Expired, Done, Failed, Interrupted:
		return true
	}
	return false
}

// A CommandAck is a display's answer on cmd/ack. It is a courtesy: proof is the record of the command, which comes
// with the journal.
type CommandAck struct {
	ID       string          `json:"id"`              // of the command; empty where it could not be believed
	Digest   string          `json:"digest"`          // SHA-256 of the signed payload, in hex
	Status   CommandStatus   `json:"status"`          //
	First    CommandStatus   `json:"first,omitempty"` // set exactly when Status is DUPLICATE
	Reason   string          `json:"reason,omitempty"`
	Evidence json.RawMessage `json:"evidence,omitempty"` // an object: what was read back
	At       time.Time       `json:"at"`                 // UTC, by the display's clock
}

// Busy is the reason of a refusal that may pass: the same command may be sent again, and nothing of it was remembered.
const Busy = "busy"

// Final reports whether nothing more is to be expected of the command, by this answer.
func (a *CommandAck) Final() bool {
	return a.Outcome().Final() && (a.Outcome() != Rejected || a.Reason != Busy)
}

// Outcome is the status that holds now: of a duplicate that of the first answer.
func (a *CommandAck) Outcome() CommandStatus {
	if a.Status == Duplicate {
		return a.First
	}
	return a.Status
}

// ParseCommandAck reads an answer.
func ParseCommandAck(message []byte) (*CommandAck, error) {
	return parse[CommandAck](message, MaxAnswer, "answer to a command")
}

func (a *CommandAck) check() error {
	if a.ID != "" && !commandID.MatchString(a.ID) {
		return fmt.Errorf("id %.70q is not 8 to 64 of a-z, 0-9 and -", a.ID)
	}
	if err := checkDigest(a.Digest); err != nil {
		return err
	}
	if err := checkText("reason", a.Reason, maxReason); err != nil {
		return err
	}
	if len(a.Evidence) > MaxEvidence {
		return fmt.Errorf("evidence has %d bytes, more than %d", len(a.Evidence), MaxEvidence)
	}
	if len(a.Evidence) > 0 && a.Evidence[0] != '{' {
		return errors.New("evidence is not an object")
	}
	if a.Status == Duplicate {
		if !a.First.Final() && a.First != Received {
			return fmt.Errorf("a duplicate of the status %.20q", a.First)
		}
		return nil
	}
	if a.First != "" || !a.Status.Final() && a.Status != Received {
		return fmt.Errorf("status %.20q, first %.20q", a.Status, a.First)
	}
	return nil
}
