package media_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
	"bangtin/internal/trust"
	"bangtin/media"
)

// A bench is a library on a real store, real fonts and a real journal in one folder, with a clock set by hand. It
// needs no testing.T, so that a child process can be one too.
type bench struct {
	dir     string
	clock   *clock
	trust   *trust.Standing
	journal *sqlite.Journal
	store   *media.Store
	library *media.Library
	inbox   *media.Inbox
}

const display = "tinh-bien-01"

func openBench(dir string, fault func(string)) (*bench, error) {
	b := &bench{dir: dir, clock: &clock{wall: time.Date(2027, 1, 20, 1, 0, 0, 0, time.UTC)}}
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	var err error
	b.journal, err = sqlite.Open(ctx, sqlite.Options{
		Path: filepath.Join(dir, "journal.db"), Key: private("journal"), Stamp: b.clock.stamp, Log: log, Fault: fault,
	})
	if err != nil {
		return nil, err
	}
	b.store, err = media.OpenStore(media.StoreOptions{
		Dir: filepath.Join(dir, "content"), Total: 1 << 20, Reserve: 1 << 20, Fault: fault,
	})
	if err != nil {
		return nil, errors.Join(err, b.journal.Close())
	}
	fonts, err := media.LoadFonts(notoDir)
	if err != nil {
		return nil, errors.Join(err, b.journal.Close())
	}
	b.trust = trust.NewStanding(people())
	b.library, err = media.OpenLibrary(ctx, media.LibraryOptions{
		Display: display, Trust: b.trust, Journal: b.journal, Store: b.store, Fonts: fonts,
		Stamp: b.clock.stamp, Log: log,
	})
	if err != nil {
		return nil, errors.Join(err, b.journal.Close())
	}
	b.inbox = media.NewInbox(filepath.Join(dir, "inbox"), b.library, log)
	return b, nil
}

