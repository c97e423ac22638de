package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/trust"
)

// codeUnusable is the alarm for a trust.json that the display does not go by.
const codeUnusable = "trust-unusable"

// forked is the reason for a document of the present version that says something else: two were signed.
const forked trust.Reason = "forked"

// refusalEvery bounds the records of refused documents, for each reason; each document is counted besides.
const refusalEvery = time.Minute

// A keyring holds the trust document that stands, and replaces it by one that may follow, wherever that came from. One
// goroutine may take at a time; whoever verifies sees the old document or the new.
type keyring struct {
	standing *trust.Standing
	journal  *sqlite.Journal
	stamp    func() journal.Stamp
	log      *slog.Logger
	lacking  *lacking
	path     string // of the file with the present document

	mu        sync.Mutex
	digest    string                            // of the document that stands; empty when there is none
	told      map[trust.Reason]time.Duration    // on the stamp's Mono: when the next such refusal is recorded
	refused   func(reason, source string)       // nil before the display runs
	early     []refusedAt                       // what was refused before; at most the one file of the start
	after     []func(ctx context.Context) error // what a replaced document may have made worthless
	unsettled bool                              // after has not been done for the present document
}

// A refusedAt is a refusal that is yet to be counted.
type refusedAt struct{ reason, source string }

// settle names who counts refusals and what is to be done after a document was replaced. Call it before anybody but
// the start brings documents.
func (k *keyring) settle(refused func(reason, source string), after ...func(context.Context) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.refused, k.after = refused, after
	for _, e := range k.early {
		refused(e.reason, e.source)
	}
	k.early = nil
}

// holds reports whether the keys that signed an order of the department as this role, empty for power, are still
// enough for it. One of them that holds another role too makes up for nothing.
func (k *keyring) holds(role string, keys []string) bool {
	return k.standing.Document().Reaches(cmp.Or(trust.Role(role), trust.RolePower), keys)
}

// version is that of the document that stands.
func (k *keyring) version() uint64 { return k.standing.Document().Version }

// take decides on a trust document that came from source. It returns nil once the document stands, on disk as in
// memory, and for the one that stands already; a *trust.Refusal, recorded and counted, for one that may not follow;
// and any other error when it could not be kept, or its consequences not be recorded: the same may be brought again.
func (k *keyring) take(ctx context.Context, raw []byte, source string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	doc, err := k.judge(raw)
	if no, ok := errors.AsType[*trust.Refusal](err); ok {
		return k.refuse(ctx, raw, source, no)
	}
	if err != nil {
		return err
	}
	if doc != nil {
		if err := k.accept(ctx, raw, doc, source); err != nil {
			return err
		}
	}
	return k.follow(ctx)
}

// judge returns the document that is to stand, or nil when raw is the one that stands.
func (k *keyring) judge(raw []byte) (*trust.Document, error) {
	doc, err := trust.ParseDocument(raw)
	if err != nil {
		return nil, err
	}
	if digestOf(raw) == k.digest {
		return nil, nil
	}
	present := k.standing.Document()
	next, err := present.Next(raw)
	if no, ok := errors.AsType[*trust.Refusal](err); ok && no.Reason == trust.Stale && doc.Version == present.Version {
		return nil, &trust.Refusal{Reason: forked, Detail: fmt.Sprintf("another trust document of version %d stands", doc.Version)}
	}
	return next, err
}

// accept makes doc the document that stands. The file is written first: where the power is cut before the journal has
// it, the next start finds a file that may follow. The file serves a display whose journal is lost, so what hinders
// its writing hinders nothing else.
func (k *keyring) accept(ctx context.Context, raw []byte, doc *trust.Document, source string) error {
	signed, err := k.standing.Document().Verify(raw, trust.TypeTrust)
	if err != nil {
		return err
	}
	if source != sourceDevice {
		if err := writeDurably(k.path, raw); err != nil {
			k.log.Error("cannot write the trust document to its file", "err", err)
		}
	}
	err = k.journal.Commit(ctx, journal.Write{
		Label:    "trust.accept",
		Settings: map[string][]byte{settingTrust: raw},
		Raise:    map[string]uint64{counterTrust: doc.Version},
		Entries: []journal.Entry{{Stamp: k.stamp(), Kind: journal.KindOrder, Body: journal.Order{
			Source: source, Version: doc.Version, Digest: signed.Digest, People: strings.Join(signed.People, ", "), Accepted: true,
			Reason: fmt.Sprintf("trust document with %d keys", len(doc.Keys)),
		}}},
	})
	if err != nil {
		return err
	}
	k.standing.Replace(doc)
	k.digest, k.unsettled = signed.Digest, true
	k.lacking.clear(codeUnusable)
	k.log.Info("trust document replaced", "version", doc.Version, "source", source)
	return nil
}

// follow does what is to be done after the present document came, until it has been.
func (k *keyring) follow(ctx context.Context) error {
	if !k.unsettled {
		return nil
	}
	var errs []error
	for _, do := range k.after {
		errs = append(errs, do(ctx))
	}
	err := errors.Join(errs...)
	k.unsettled = err != nil
	return err
}

// refuse counts a refusal, keeps a record of one for each reason and minute, and returns it. Any other error is the journal's.
func (k *keyring) refuse(ctx context.Context, raw []byte, source string, no *trust.Refusal) error {
	at := k.stamp()
	if at.Mono >= k.told[no.Reason] {
		err := k.journal.Commit(ctx, journal.Write{Label: "trust.refuse", Entries: []journal.Entry{{
			Stamp: at, Kind: journal.KindOrder, Body: journal.Order{
				Source: source, Digest: digestOf(raw), Reason: string(no.Reason), Evidence: oneLine(no.Detail),
			},
		}}})
		if err != nil {
			return err
		}
		k.told[no.Reason] = at.Mono + refusalEvery
		k.log.Warn("trust document refused", "source", source, "reason", no.Reason, "detail", no.Detail)
	}
	k.log.Debug("message refused", "topic", source, "err", no)
	if k.refused == nil {
		k.early = append(k.early, refusedAt{string(no.Reason), source})
	} else {
		k.refused(string(no.Reason), source)
	}
	return no
}

// oneLine cuts a detail to what a record may hold.
func oneLine(s string) string { return strings.ToValidUTF8(s[:min(len(s), 500)], "") }
