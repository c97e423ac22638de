package media_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/trust"
	"bangtin/media"
)

func TestRefusals(t *testing.T) {
	good := list(5, picture(1))
	with := func(edit func(*media.Playlist)) []byte {
		p := list(5, picture(1))
		edit(p)
		return approved(p)
	}
	altered := bytes.Replace(approved(good), []byte(`"payload":"ey`), []byte(`"payload":"fy`), 1)
	tests := []struct {
		name, reason, code string
		raw                []byte
	}{
		{"garbage", "malformed", "signature-refused", []byte("\x00\xff{")},
		{"nothing", "malformed", "signature-refused", nil},
		{"too large", "oversized", "signature-refused", bytes.Repeat([]byte(" "), trust.MaxEnvelope+1)},
		{"unsigned", "malformed", "signature-refused", []byte(`{"payloadType":"application/vnd.bangtin.playlist.v1+json","payload":"e30=","signatures":[]}`)},
		{"altered", "bad-signature", "signature-refused", altered},
		{"one person", "threshold", "signature-refused", seal(trust.TypePlaylist, payload(good), "an")},
		{"one person with two keys", "same-person", "signature-refused", seal(trust.TypePlaylist, payload(good), "an", "an2")},
		{"wrong role", "wrong-role", "signature-refused", seal(trust.TypePlaylist, payload(good), "power", "t1")},
		{"a stranger", "unknown-key", "signature-refused", seal(trust.TypePlaylist, payload(good), "mallory", "eve")},
		{"signed as something else", "wrong-type", "signature-refused", seal(trust.TypePower, payload(good), "an", "binh")},
		{"older", "older", "playlist-older", approved(list(3, picture(1)))},
		{"the same version with other content", "older", "playlist-older", approved(list(4, picture(9)))},
		{"for another display", "other-display", "playlist-misaddressed", with(func(p *media.Playlist) { p.Audience = []string{"ha-tien-01"} })},
		{"unapproved item", "invalid", "playlist-unfit", with(func(p *media.Playlist) { p.Items[0].Approver = "" })},
		{"an item that another person approved", "invalid", "playlist-unfit", with(func(p *media.Playlist) { p.Items[1].Approver = "le.dung" })},
		{"an item whose editor approved the playlist", "invalid", "playlist-unfit", with(func(p *media.Playlist) {
			p.Items[0].Editor, p.Items[0].Approver = "tran.binh", "nguyen.an"
		})},
		{"not a playlist", "invalid", "playlist-unfit", seal(trust.TypePlaylist, []byte(`{"hello":1}`), "an", "binh")},
		{"a letter no font has", "missing-glyph", "playlist-unfit", with(func(p *media.Playlist) { p.Items[1].Text.Heading = "欢迎" })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, t.TempDir())
			if err := b.air(list(4, picture(1)), picture(1)); err != nil {
				t.Fatal(err)
			}
			accepted, err := b.library.Offer(context.Background(), tt.raw, "desired/playlist")
			var no *media.Refusal
			if accepted || !errors.As(err, &no) || no.Reason != tt.reason {
				t.Fatalf("accepted %v, error %v, want a refusal for %s", accepted, err, tt.reason)
			}
			orders := b.orders(t)
			last := orders[len(orders)-1]
			if len(orders) != 2 || last.Accepted || last.Reason != tt.reason || last.Evidence == "" || last.Source != "desired/playlist" {
				t.Errorf("recorded: %+v", orders)
			}
			if in := b.incidents(t); len(in) != 1 || in[0].Code != tt.code || in[0].Count != 1 || in[0].Detail == "" {
				t.Errorf("incidents: %+v", in)
			}
			if err := b.library.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
			wantShows(t, b, "version 4, 2 clips")
			after := b.restart(t)
			if err := after.library.Step(context.Background()); err != nil {
				t.Fatal(err)
			}
			wantShows(t, after, "version 4, 2 clips")
		})
	}
}

func TestSamePlaylistAgainIsNothingNew(t *testing.T) {
	b := newBench(t, t.TempDir())
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	before := len(b.orders(t))
	// Signed anew in another order, it is still the same playlist.
	for _, raw := range [][]byte{approved(list(1, picture(1))), seal(trust.TypePlaylist, payload(list(1, picture(1))), "binh", "an")} {
		if accepted, err := b.library.Offer(context.Background(), raw, "inbox"); accepted || err != nil {
			t.Errorf("accepted %v, %v", accepted, err)
		}
	}
	if got := len(b.orders(t)); got != before {
		t.Errorf("%d new records", got-before)
	}
}

