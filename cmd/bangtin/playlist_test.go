package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bangtin/internal/trust"
	"bangtin/media"
)

func TestPlaylistGoesFromDraftToStick(t *testing.T) {
	d := newDesk(t)
	d.trust()
	d.playlist()
	d.now = morning.Add(time.Hour)
	d.must("playlist approve @pl --key @an.key")
	d.now = morning.Add(2 * time.Hour)
	d.must("playlist approve @pl --key @binh.key")
	d.must("playlist export @pl --out @stick --trust @trust.json")
	doc, err := trust.ParseDocument(d.read("trust.json"))
	d.check(err)
	v, err := doc.Verify(d.read("stick/playlist.json"), trust.TypePlaylist)
	d.check(err)
	p, err := media.ParsePlaylist(v.Payload)
	d.check(err)
	d.check(p.Validate())
	if fmt.Sprint(v.People) != "[nguyen.van.an tran.binh]" || p.Version != uint64(morning.Add(time.Hour).UnixMilli()) {
		t.Errorf("people %v, version %d", v.People, p.Version)
	}
	var items []string
	for _, it := range p.Items {
		items = append(items, fmt.Sprintf("%s %s %d %t", it.ID, it.Kind, it.Seconds, it.File != nil))
	}
	if got, want := fmt.Sprint(items), "[item-1 picture 10 true phim video 13 true item-2 text 20 false]"; got != want {
		t.Errorf("items %s, want %s", got, want)
	}
	for _, f := range p.Files() {
		d.check(checkFile(d.path("stick/content/"+f.SHA256), f))
	}
	leftovers(d, "pl/content")
	leftovers(d, "stick/content")
	leftovers(d, "stick")
	d.must("playlist export @stick --out @stick --trust @trust.json") // what was exported can be exported on
	d.must("playlist show @stick")
}

func TestExportMendsADamagedCopyOnTheStick(t *testing.T) {
	d := newDesk(t)
	d.playlist()
	d.must("playlist approve @pl --key @an.key")
	d.must("playlist approve @pl --key @binh.key")
	out := d.must("playlist export @pl --out @stick")
	if !strings.Contains(out, "counted, not checked") {
		t.Errorf("does not say that nobody checked the signatures:\n%s", out)
	}
	p, err := openDraft(d.path("stick"))
	d.check(err)
	f := p.playlist.Files()[0]
	d.write("stick/content/"+f.SHA256, []byte("damaged"))
	d.must("playlist export @pl --out @stick")
	d.check(checkFile(d.path("stick/content/"+f.SHA256), f))
	d.write("pl/content/"+f.SHA256, []byte("damaged"))
	d.must("playlist export @pl --out @stick") // the good copy is there already
	d.refuses("playlist export @pl --out @another", exitFailed, "not the file that was added")
	d.write("pl/content/"+f.SHA256, append(d.read("stick/content/"+f.SHA256), 0))
	d.refuses("playlist export @pl --out @another", exitFailed, "not the file that was added")
	leftovers(d, "another/content")
	if there, err := exists(d.path("another/playlist.json")); there || err != nil {
		t.Errorf("exported without its files (%v)", err)
	}
}

func TestExportWantsTwoPeopleOfTheRole(t *testing.T) {
	tests := map[string]struct {
		signers string
		words   string
	}{
		"nobody":                  {"", "not approved"},
		"editor alone":            {"an", "not approved"},
		"two keys of one person":  {"an an2", "one person with several keys"},
		"two approvers":           {"an2 binh", "lacks the signature of the editor"},
		"a stranger as approver":  {"an duc", "too few signatures"},
		"strangers":               {"duc centre", "without the role"},
		"editor and approver":     {"an binh", ""},
		"approver before editor":  {"binh an", ""},
		"a stranger besides both": {"an duc binh", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.trust()
			d.playlist()
			for _, key := range strings.Fields(tt.signers) {
				d.must("playlist approve @pl --key @" + key + ".key")
			}
			if tt.words == "" {
				d.must("playlist export @pl --out @out --trust @trust.json")
				return
			}
			d.refuses("playlist export @pl --out @out --trust @trust.json", exitFailed, tt.words, "remedy")
			if there, err := exists(d.path("out")); there || err != nil {
				t.Errorf("something was written (%v)", err)
			}
		})
	}
}

