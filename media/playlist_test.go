package media_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"bangtin/media"
)

func sample(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/playlist.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func samplePlaylist(t testing.TB) *media.Playlist {
	t.Helper()
	p, err := media.ParsePlaylist(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSampleIsValid(t *testing.T) {
	p := samplePlaylist(t)
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	if len(p.Items) != 3 || p.Items[2].Text.Heading != "សូមស្វាគមន៍" || p.Items[1].Until.Year() != 2027 {
		t.Errorf("read as %+v", p)
	}
}

func TestParsePlaylistIsStrict(t *testing.T) {
	good := string(sample(t))
	tests := []struct{ name, old, new, want string }{
		{"unknown field", `"id": "tinh-bien"`, `"id": "tinh-bien", "colour": 1`, "colour"},
		{"unknown field in an item", `"kind": "picture"`, `"kind": "picture", "volume": 1`, "volume"},
		{"field twice", `"id": "tinh-bien"`, `"id": "tinh-bien", "id": "x"`, `"id" stands twice`},
		{"field twice in a source", `"document": "12/SDL-QC"`, `"document": "12/SDL-QC", "document": ""`, "twice"},
		{"field in another case", `"version"`, `"Version"`, "Version"},
		{"field with a letter that folds to s", `"source"`, `"ſource"`, "unknown field"},
		{"not UTF-8", "Núi", "N\xfai", "UTF-8"},
		{"a second value", "\n}\n", "\n}\n{}", "follows"},
		{"a negative version", "1800000000000", "-1", "version"},
		{"a fraction", `"seconds": 10`, `"seconds": 10.5`, "seconds"},
		{"a string for a number", `"seconds": 10`, `"seconds": "10"`, "seconds"},
		{"no date", `"2027-01-15T08:00:00Z"`, `"yesterday"`, "yesterday"},
		{"deep nesting", `"title": "Núi Cấm"`, `"title": ` + strings.Repeat("[", 20) + strings.Repeat("]", 20), "nested"},
		{"cut off", "\n}\n", "", "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bad := strings.Replace(good, tt.old, tt.new, 1)
			if bad == good {
				t.Fatal("the sample has nothing to replace")
			}
			_, err := media.ParsePlaylist([]byte(bad))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one about %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line: %v", err)
			}
		})
	}
	if _, err := media.ParsePlaylist(bytes.Repeat([]byte(" "), media.MaxPlaylist+1)); err == nil {
		t.Error("an oversized playlist is read")
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	early, late := time.Unix(1000, 0), time.Unix(2000, 0)
	first := func(edit func(*media.Item)) func(*media.Playlist) {
		return func(p *media.Playlist) { edit(&p.Items[0]) }
	}
	text := func(edit func(*media.Text)) func(*media.Playlist) {
		return func(p *media.Playlist) { edit(p.Items[2].Text) }
	}
	tests := []struct {
		name        string
		item, field string
		edit        func(*media.Playlist)
	}{
		{"no id", "", "id", func(p *media.Playlist) { p.ID = "" }},
		{"id in capitals", "", "id", func(p *media.Playlist) { p.ID = "Tinh-Bien" }},
		{"version 0", "", "version", func(p *media.Playlist) { p.Version = 0 }},
		{"version beyond JSON", "", "version", func(p *media.Playlist) { p.Version = 1 << 53 }},
		{"no title", "", "title", func(p *media.Playlist) { p.Title = " " }},
		{"long title", "", "title", func(p *media.Playlist) { p.Title = strings.Repeat("ế", 201) }},
		{"no audience", "", "audience", func(p *media.Playlist) { p.Audience = nil }},
		{"star among others", "", "audience", func(p *media.Playlist) { p.Audience = append(p.Audience, "*") }},
		{"audience twice", "", "audience", func(p *media.Playlist) { p.Audience[1] = p.Audience[0] }},
		{"audience with a wildcard", "", "audience", func(p *media.Playlist) { p.Audience[0] = "tinh-bien-+" }},
		{"not made", "", "created", func(p *media.Playlist) { p.Created = time.Time{} }},
		{"no items", "", "items", func(p *media.Playlist) { p.Items = nil }},
		{"too many items", "", "items", func(p *media.Playlist) { p.Items = make([]media.Item, 501) }},
		{"item without id", "#1", "id", first(func(i *media.Item) { i.ID = "" })},
		{"item id twice", "border-film", "id", func(p *media.Playlist) { p.Items[2].ID = "border-film" }},
		{"no kind", "mountain", "kind", first(func(i *media.Item) { i.Kind = "" })},
		{"no item title", "mountain", "title", first(func(i *media.Item) { i.Title = "" })},
		{"no category", "mountain", "category", first(func(i *media.Item) { i.Category = "" })},
		{"an eighth category", "mountain", "category", first(func(i *media.Item) { i.Category = "sport" })},
		{"no language", "mountain", "language", first(func(i *media.Item) { i.Language = "" })},
		{"another language", "mountain", "language", first(func(i *media.Item) { i.Language = "zh" })},
		{"too short", "mountain", "seconds", first(func(i *media.Item) { i.Seconds = 2 })},
		{"too long", "mountain", "seconds", first(func(i *media.Item) { i.Seconds = 3601 })},
		{"ends before it begins", "mountain", "until", first(func(i *media.Item) { i.From, i.Until = &late, &early })},
		{"ends as it begins", "mountain", "until", first(func(i *media.Item) { i.From, i.Until = &late, &late })},
		{"no source type", "mountain", "source.type", first(func(i *media.Item) { i.Source.Type = "" })},
		{"no organisation", "mountain", "source.organisation", first(func(i *media.Item) { i.Source.Organisation = "" })},
		{"no document", "mountain", "source.document", first(func(i *media.Item) { i.Source.Document = "" })},
		{"no contributor", "mountain", "contributor", first(func(i *media.Item) { i.Contributor = "" })},
		{"no rights", "mountain", "rights", first(func(i *media.Item) { i.Rights = "\t" })},
		{"no editor", "mountain", "editor", first(func(i *media.Item) { i.Editor = "" })},
		{"no approver", "mountain", "approver", first(func(i *media.Item) { i.Approver = "" })},
		{"editor approves", "mountain", "approver", first(func(i *media.Item) { i.Approver = i.Editor })},
		{"editor approves in capitals", "mountain", "approver", first(func(i *media.Item) { i.Approver = " LÊ THỊ BÌNH" })},
		{"editor approves with a hidden space", "mountain", "approver", first(func(i *media.Item) { i.Approver = "Lê Thị\u200b  Bình" })},
		{"not declared", "mountain", "non_secret", first(func(i *media.Item) { i.NonSecret = false })},
		{"no file", "mountain", "file", first(func(i *media.Item) { i.File = nil })},
		{"file and text", "mountain", "text", first(func(i *media.Item) { i.Text = &media.Text{} })},
		{"text and file", "welcome-km", "file", func(p *media.Playlist) { p.Items[2].File = p.Items[0].File }},
		{"no text", "welcome-km", "text", func(p *media.Playlist) { p.Items[2].Text = nil }},
		{"hash in capitals", "mountain", "file.sha256", first(func(i *media.Item) { i.File.SHA256 = strings.Repeat("A", 64) })},
		{"hash that climbs", "mountain", "file.sha256", first(func(i *media.Item) { i.File.SHA256 = "../../etc/passwd" })},
		{"empty file", "mountain", "file.size", first(func(i *media.Item) { i.File.Size = 0 })},
		{"large picture", "mountain", "file.size", first(func(i *media.Item) { i.File.Size = 32<<20 + 1 })},
		{"large video", "border-film", "file.size", func(p *media.Playlist) { p.Items[1].File.Size = 2<<30 + 1 }},
		{"video as a picture", "mountain", "file.type", first(func(i *media.Item) { i.File.Type = "video/mp4" })},
		{"a list as a video", "border-film", "file.type", func(p *media.Playlist) { p.Items[1].File.Type = "audio/x-mpegurl" }},
		{"one hash, two sizes", "border-film", "file", func(p *media.Playlist) { p.Items[1].File.SHA256 = p.Items[0].File.SHA256 }},
		{"wordless text", "welcome-km", "language", func(p *media.Playlist) { p.Items[2].Language = "zxx" }},
		{"empty text", "welcome-km", "text.body", text(func(x *media.Text) { x.Heading, x.Body = "", "\n " })},
		{"heading of two lines", "welcome-km", "text.heading", text(func(x *media.Text) { x.Heading = "a\nb" })},
		{"long heading", "welcome-km", "text.heading", text(func(x *media.Text) { x.Heading = strings.Repeat("ក", 121) })},
		{"long body", "welcome-km", "text.body", text(func(x *media.Text) { x.Body = strings.Repeat("ក", 1201) })},
		{"control character", "welcome-km", "text.body", text(func(x *media.Text) { x.Body = "a\x07b" })},
		{"right-to-left override", "welcome-km", "text.body", text(func(x *media.Text) { x.Body = "a\u202eb" })},
		{"isolate", "welcome-km", "text.heading", text(func(x *media.Text) { x.Heading = "a\u2066b" })},
		{"override in a name", "mountain", "contributor", first(func(i *media.Item) { i.Contributor = "A\u202eB" })},
		{"line separator", "welcome-km", "text.body", text(func(x *media.Text) { x.Body = "a\u2028b" })},
		{"private use", "welcome-km", "text.body", text(func(x *media.Text) { x.Body = "\ue000" })},
		{"replacement character", "welcome-km", "text.body", text(func(x *media.Text) { x.Body = "\ufffd" })},
		{"letter in two pieces", "welcome-km", "text.body", text(func(x *media.Text) { x.Body = "e\u0302\u0301" })},
		{"sign that stands for a letter", "welcome-km", "text.body", text(func(x *media.Text) { x.Body = "10 \u212b" })},
		{"colour by name", "welcome-km", "text.background", text(func(x *media.Text) { x.Background = "black" })},
		{"colour with an ASS tag", "welcome-km", "text.foreground", text(func(x *media.Text) { x.Foreground = "#ffffff{" })},
		{"grey on white", "welcome-km", "text.foreground", text(func(x *media.Text) { x.Foreground, x.Background = "#777777", "#ffffff" })},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := samplePlaylist(t)
			tt.edit(p)
			var found media.Findings
			if err := p.Validate(); !errors.As(err, &found) {
				t.Fatalf("Validate says %v", err)
			}
			for _, f := range found {
				if f.Problem == "" || f.Remedy == "" {
					t.Errorf("finding without problem or remedy: %v", f)
				}
				if f.Item == tt.item && f.Field == tt.field {
					return
				}
			}
			t.Errorf("no finding about %q %s, only:\n%v", tt.item, tt.field, found)
		})
	}
}

