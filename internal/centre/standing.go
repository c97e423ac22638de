package centre

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"bangtin/internal/centre/store"
	"bangtin/internal/trust"
	"bangtin/internal/wire"
)

// marker is a topic of the centre's own among the orders. A message there, which the broker hands back behind
// everything that it keeps, tells that all of that has come.
const marker = "bt/v1/d/centre/desired/marker"

const (
	repeatEvery = time.Second

	// unheard is how long a marker or a repeated order may be on its way before it is sent again.
	unheard = time.Minute

	// Of orders that are repeated at one look; the others have their turn at the next one.
	maxRepeat      = 64
	maxRepeatBytes = 2 << 20
)

// copied is what the broker keeps on a topic, as far as it was heard since the centre joined it.
type copied struct {
	digest string // of the message; empty when it was removed
	judged bool
	leave  bool // it may be newer than what is kept here, which the centre cannot tell
}

// standing holds what is known of standing orders, by topic: the newest one that the department signed, and the copy of
// the broker. Its methods may be called by any goroutine.
//
// A broker that crashed has forgotten orders that it had acknowledged, or brings older ones back. So what it does not
// have, or has in an older version, is published again. The centre only repeats: the signatures are the department's.
type standing struct {
	mu     sync.Mutex
	kept   map[string]store.Order // without the envelopes
	copies map[string]copied
	asked  map[string]time.Duration // when an order was repeated last
	online bool
	nonce  string // of the marker on its way; empty once it came
	sent   time.Duration
}

func newStanding() *standing {
	return &standing{kept: map[string]store.Order{}, copies: map[string]copied{}, asked: map[string]time.Duration{}}
}

func topicOf(o store.Order) string { return "bt/v1/d/" + o.Device + "/desired/" + o.Subject }

func (s *standing) keep(o store.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Raw = nil
	s.kept[topicOf(o)] = o
}

// forget makes any order that is heard from now on the newest.
func (s *standing) forget(o store.Order) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept[topicOf(o)].Digest == o.Digest {
		delete(s.kept, topicOf(o))
	}
}

// joined forgets what another connection brought.
func (s *standing) joined(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.online, s.nonce, s.sent = yes, rand.Text(), -unheard
	clear(s.copies)
	clear(s.asked)
}

func (s *standing) marked(nonce string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if nonce == s.nonce {
		s.nonce = ""
	}
}

// heard notes the copy on a topic and reports whether it is what stands, so that there is nothing to judge.
func (s *standing) heard(topic string, message []byte) bool {
	digest := ""
	if len(message) > 0 {
		sum := sha256.Sum256(message)
		digest = hex.EncodeToString(sum[:])
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.kept[topic].Digest == digest
	if s.copies[topic].digest != digest {
		delete(s.asked, topic)
	}
	s.copies[topic] = copied{digest: digest, judged: known || digest == ""}
	return known
}

// judge decides what a message on a topic is beside the one that is kept. o is nil when it is nothing that the
// department signed for that display; claims is the version that it gives itself then. It returns whether o stands now.
func (s *standing) judge(topic, digest string, o *store.Order, claims uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old, ok := s.kept[topic]
	c := s.copies[topic]
	defer func() {
		if c.digest == digest { // else another one came meanwhile
			c.judged = true
			s.copies[topic] = c
		}
	}()
	if o == nil {
		c.leave = claims > old.Version
		return false
	}
	if ok && (o.Version < old.Version || o.Version == old.Version && o.Signatures <= old.Signatures) {
		return false
	}
	bare := *o
	bare.Raw = nil
	s.kept[topic] = bare
	return true
}

// due lists what the broker has lost or gone back on.
func (s *standing) due(now time.Duration) []store.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.online || s.nonce != "" {
		return nil
	}
	var due []store.Order
	for topic, o := range s.kept {
		c, is := s.copies[topic]
		at, asked := s.asked[topic]
		switch {
		case c.digest == o.Digest, is && !c.judged, c.leave, asked && now-at < unheard:
			continue
		case len(due) >= maxRepeat:
			return due
		}
		due = append(due, o)
	}
	return due
}

func (s *standing) repeated(topic string, now time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[topic] = now
}

// mark returns the marker that is to be sent, or nothing.
func (s *standing) mark(now time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.online || s.nonce == "" || now-s.sent < unheard {
		return ""
	}
	s.sent = now
	return s.nonce
}

// repeat publishes again what the broker lost, until ctx ends.
func (c *Centre) repeat(ctx context.Context) error {
	tick := time.NewTicker(repeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		now := c.cfg.Mono()
		if nonce := c.standing.mark(now); nonce != "" {
			c.cfg.Send(marker, []byte(nonce))
		}
		if err := c.repair(ctx, now); err != nil && ctx.Err() == nil {
			c.cfg.Log.Error("cannot repeat a standing order", "err", err)
		}
	}
}

