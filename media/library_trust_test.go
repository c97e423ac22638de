package media_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/media"
)

// withEditors is the document of people with these keys, all of nguyen.an, as the only editors.
func withEditors(version uint64, keys ...string) *trust.Document {
	d := people()
	d.Version = version
	g := d.Roles[trust.RolePlaylist]
	g.Members = slices.DeleteFunc(g.Members, func(m trust.Member) bool { return m.Duty == trust.DutyEditor })
	for _, name := range keys {
		k := trust.NewKey(signer(name).Public(), "nguyen.an", "nguyen.an")
		if _, known := d.Key(k.ID); !known {
			d.Keys = append(d.Keys, k)
		}
		g.Members = append(g.Members, trust.Member{Key: k.ID, Duty: trust.DutyEditor})
	}
	d.Roles[trust.RolePlaylist] = g
	return d
}

// trusts replaces the document, as the display does.
func (b *bench) trusts(t testing.TB, d *trust.Document) {
	t.Helper()
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	b.trust.Replace(d)
	if err := errors.Join(b.library.Recheck(context.Background()), b.library.Step(context.Background())); err != nil {
		t.Fatal(err)
	}
}

// reopened is the same library after a restart, under the document that stands.
func (b *bench) reopened(t testing.TB) *bench {
	t.Helper()
	again := *b
	var err error
	again.library, err = media.OpenLibrary(context.Background(), media.LibraryOptions{
		Display: display, Trust: b.trust, Journal: b.journal, Store: b.store, Fonts: fonts(t),
		Stamp: b.clock.stamp, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = again.library.Step(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return &again
}

// offer wants the envelope to be taken, or to be the accepted one already.
func (b *bench) offer(t testing.TB, raw []byte) bool {
	t.Helper()
	accepted, err := b.library.Offer(context.Background(), raw, "desired/playlist")
	if err == nil {
		err = b.library.Step(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	return accepted
}

// TestRevokedPlaylistLeavesTheScreen at once and in a library opened anew; its files stay, and the same playlist comes
// back with another signature or with the key.
func TestRevokedPlaylistLeavesTheScreen(t *testing.T) {
	b := newBench(t, t.TempDir())
	l := list(1, picture(1))
	if err := b.air(l, picture(1)); err != nil {
		t.Fatal(err)
	}
	b.trusts(t, withEditors(2, "an3"))
	wantShows(t, b, "nothing")
	wantShows(t, b.reopened(t), "nothing")
	if in := b.incidents(t); len(in) == 0 || in[0].Code != "playlist-unverifiable" || in[0].Class != journal.Cyber {
		t.Errorf("incidents %+v", in)
	}
	if !b.store.Has(picture(1).File) {
		t.Error("its file is gone")
	}
	if _, err := b.library.Offer(context.Background(), approved(l), "desired/playlist"); !media.Refused(err) {
		t.Errorf("the revoked envelope: %v", err)
	}
	b.trusts(t, withEditors(3, "an3", "an"))
	wantShows(t, b, "version 1, 2 clips")
	b.trusts(t, withEditors(4, "an3"))
	wantShows(t, b, "nothing")
	if !b.offer(t, seal(trust.TypePlaylist, payload(l), "an3", "binh")) {
		t.Error("the same playlist, signed anew, is not accepted")
	}
	wantShows(t, b, "version 1, 2 clips")
	wantShows(t, b.reopened(t), "version 1, 2 clips")
}

// TestCountersignedPlaylistOutlivesItsFirstKey: signed by the new key too while both hold, it stays on the screen when
// the old one is struck. A replay of the envelope with fewer signatures takes none away.
func TestCountersignedPlaylistOutlivesItsFirstKey(t *testing.T) {
	b := newBench(t, t.TempDir())
	l := list(1, picture(1))
	if err := b.air(l, picture(1)); err != nil {
		t.Fatal(err)
	}
	b.trusts(t, withEditors(2, "an", "an3"))
	again := seal(trust.TypePlaylist, payload(l), "an3", "binh") // without the first key's signature
	if b.offer(t, again) {
		t.Error("the same playlist counts as a new one")
	}
	b.offer(t, approved(l))
	b.offer(t, again)
	b.trusts(t, withEditors(3, "an3"))
	wantShows(t, b, "version 1, 2 clips")
	wantShows(t, b.reopened(t), "version 1, 2 clips")
	if in := b.incidents(t); len(in) != 0 {
		t.Errorf("incidents %+v", in)
	}
	if orders := b.orders(t); len(orders) != 2 || !orders[1].Accepted || orders[1].Digest != orders[0].Digest {
		t.Errorf("orders %+v: want one accepted, one countersigned", orders)
	}
}

// TestRevokedSuccessor leaves the playlist on the screen that somebody else signed.
func TestRevokedSuccessor(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.trusts(t, withEditors(2, "an", "an3"))
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	b.offer(t, seal(trust.TypePlaylist, payload(list(2, picture(2))), "an3", "binh")) // its file is still missing
	b.trusts(t, withEditors(3, "an"))
	wantShows(t, b, "version 1, 2 clips")
	if missing := b.library.Missing(); len(missing) != 0 {
		t.Errorf("still wants %v", missing)
	}
	if err := b.library.Add(context.Background(), nothingMore{}, picture(2).File); err == nil {
		t.Error("took a file of no bytes")
	}
	wantShows(t, b.reopened(t), "version 1, 2 clips")
}

type nothingMore struct{}

func (nothingMore) Read([]byte) (int, error) { return 0, errors.New("the stick is gone") }

// TestRecheckWhileTheJournalFails: what no longer counts leaves the screen all the same.
func TestRecheckWhileTheJournalFails(t *testing.T) {
	b := newBench(t, t.TempDir())
	j := &unread{Journal: b.journal}
	var err error
	b.library, err = media.OpenLibrary(context.Background(), media.LibraryOptions{
		Display: display, Trust: b.trust, Journal: j, Store: b.store, Fonts: fonts(t),
		Stamp: b.clock.stamp, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	b.trust.Replace(withEditors(2, "an3"))
	j.broken = true
	if err := b.library.Recheck(context.Background()); err == nil {
		t.Error("rechecked without the journal")
	}
	wantShows(t, b, "nothing")
	j.broken = false
	if err := b.library.Recheck(context.Background()); err != nil {
		t.Error(err)
	}
	wantShows(t, b, "nothing")
}

// unread is a real journal that cannot be read for a while.
type unread struct {
	media.Journal
	broken bool
}

func (u *unread) Setting(ctx context.Context, key string) ([]byte, error) {
	if u.broken {
		return nil, errors.New("input/output error")
	}
	return u.Journal.Setting(ctx, key)
}

// TestTrustDocumentInTheInbox is handed on before the playlist is looked at, removed when it was taken, and left when
// it was refused.
func TestTrustDocumentInTheInbox(t *testing.T) {
	b := newBench(t, t.TempDir())
	dir := deliver(t, b, seal(trust.TypePlaylist, payload(list(1, picture(1))), "an3", "binh"), picture(1))
	write(t, dir+"/trust.json", []byte("v2"))
	b.scan(t, 3)
	if left := files(t, dir); !slices.Contains(left, "trust.json") {
		t.Fatalf("left %v: nobody takes trust documents here", left)
	}

	fresh := newBench(t, t.TempDir())
	dir = deliver(t, fresh, seal(trust.TypePlaylist, payload(list(1, picture(1))), "an3", "binh"), picture(1))
	write(t, dir+"/trust.json", []byte("bad"))
	var took []string
	var fails error
	fresh.inbox.TakeTrust(func(_ context.Context, raw []byte, source string) error {
		took = append(took, source+" "+string(raw))
		if string(raw) == "bad" {
			return &trust.Refusal{Reason: trust.Malformed, Detail: "bad"}
		}
		if fails == nil {
			fresh.trust.Replace(withEditors(2, "an3"))
		}
		return fails
	})
	fresh.scan(t, 4)
	if len(took) != 1 || took[0] != "inbox bad" {
		t.Errorf("took %v, want the refused one once", took)
	}
	took, fails = nil, errors.New("disk full")
	write(t, dir+"/trust.json", []byte("the second"))
	ctx := context.Background()
	for range 3 {
		fresh.clock.advance(lastWait)
		if err := fresh.inbox.Scan(ctx); err == nil && len(took) > 0 {
			t.Error("a failure is not told")
		}
	}
	if len(took) < 2 {
		t.Errorf("tried %d times, want again after a failure", len(took))
	}
	fails = nil
	deliver(t, fresh, seal(trust.TypePlaylist, payload(list(2, picture(1))), "an3", "binh"), picture(1))
	for range 4 {
		fresh.clock.advance(lastWait)
		if err := errors.Join(fresh.inbox.Scan(ctx), fresh.library.Step(ctx)); err != nil {
			t.Fatal(err)
		}
	}
	wantShows(t, fresh, "version 2, 2 clips")
	if left := files(t, dir); slices.Contains(left, "trust.json") {
		t.Errorf("left %v", left)
	}
}

// lastWait is how long an inbox waits at most before it tries a file again.
const lastWait = 10 * 60 * 1e9