func TestSignedPlaylistIsFrozenUntilReopened(t *testing.T) {
	d := newDesk(t)
	d.playlist()
	add := "playlist add @pl --text --heading a --title b" + provenance
	d.refuses("playlist reopen @pl", exitFailed, "not signed")
	d.must("playlist approve @pl --key @an.key")
	signed := d.read("pl/playlist.json")
	d.refuses(add, exitFailed, "is signed already", "playlist reopen")
	d.refuses("playlist approve @pl --key @an.key", exitFailed, "signed already")
	d.refuses("playlist new @pl --id abc --title t --audience *", exitFailed, "holds a playlist already")
	if !bytes.Equal(signed, d.read("pl/playlist.json")) {
		t.Error("a refused command changed the signed playlist")
	}
	first, err := openDraft(d.path("pl"))
	d.check(err)
	d.must("playlist reopen @pl")
	d.must(add)
	d.now = morning.Add(-time.Hour) // the clock has gone back
	d.must("playlist approve @pl --key @an.key")
	second, err := openDraft(d.path("pl"))
	d.check(err)
	if second.playlist.Version <= first.playlist.Version || len(second.playlist.Items) != 4 || len(second.envelope.Signatures) != 1 {
		t.Errorf("version %d after %d, %d items, %d signatures", second.playlist.Version, first.playlist.Version,
			len(second.playlist.Items), len(second.envelope.Signatures))
	}
}

func TestApproveRefuses(t *testing.T) {
	d := newDesk(t)
	d.trust()
	d.must("playlist new @empty --id abc --title t --audience *")
	d.refuses("playlist approve @empty --key @an.key", exitFailed, "playlist add", "items")
	d.playlist()
	d.refuses("playlist approve @pl --key @duc.key --trust @trust.json", exitFailed, "@duc.key", "does not hold role playlist")
	d.refuses("playlist approve @pl --key @an.pub", exitFailed, "@an.pub", "ssh-agent")
	d.refuses("playlist approve @pl --key @none", exitFailed, "@none")
	d.refuses("playlist approve @pl --key @an.key --trust @an.key", exitFailed, "@an.key", "not a signed file")
	d.refuses("playlist approve @none --key @an.key", exitFailed, "@none", "playlist new")
	p, err := openDraft(d.path("pl"))
	d.check(err)
	d.check(os.Remove(d.path("pl/content/" + p.playlist.Items[0].File.SHA256)))
	d.refuses("playlist approve @pl --key @an.key", exitFailed, "cannot be read")
	d.refuses("playlist show @none", exitFailed, "@none")
	if there, err := exists(d.path("pl/playlist.json")); there || err != nil {
		t.Errorf("a refused approval was written (%v)", err)
	}
	d.write("pl/draft.json", []byte(`{"id":"a","ID":"b"}`))
	d.refuses("playlist approve @pl --key @an.key", exitFailed, "draft.json", "damaged")
}

