package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAhead is how far in the future a command may be made before displays refuse it (PROTOCOL.md, too-far), less what
	// two clocks that are right may differ.
	maxAhead = 9 * time.Minute
	// noticeAhead is when a person is told that a key was used by a clock that was fast.
	noticeAhead = time.Minute
)

// What a key signs is counted in milliseconds of UTC and displays want it to rise: after one command from a machine
// whose clock was fast they refuse all that its key signs until that time is past. So the last count lies beside the
// key, in a file of its own, and travels with it. A key that the ssh-agent holds and no file names has none.
func counterFile(key string) (path string, ok bool) {
	return key + ".counter", !strings.HasPrefix(key, agentPrefix)
}

// made is the count for something that the keys are to sign: now, or one more than the highest that lies beside them.
// One that is too far ahead was refused by every display that knew the time, and to go on from it would be too.
func (p *Program) made(keys ...string) (uint64, error) {
	now := p.Now()
	var last uint64
	field := ""
	for _, key := range keys {
		n, err := lastCounter(key)
		if err != nil {
			return 0, err
		}
		if n > last {
			last, field = n, key
		}
	}
	at := time.UnixMilli(int64(last))
	switch ahead := at.Sub(now); {
	case ahead > maxAhead:
		p.tell(say("Attention: key %s has signed with a clock that was far ahead: %s. A display that took that answers replayed until then: set the clocks right, and sign for it with another key.", field, p.moment(at)))
		return nextVersion(now, 0), nil
	case ahead > noticeAhead:
		p.tell(say("Attention: key %s has signed with a clock that was fast. So that displays obey, this is dated %s; look at the clocks.", field, p.moment(at)))
	}
	return nextVersion(now, last), nil
}

// lastCounter reads the count beside a key; 0 where there is none.
func lastCounter(key string) (uint64, error) {
	path, ok := counterFile(key)
	if !ok {
		return 0, nil
	}
	if there, err := exists(path); err != nil || !there {
		return 0, err
	}
	raw, err := readSmall(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 63)
	if err != nil {
		return 0, &problem{field: path, what: say("is damaged"), remedy: say("remove it; look at this machine's clock first"), cause: err}
	}
	return n, nil
}

// remember notes the count beside the key that has signed, where it is the highest. Where it cannot the person is told:
// what was signed is good.
func (p *Program) remember(key string, count uint64) error {
	path, ok := counterFile(key)
	if !ok {
		return nil
	}
	if last, err := lastCounter(key); err != nil || last >= count {
		return err
	}
	if err := replace(path, fmt.Appendf(nil, "%d\n", count)); err != nil {
		p.tell(say("Attention: cannot remember beside key %s when it signed last: %s", key, visible(err.Error())))
	}
	return nil
}

// warnOfLater tells of something that a key has signed after what it has just signed was made.
func (p *Program) warnOfLater(key string, count uint64) error {
	last, err := lastCounter(key)
	if err == nil && last > count {
		p.tell(say("Attention: key %s has signed something later than this. A display that obeyed it refuses this command as replayed.", key))
	}
	return err
}