func TestValidateCollectsAndIsBounded(t *testing.T) {
	p := samplePlaylist(t)
	p.Items[0].Rights, p.Items[1].Category, p.Items[2].NonSecret = "", "", false
	var found media.Findings
	if !errors.As(p.Validate(), &found) || len(found) != 3 {
		t.Errorf("want three findings, have:\n%v", found)
	}
	p.Items = make([]media.Item, 500)
	if !errors.As(p.Validate(), &found) || len(found) != 100 {
		t.Errorf("want 100 findings, have %d", len(found))
	}
}

// The two greys on either side of the limit are the well-known pair of the WCAG literature.
func TestContrastLimit(t *testing.T) {
	for colour, ok := range map[string]bool{"#767676": true, "#777777": false, "#000000": true} {
		p := samplePlaylist(t)
		p.Items[2].Text.Foreground, p.Items[2].Text.Background = "#ffffff", colour
		if err := p.Validate(); (err == nil) != ok {
			t.Errorf("white on %s: %v", colour, err)
		}
	}
}

func TestTextSHA256(t *testing.T) {
	x := media.Text{Heading: `a "quote" <b> & é`, Body: "one\ntwo", Foreground: "#ffffff", Background: "#000000"}
	// printf '%s' '{"background":"#000000","body":"one\ntwo","foreground":"#ffffff","heading":"a \"quote\" <b> & é"}' | sha256sum
	const want = "8f9e5001f2b0f527a7c9c32f666d9a057fdce94d9cb5b5825b86f661fadae01e"
	if got := x.SHA256(); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}