func TestAddRefusesAndLeavesTheDraftAsItWas(t *testing.T) {
	d := newDesk(t)
	d.playlist()
	d.picture("p.png")
	d.write("half.png", d.read("p.png")[:40])
	d.write("a.gif", []byte("GIF89a"))
	d.write("empty", nil)
	d.write("phone.mp4", append([]byte("\x00\x00\x00\x20ftyp3gp4"), make([]byte, 100)...))
	text := "--text --heading h --body b --title t "
	tests := map[string]struct {
		line string
		code int
		word string
	}{
		"no kind":               {"--title t" + provenance, exitUsage, "--picture"},
		"two kinds":             {text + "--picture @p.png" + provenance, exitUsage, "only one"},
		"no such file":          {"--picture @none.png --title t" + provenance, exitFailed, "@none.png"},
		"a folder":              {"--picture @pl --title t" + provenance, exitFailed, "@pl"},
		"picture cut off":       {"--picture @half.png --title t" + provenance, exitFailed, "damaged"},
		"another type":          {"--picture @a.gif --title t" + provenance, exitFailed, "PNG or JPEG"},
		"empty file":            {"--picture @empty --title t" + provenance, exitFailed, "PNG or JPEG"},
		"video as picture":      {"--picture @v.mp4 --title t" + provenance, exitFailed, "PNG or JPEG"},
		"film of another brand": {"--video @phone.mp4 --title t" + provenance, exitFailed, "MP4 or WebM"},
		"picture as video":      {"--video @p.png --title t" + provenance, exitFailed, "MP4 or WebM"},
		"another length":        {"--video @v.mp4 --seconds 5 --title t" + provenance, exitFailed, "the video takes 13"},
		"no title":              {"--picture @p.png" + provenance, exitFailed, "title"},
		"id twice":              {text + "--id phim" + provenance, exitFailed, "phim"},
		"no declaration":        {text + strings.Replace(provenance, "--non-secret", "", 1), exitFailed, "--non-secret"},
		"editor approves":       {text + provenance + "--approver nguyen.van.an", exitFailed, "--approver"},
		"unknown category":      {text + provenance + "--category sport", exitFailed, "border-rules"},
		"unknown language":      {text + provenance + "--language fr", exitFailed, "--language"},
		"unknown source":        {text + provenance + "--source-type rumour", exitFailed, "--source-type"},
		"grey on grey":          {text + provenance + "--foreground #777777 --background #888888", exitFailed, "4.5:1"},
		"too short":             {text + provenance + "--seconds 2", exitFailed, "--seconds"},
		"too long a heading":    {text + provenance + "--heading " + strings.Repeat("a", 121), exitFailed, "--heading"},
		"no time":               {text + provenance + "--from tomorrow", exitUsage, "2027-02-06"},
		"ends before beginning": {text + provenance + "--from 2027-02-06 --until 2027-02-05T07:00", exitFailed, "--until"},
	}
	before := d.read("pl/draft.json")
	entries := func() string {
		list, err := os.ReadDir(d.path("pl/content"))
		d.check(err)
		return fmt.Sprint(list)
	}
	files := entries()
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d.t = t
			d.refuses("playlist add @pl "+tt.line, tt.code, tt.word, "remedy")
			if !bytes.Equal(before, d.read("pl/draft.json")) || entries() != files {
				t.Error("the draft was changed")
			}
		})
	}
}

func TestVideoWithoutFFprobeNeedsItsLength(t *testing.T) {
	d := newDesk(t)
	d.playlist()
	d.probe = func(context.Context, string) (time.Duration, error) { return 0, fmt.Errorf("no: %w", exec.ErrNotFound) }
	d.refuses("playlist add @pl --video @v.mp4 --title t"+provenance, exitUsage, "--seconds", "ffprobe")
	d.must("playlist add @pl --video @v.mp4 --seconds 13 --title t" + provenance)
	d.probe = func(context.Context, string) (time.Duration, error) { return 0, errors.New("no moov atom") }
	d.refuses("playlist add @pl --video @v.mp4 --seconds 13 --title t"+provenance, exitFailed, "no moov atom")
}

func TestFFprobeMeasuresARealVideo(t *testing.T) {
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed: there is no real video to measure")
		}
	}
	d := newDesk(t)
	d.probe = ffprobe
	d.playlistWithoutItems()
	for _, name := range []string{"v.mp4", "v.webm"} {
		cmd := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=d=3.4:s=64x36:r=10", d.path(name))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out := d.must("playlist add @pl --title t --video @" + name + provenance); !strings.Contains(out, "4 s") {
			t.Errorf("%s of 3.4 s: %s", name, out)
		}
	}
	d.write("broken.mp4", d.read("v.mp4")[:200])
	d.refuses("playlist add @pl --title t --video @broken.mp4"+provenance, exitFailed, "broken.mp4", "measured")
}