// The broker brings what it keeps at every connection: after a newer one came by stick that is no attack and no news.
func TestOlderPlaylistIsRecordedOnce(t *testing.T) {
	b := newBench(t, t.TempDir())
	if err := b.air(list(4, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	before := len(b.orders(t))
	offer := func(version uint64) {
		if _, err := b.library.Offer(context.Background(), approved(list(version, picture(1))), "desired/playlist"); !media.Refused(err) {
			t.Fatalf("error %v", err)
		}
		b.clock.advance(time.Hour)
	}
	for range 5 {
		offer(3)
	}
	in := b.incidents(t)
	if len(in) != 1 || in[0].Code != "playlist-older" || in[0].Class != journal.Technical || in[0].Count != 1 {
		t.Errorf("incidents: %+v", in)
	}
	offer(2)
	if orders, in := len(b.orders(t))-before, len(b.incidents(t)); orders != 2 || in != 2 {
		t.Errorf("%d orders and %d incidents, want 2 and 2: another one is news", orders, in)
	}
}

// A clock that is wrong at the editor's desk would lock out every playlist until that day.
func TestVersionOfTheFuture(t *testing.T) {
	const hour = uint64(time.Hour / time.Millisecond)
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	now := uint64(b.clock.stamp().Wall.UnixMilli())
	offer := func(version uint64, want string) {
		t.Helper()
		accepted, err := b.library.Offer(ctx, approved(list(version)), "desired/playlist")
		got := "accepted"
		var no *media.Refusal
		if errors.As(err, &no) {
			got = no.Reason
		}
		if got != want || accepted != (want == "accepted") {
			t.Errorf("version now%+d ms: %s, want %s", int64(version-now), got, want)
		}
	}
	offer(now+48*hour+1, "future")
	offer(media.MaxVersion, "future")
	if in := b.incidents(t); len(in) != 1 || in[0].Code != "playlist-future" || in[0].Class != journal.Technical {
		t.Errorf("incidents: %+v", in)
	}
	offer(now+48*hour, "accepted")

	// While the display cannot tell, it takes what is signed. Once it can, the way out is a version just above.
	b.clock.doubt()
	offer(now+9000*hour, "accepted")
	b.clock.doubted = false
	offer(now+8000*hour, "older")
	offer(now+9048*hour+1, "future")
	offer(now+9000*hour+1, "accepted")
}

func TestFloodIsCounted(t *testing.T) {
	b := newBench(t, t.TempDir())
	ctx := context.Background()
	refuse := func(n int, raw []byte) {
		for range n {
			if _, err := b.library.Offer(ctx, raw, "desired/playlist"); !media.Refused(err) {
				t.Fatalf("error %v", err)
			}
		}
	}
	stranger := seal(trust.TypePlaylist, payload(list(1)), "eve")
	refuse(1000, stranger)
	refuse(10, []byte("?"))
	if orders, in := b.orders(t), b.incidents(t); len(orders) != 2 || len(in) != 2 {
		t.Errorf("%d orders and %d incidents in the first minute, want 2 and 2", len(orders), len(in))
	}
	b.clock.advance(time.Minute)
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	refuse(1, stranger)
	sum := 0
	for _, in := range b.incidents(t) {
		if in.Class != journal.Cyber || in.Code != "signature-refused" {
			t.Errorf("incident %+v", in)
		}
		sum += in.Count
	}
	if sum != 1011 {
		t.Errorf("%d refusals are on record, want 1011", sum)
	}
	// What happened once in its minute is on record already.
	b.clock.advance(time.Minute)
	if err := b.library.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(b.incidents(t)); n != 5 {
		t.Errorf("%d incidents, want 5", n)
	}
}

func TestStoredEnvelopeIsVerifiedAgain(t *testing.T) {
	b := newBench(t, t.TempDir())
	if err := b.air(list(1, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	forged := seal(trust.TypePlaylist, payload(list(7, picture(2))), "an")
	err := b.journal.Commit(context.Background(), journal.Write{Label: "forge", Settings: map[string][]byte{
		"playlist.current": forged, "playlist.accepted": forged,
	}})
	if err != nil {
		t.Fatal(err)
	}
	b = b.restart(t)
	b.clock.advance(24 * time.Hour)
	if err := b.library.Step(context.Background()); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "nothing")
	in := b.incidents(t)
	if len(in) != 2 || in[0].Code != "playlist-unverifiable" || in[0].Class != journal.Cyber {
		t.Errorf("incidents: %+v", in)
	}
	if left := files(t, filepath.Join(b.dir, "content")); len(left) != 1 {
		t.Errorf("content of a playlist in doubt was collected: %v", left)
	}
	// The counter is still there: another of the old version cannot come in its place, the old one and a new one can.
	if _, err := b.library.Offer(context.Background(), approved(list(1, picture(2))), "inbox"); !media.Refused(err) {
		t.Errorf("old version after a forgery: %v", err)
	}
	if err := b.air(list(1, picture(1))); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 1, 2 clips")
	if err := b.air(list(8, picture(1)), picture(1)); err != nil {
		t.Fatal(err)
	}
	wantShows(t, b, "version 8, 2 clips")
}