func (c *Centre) repair(ctx context.Context, now time.Duration) error {
	document, bytes := c.cfg.Trust(), 0
	if document == nil {
		return nil
	}
	for _, o := range c.standing.due(now) {
		if bytes > maxRepeatBytes {
			return nil
		}
		raw, err := c.cfg.Store.Envelope(ctx, o.Digest)
		if err != nil {
			return err
		}
		if raw == nil {
			continue // on its way to the disk
		}
		bytes += len(raw)
		topic := topicOf(o)
		c.standing.repeated(topic, now)
		if _, _, reason := ReadOrder(document, topic, raw); reason != "" {
			c.standing.forget(o) // signed by somebody who may no longer
			continue
		}
		c.cfg.Metrics.repeated.Inc()
		c.cfg.Log.Info("standing order repeated: the broker had lost it", "display", o.Device, "subject", o.Subject, "version", o.Version)
		c.cfg.Retain(topic, raw)
	}
	return nil
}

// order judges a message on one of a display's desired topics. It returns what is to be written, if it is new.
func (c *Centre) order(j job) (*store.Change, Refusal) {
	sum := sha256.Sum256(j.payload)
	digest := hex.EncodeToString(sum[:])
	document := c.cfg.Trust()
	if document == nil {
		c.standing.judge(j.topic, digest, nil, maxClaim)
		return nil, BadSignature
	}
	o, claims, reason := ReadOrder(document, j.topic, j.payload)
	if reason != "" {
		c.standing.judge(j.topic, digest, nil, claims)
		return nil, reason
	}
	if c.standing.judge(j.topic, digest, o, claims) {
		return &store.Change{Order: o}, ""
	}
	return nil, ""
}

// maxClaim is above every version that an order may have.
const maxClaim = 1<<53 + 1

// ReadOrder verifies a message on a display's desired topic: the signatures, that it is for that display, and its
// version. Where they are not good by the document, which may be an older one than that of whoever signed, claims is
// the version that it gives itself.
func ReadOrder(document *trust.Document, topic string, raw []byte) (o *store.Order, claims uint64, reason Refusal) {
	device, ok := wire.DeviceOf(topic)
	if !ok {
		return nil, 0, BadTopic
	}
	_, subject, _ := strings.Cut(topic, "/desired/")
	read, t := orderReader(subject)
	if read == nil {
		return nil, 0, BadTopic
	}
	envelope, err := trust.ParseEnvelope(raw)
	if err != nil {
		return nil, 0, BadMessage
	}
	if envelope.Type != t {
		return nil, 0, BadSignature
	}
	signed, verr := document.Verify(raw, t)
	if verr == nil && t == trust.TypeTrust {
		_, verr = trust.ParseDocument(raw) // by its own trust role too
	}
	version, mine, err := read(device, envelope.Payload)
	switch {
	case err != nil || version == 0 || version >= maxClaim:
		return nil, 0, BadMessage
	case !mine:
		return nil, 0, WrongDevice
	case verr != nil:
		return nil, version, BadSignature
	}
	sum := sha256.Sum256(raw)
	return &store.Order{Device: device, Subject: subject, Version: version, Signatures: len(signed.Keys),
		Digest: hex.EncodeToString(sum[:]), Raw: raw}, version, ""
}

// isOrder is whether the centre repeats orders of that subject. With it no display has more than three copies.
func isOrder(subject string) bool {
	read, _ := orderReader(subject)
	return read != nil
}

// A playlist is what the centre needs of one.
type playlist struct {
	Version  uint64   `json:"version"`
	Audience []string `json:"audience"`
}

// orderReader reads the version of a payload and whether it is for the display.
func orderReader(subject string) (func(device string, payload []byte) (uint64, bool, error), trust.Type) {
	switch subject {
	case "power":
		return func(device string, payload []byte) (uint64, bool, error) {
			p, err := wire.ParsePowerOrder(payload)
			if err != nil {
				return 0, false, err
			}
			return p.Version, p.Device == device, nil
		}, trust.TypePower
	case "playlist":
		return func(device string, payload []byte) (uint64, bool, error) {
			var p playlist
			err := json.Unmarshal(payload, &p) // its other fields are the displays' to judge
			every := slices.Equal(p.Audience, []string{wire.Everyone})
			return p.Version, every || slices.Contains(p.Audience, device), err
		}, trust.TypePlaylist
	case "trust":
		return func(_ string, payload []byte) (uint64, bool, error) {
			d, err := trust.DecodeDocument(payload)
			if err != nil {
				return 0, false, err
			}
			return d.Version, true, nil
		}, trust.TypeTrust
	}
	return nil, ""
}