func (d *desk) playlistWithoutItems() {
	d.t.Helper()
	d.must("playlist new @pl --id tet-2027 --title Tết --audience *")
}

func TestTimesAreVietnams(t *testing.T) {
	d := newDesk(t)
	d.playlistWithoutItems()
	d.must("playlist add @pl --text --heading h --title t --from 2027-02-06 --until 2027-02-06T18:30" + provenance)
	p, err := openDraft(d.path("pl"))
	d.check(err)
	it := p.playlist.Items[0]
	if got := fmt.Sprint(it.From, it.Until); got != "2027-02-05 17:00:00 +0000 UTC 2027-02-06 11:30:00 +0000 UTC" {
		t.Errorf("from and until are %s", got)
	}
}

func TestShowCannotSteerTheTerminal(t *testing.T) {
	d := newDesk(t)
	d.playlist()
	raw := bytes.ReplaceAll(d.read("pl/draft.json"), []byte(`"Phim"`), []byte(`"Ph\u001b[2Jim\u202e"`))
	d.write("pl/draft.json", raw)
	if out := d.must("playlist show @pl"); strings.ContainsAny(out, "\x1b\u202e") || !strings.Contains(out, "Ph\ufffd[2Jim\ufffd") {
		t.Errorf("shows %q", out)
	}
}

// Every field that media judges is named by its option and has a remedy in Vietnamese.
func TestEveryFieldHasItsOwnWords(t *testing.T) {
	now := morning
	bad := media.Playlist{ID: "?", Audience: []string{"?"}, Items: []media.Item{
		{Kind: media.Picture}, {Kind: media.TextCard, Text: &media.Text{Heading: "a\n", Body: strings.Repeat("a", 2000)}},
		{Kind: media.TextCard, Text: &media.Text{Foreground: "#777777", Background: "#777777"}, From: &now, Until: &now},
	}}
	var found media.Findings
	if !errors.As(bad.Validate(), &found) || len(found) < 20 {
		t.Fatalf("found only %v", found)
	}
	byMachine := map[string]bool{"version": true, "created": true, "file": true} // no option fills these
	for _, f := range found {
		if option, remedy := fieldWords(f.Field); !byMachine[f.Field] && (option == f.Field || remedy.english == "see the detail") {
			t.Errorf("field %s has no words for people", f.Field)
		}
	}
}

func TestStopsWhereItCannotWrite(t *testing.T) {
	d := newDesk(t)
	d.write("file", nil)
	d.refuses("playlist new @file/pl --id abc --title t --audience *", exitFailed, "cannot be")
	d.playlist()
	d.must("playlist approve @pl --key @an.key")
	d.must("playlist approve @pl --key @binh.key")
	d.refuses("playlist export @pl --out @file", exitFailed, "cannot be written")
	if _, err := os.Stat(d.path("file/content")); errors.Is(err, fs.ErrNotExist) {
		t.Error("the file was replaced by a folder")
	}
}

// A display refuses a playlist whose items name another approver than the one who signed.
func TestApproverMustBeTheOneTheItemsName(t *testing.T) {
	for lang, words := range map[string]string{"en": "names another person than tran.binh", "vi": "ghi người khác, không phải tran.binh"} {
		t.Run(lang, func(t *testing.T) {
			d := newDesk(t)
			d.trust()
			d.lang = lang
			d.playlist()
			d.must("playlist add @pl --text --heading a --title b --id la" + provenance + "--approver le.dung")
			d.must("playlist approve @pl --key @an.key --trust @trust.json") // the editor's key tells nothing
			signed := d.read("pl/playlist.json")
			d.refuses("playlist approve @pl --key @binh.key --trust @trust.json", exitFailed, "la: --approver", words, "--approver tran.binh")
			if !bytes.Equal(signed, d.read("pl/playlist.json")) {
				t.Error("the refused signature was written")
			}
			d.must("playlist approve @pl --key @binh.key")
			d.refuses("playlist export @pl --out @out --trust @trust.json", exitFailed, "la: --approver", words)
			if there, err := exists(d.path("out")); there || err != nil {
				t.Errorf("something was written (%v)", err)
			}
		})
	}
}

