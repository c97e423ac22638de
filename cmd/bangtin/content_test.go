package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"bangtin/media"
)

// pngHead is a PNG of so many pixels, as far as its first chunk.
func pngHead(width, height uint32) []byte {
	chunk := binary.BigEndian.AppendUint32([]byte("IHDR"), width)
	chunk = append(binary.BigEndian.AppendUint32(chunk, height), 8, 0, 0, 0, 0)
	raw := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), chunk...)
	return binary.BigEndian.AppendUint32(raw, crc32.ChecksumIEEE(chunk))
}

func film(brand string) []byte {
	return append([]byte("\x00\x00\x00\x20ftyp"+brand), make([]byte, 100)...)
}

// What the tool takes, a display takes, and what a display refuses is not signed.
func TestToolAndDisplayJudgeFilesAlike(t *testing.T) {
	for _, tt := range []struct {
		name, option, typ string
		raw               []byte
		good              bool
	}{
		{"film", "--video", "video/mp4", film("isom"), true},
		{"film of a phone", "--video", "video/mp4", film("3gp4"), false},
		{"QuickTime", "--video", "video/mp4", film("qt  "), false},
		{"picture of 48 million pixels", "--picture", "image/png", pngHead(8000, 6000), false},
		{"picture too wide", "--picture", "image/png", pngHead(8193, 10), false},
		{"picture of a film", "--picture", "image/png", film("isomx"), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newDesk(t)
			d.playlist()
			d.write("file", tt.raw)
			code, _, _ := d.run("playlist add @pl " + tt.option + " @file --title t" + provenance)
			if (code == exitOK) != tt.good {
				t.Errorf("add: exit %d", code)
			}
			want := fileOf(tt.typ, tt.raw)
			store, err := media.OpenStore(media.StoreOptions{Dir: d.path("store"), Total: 1 << 20})
			d.check(err)
			err = store.Put(t.Context(), bytes.NewReader(tt.raw), want)
			if (err == nil) != tt.good || err != nil && !errors.Is(err, media.ErrWrongContent) {
				t.Errorf("a display: %v", err)
			}

			// A draft that somebody else made names the file all the same.
			p, err := openDraft(d.path("pl"))
			d.check(err)
			for i := range p.playlist.Items {
				if it := &p.playlist.Items[i]; it.File != nil && strings.HasPrefix(it.File.Type, tt.typ[:5]) {
					it.File = &want
				}
			}
			d.check(p.save())
			d.write("pl/content/"+want.SHA256, tt.raw)
			code, _, errs := d.run("playlist approve @pl --key @an.key")
			if (code == exitOK) != tt.good || !tt.good && !strings.Contains(errs, "nothing that a display would show") {
				t.Errorf("approve: exit %d\n%s", code, errs)
			}
		})
	}
}

func fileOf(typ string, raw []byte) media.File {
	sum := sha256.Sum256(raw)
	return media.File{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(raw)), Type: typ}
}

// A character that no font of the display has would be an empty box; the display refuses it.
func TestCharactersThatNoFontHas(t *testing.T) {
	d := newDesk(t)
	d.playlist()
	before := d.read("pl/draft.json")
	text := "playlist add @pl --text --title t --heading 欢迎" + provenance
	for lang, words := range map[string]string{"en": "no font of the display", "vi": "--heading"} {
		d.lang = lang
		d.refuses(text, exitFailed, words, "U+6B22")
	}
	d.lang = "en"
	if !bytes.Equal(before, d.read("pl/draft.json")) {
		t.Error("the draft was changed")
	}
	d.refuses(text+"--fonts @none", exitFailed, "@none", "cannot be read")

	// Without the fonts nobody can tell; whoever signs where they are is told.
	d.fonts = d.path("none")
	if out := d.must(text); strings.Count(out, "were not checked") != 1 {
		t.Errorf("does not say once that nothing was checked:\n%s", out)
	}
	if out := d.must("playlist add @pl --picture @p.png --title t" + provenance); strings.Contains(out, "checked") {
		t.Errorf("speaks of characters of a picture:\n%s", out)
	}
	d.refuses("playlist approve @pl --key @an.key --fonts "+debianFonts, exitFailed, "U+6B22")
	if out := d.must("playlist approve @pl --key @an.key"); strings.Count(out, "were not checked") != 1 {
		t.Errorf("does not say once that nothing was checked:\n%s", out)
	}
}

// A source that cannot be read is not blamed on the disk that is written.
func TestSourceThatCannotBeRead(t *testing.T) {
	d := newDesk(t)
	d.playlist()
	d.refuses("playlist add @pl --picture @pl --title t"+provenance, exitFailed, "@pl: cannot be read")
}