// Whatever is accepted can be written and read again and means the same, and judging it never fails otherwise
// than by findings.
func FuzzParsePlaylist(f *testing.F) {
	f.Add(sample(f))
	f.Add([]byte(`{"id":"a","items":[null,{"text":{}}]}`))
	f.Add([]byte(`{"items":[{"file":{"size":1e3}}],"items":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := media.ParsePlaylist(raw)
		if err != nil {
			return
		}
		var found media.Findings
		if err := p.Validate(); err != nil && !errors.As(err, &found) {
			t.Fatalf("Validate fails with %v", err)
		}
		again, err := json.Marshal(p)
		if err != nil {
			return // a date beyond the year 9999
		}
		q, err := media.ParsePlaylist(again)
		if err != nil {
			if len(again) > media.MaxPlaylist {
				return
			}
			t.Fatalf("written and refused: %v", err)
		}
		var foundAgain media.Findings
		if errors.As(q.Validate(), &foundAgain) != (found != nil) || len(found) != len(foundAgain) {
			t.Fatalf("first %v\nthen %v", found, foundAgain)
		}
	})
}

func TestApprovedByNamesTheItem(t *testing.T) {
	p := list(1, picture(1))
	if err := p.ApprovedBy("tran.binh"); err != nil {
		t.Errorf("named on every item: %v", err)
	}
	p.Items[1].Approver = "Tran.Binh"
	var found media.Findings
	if !errors.As(p.ApprovedBy("tran.binh"), &found) || len(found) != 1 {
		t.Fatalf("found %v, want one finding", found)
	}
	if f := found[0]; f.Item != "card" || f.Field != "approver" || !strings.Contains(f.Problem, "Tran.Binh") || f.Remedy == "" {
		t.Errorf("finding %v", f)
	}
}