// The way out where a display accepted a playlist made with a clock that was ahead.
func TestNewPlaylistAboveAVersion(t *testing.T) {
	d := newDesk(t)
	d.picture("p.png")
	const stuck = 4_000_000_000_000 // the year 2096
	d.must(fmt.Sprint("playlist new @pl --id tet-2027 --title Tết --audience * --above ", stuck))
	d.must("playlist add @pl --picture @p.png --title Ảnh" + provenance)
	d.must("playlist approve @pl --key @an.key")
	p, err := openDraft(d.path("pl"))
	d.check(err)
	if p.playlist.Version <= stuck || p.playlist.Version > stuck+2 {
		t.Errorf("version %d", p.playlist.Version)
	}
	d.refuses("playlist new @other --id tet-2027 --title Tết --audience * --above -1", exitUsage, "--above")
	d.refuses(fmt.Sprint("playlist new @other --id tet-2027 --title Tết --audience * --above ", media.MaxVersion), exitUsage, "--above")
}

// Nobody is at the display when the last item ends.
func TestApproveWarnsOfAnEmptyScreen(t *testing.T) {
	for lang, words := range map[string]string{"en": "every item ends. From 2027-02-07 18:00 +07 the display", "vi": "mọi mục đều có hạn. Từ 2027-02-07 18:00 +07 bảng tin"} {
		t.Run(lang, func(t *testing.T) {
			d := newDesk(t)
			d.lang = lang
			d.playlistWithoutItems()
			d.must("playlist add @pl --text --heading h --title t --until 2027-02-07T18:00" + provenance)
			d.must("playlist add @pl --text --heading i --title t --until 2027-02-06" + provenance)
			if out := d.must("playlist approve @pl --key @an.key"); !strings.Contains(out, words) {
				t.Errorf("does not say %q:\n%s", words, out)
			}
			d.must("playlist reopen @pl")
			d.must("playlist add @pl --text --heading j --title t" + provenance)
			if out := d.must("playlist approve @pl --key @an.key"); strings.Contains(out, "2027-02-07") {
				t.Errorf("warns though an item stays:\n%s", out)
			}
		})
	}
}

// Who signs second answers for all of it, and can compare one number by telephone.
func TestShowHidesNothingThatIsSigned(t *testing.T) {
	d := newDesk(t)
	d.playlist()
	d.must("playlist add @pl --text --heading Một --body dòng_hai --title t --from 2027-02-06 --until 2027-02-07T18:30 --foreground #fefefe --background #010203" + provenance)
	p, err := openDraft(d.path("pl"))
	d.check(err)
	p.playlist.Items[3].Text.Body = "dòng hai\ndòng ba"
	d.check(p.save())
	says := func(out string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("does not say %q:\n%s", w, out)
			}
		}
	}
	f := p.playlist.Items[0].File
	all := []string{
		f.SHA256, fmt.Sprint(f.Size), f.Type, "video/mp4", "Một", "dòng hai", "dòng ba", "#fefefe", "#010203", "2027-02-06 00:00",
		"2027-02-07 18:30", "Lê Ca", "own work", "agency", "Bộ đội Biên phòng", "12/QĐ", "nguyen.van.an", "tran.binh", "tinh-bien-02", "Tết 2027",
	}
	says(d.must("playlist show @pl"), all...)
	signed := d.must("playlist approve @pl --key @an.key")
	e, err := trust.ParseEnvelope(d.read("pl/playlist.json"))
	d.check(err)
	digest := fmt.Sprintf("%x", sha256.Sum256(e.Payload))
	says(signed, digest)
	d.write("pl/draft.json", []byte("{}")) // what is signed counts, not what was drafted
	says(d.must("playlist show @pl"), append(all, digest)...)
	says(d.must("playlist approve @pl --key @binh.key"), digest)
}