// newBench opens a bench in dir until the test ends.
func newBench(t testing.TB, dir string) *bench {
	t.Helper()
	b, err := openBench(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.journal.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// restart is a new process on the same folder.
func (b *bench) restart(t testing.TB) *bench {
	t.Helper()
	if err := b.journal.Close(); err != nil {
		t.Fatal(err)
	}
	return newBench(t, b.dir)
}

type clock struct {
	mu   sync.Mutex
	wall time.Time
	mono time.Duration

	doubted bool // nobody confirmed wall
}

func (c *clock) stamp() journal.Stamp {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := journal.Stamp{Boot: "test", Mono: c.mono, Wall: c.wall, Trust: journal.Synchronised}
	if c.doubted {
		s.Trust = journal.Floored
	}
	return s
}

func (c *clock) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doubted = true
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.mono = c.wall.Add(d), c.mono+d
}

// private makes the same key of the same name in every run.
func private(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("bangtin media test key " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func signer(name string) trust.Signer { return trust.NewSigner(private(name)) }

// people lets an and ca edit and binh approve; an2 is a second key of an's, and an approver's one. power holds no
// playlist role.
func people() *trust.Document {
	d := &trust.Document{Version: 1, Organisation: "Sở", Created: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	id := func(name string) string { return trust.KeyID(signer(name).Public()) }
	for _, k := range [][2]string{
		{"an", "nguyen.an"}, {"an2", "nguyen.an"}, {"binh", "tran.binh"}, {"power", "pham.duc"}, {"t1", "root.1"}, {"t2", "root.2"},
	} {
		d.Keys = append(d.Keys, trust.NewKey(signer(k[0]).Public(), k[1], k[1]))
	}
	d.Roles = map[trust.Role]trust.Grant{
		trust.RolePlaylist: {
			Threshold: 2, Duties: []string{trust.DutyEditor, trust.DutyApprover},
			Members: []trust.Member{
				{Key: id("an"), Duty: trust.DutyEditor}, {Key: id("an2"), Duty: trust.DutyApprover},
				{Key: id("binh"), Duty: trust.DutyApprover},
			},
		},
		trust.RolePower: {Threshold: 1, Members: []trust.Member{{Key: id("power")}}},
		trust.RoleTrust: {Threshold: 2, Members: []trust.Member{{Key: id("t1")}, {Key: id("t2")}}},
	}
	return d
}

func seal(typ trust.Type, payload []byte, names ...string) []byte {
	e := &trust.Envelope{Type: typ, Payload: payload}
	for _, n := range names {
		if err := e.Sign(signer(n)); err != nil {
			panic(err)
		}
	}
	raw, err := e.Marshal()
	if err != nil {
		panic(err)
	}
	return raw
}

// A content is a file with its description.
type content struct {
	media.File
	raw []byte
}

func describe(typ string, raw []byte) content {
	sum := sha256.Sum256(raw)
	return content{media.File{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(raw)), Type: typ}, raw}
}

// picture is a small PNG, different for each shade.
func picture(shade uint8) content {
	img := image.NewGray(image.Rect(0, 0, 64, 36))
	img.Set(0, 0, color.Gray{Y: shade})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return describe("image/png", b.Bytes())
}

// film has the first bytes of an MP4 and noise after them.
func film(size int) content {
	raw := append([]byte("\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"), bytes.Repeat([]byte("noise "), size/6)...)
	return describe("video/mp4", raw)
}

// list makes a playlist of these files and one text.
func list(version uint64, files ...content) *media.Playlist {
	p := &media.Playlist{
		ID: "week", Version: version, Title: "Tuần", Audience: []string{display},
		Created: time.Date(2027, 1, 19, 0, 0, 0, 0, time.UTC),
	}
	item := media.Item{
		Title: "x", Category: media.SeaIslands, Language: media.Vietnamese, Seconds: 10,
		Source:      media.Source{Type: media.Agency, Organisation: "Sở", Document: "1"},
		Contributor: "An", Rights: "own", Editor: "nguyen.an", Approver: "tran.binh", NonSecret: true,
	}
	for i, f := range files {
		it := item
		it.ID, it.Kind, it.File = fmt.Sprintf("file-%d", i+1), media.Picture, &f.File
		if f.Type == "video/mp4" {
			it.Kind = media.Video
		}
		p.Items = append(p.Items, it)
	}
	item.ID, item.Kind = "card", media.TextCard
	item.Text = &media.Text{Heading: fmt.Sprintf("Bản %d", version), Foreground: "#ffffff", Background: "#000000"}
	p.Items = append(p.Items, item)
	return p
}

func payload(p *media.Playlist) []byte {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return raw
}

// approved is the playlist signed by an editor and an approver.
func approved(p *media.Playlist) []byte { return seal(trust.TypePlaylist, payload(p), "an", "binh") }

// add puts files into the library as a fetcher does.
func (b *bench) add(files ...content) error {
	for _, f := range files {
		if err := b.library.Add(context.Background(), bytes.NewReader(f.raw), f.File); err != nil {
			return err
		}
	}
	return nil
}

// air makes a playlist the current one.
func (b *bench) air(p *media.Playlist, files ...content) error {
	ctx := context.Background()
	if _, err := b.library.Offer(ctx, approved(p), "desired/playlist"); err != nil {
		return err
	}
	if err := b.add(files...); err != nil {
		return err
	}
	return b.library.Step(ctx)
}

// shows is what the programme holds: the version and how many clips.
func (b *bench) shows() string {
	prog, ok := b.library.Programme(b.clock.stamp().Wall)
	if !ok {
		return "nothing"
	}
	return fmt.Sprintf("version %d, %d clips", prog.Version, len(prog.Clips))
}

func wantShows(t testing.TB, b *bench, want string) {
	t.Helper()
	if got := b.shows(); got != want {
		t.Fatalf("shows %s, want %s", got, want)
	}
}

// orders and incidents read the journal's records back.
func (b *bench) orders(t testing.TB) []journal.Order {
	return bodies[journal.Order](t, b.journal, journal.KindOrder)
}

func (b *bench) incidents(t testing.TB) []journal.Incident {
	return bodies[journal.Incident](t, b.journal, journal.KindIncident)
}

func bodies[T any](t testing.TB, j *sqlite.Journal, kind journal.Kind) []T {
	t.Helper()
	records, err := j.Pending(context.Background(), 10000)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	for _, r := range records {
		if r.Kind != kind {
			continue
		}
		var body T
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		out = append(out, body)
	}
	return out
}

// files lists the names in a folder.
func files(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
