package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"bangtin/internal/trust"
	"bangtin/media"
)

// A draft is a folder:
//
//	draft.json      the playlist while it is being made
//	content/SHA256  its files
//	playlist.json   the envelope; once it is there the playlist is frozen
type draft struct {
	dir      string
	playlist *media.Playlist
	envelope *trust.Envelope // nil until the first signature
}

func (d *draft) draftFile() string          { return filepath.Join(d.dir, "draft.json") }
func (d *draft) envelopeFile() string       { return envelopeIn(d.dir) }
func (d *draft) content() string            { return contentIn(d.dir) }
func envelopeIn(dir string) string          { return filepath.Join(dir, "playlist.json") }
func contentIn(dir string) string           { return filepath.Join(dir, "content") }
func contentFile(dir, sha256 string) string { return filepath.Join(contentIn(dir), sha256) }

// digest names what is signed, as displays report it: the SHA-256 of the envelope's payload.
func (d *draft) digest() string { return digestOf(d.envelope.Payload) }

func digestOf(payload []byte) string {
	sum := sha256.Sum256(payload)
	return hex.EncodeToString(sum[:])
}

// version names the playlist as a display's state does.
func (d *draft) version() string { return fmt.Sprintf("%s@%d", d.playlist.ID, d.playlist.Version) }

// openDraft reads a draft folder, or what export wrote from one. What is signed comes before what is only drafted.
func openDraft(dir string) (*draft, error) {
	d := &draft{dir: dir}
	frozen, err := exists(d.envelopeFile())
	if err != nil {
		return nil, err
	}
	if !frozen {
		raw, err := readSmall(d.draftFile())
		if err != nil {
			return nil, &problem{field: dir, what: say("is not the folder of a playlist"), remedy: say("begin with: bangtin playlist new %s", dir), cause: err}
		}
		return d, d.parse(d.draftFile(), raw)
	}
	raw, err := readSmall(d.envelopeFile())
	if err != nil {
		return nil, err
	}
	if d.envelope, err = trust.ParseEnvelope(raw); err != nil {
		return nil, refused(d.envelopeFile(), err)
	}
	if d.envelope.Type != trust.TypePlaylist {
		return nil, refused(d.envelopeFile(), &trust.Refusal{Reason: trust.WrongType, Detail: string(d.envelope.Type)})
	}
	return d, d.parse(d.envelopeFile(), d.envelope.Payload)
}

func (d *draft) parse(path string, raw []byte) error {
	p, err := media.ParsePlaylist(raw)
	if err != nil {
		return &problem{field: path, what: say("is damaged"), remedy: say("restore it, or begin the playlist anew"), cause: err}
	}
	d.playlist = p
	return nil
}

// changeable refuses to touch what somebody has signed.
func (d *draft) changeable() error {
	if d.envelope == nil {
		return nil
	}
	return &problem{field: d.dir, what: say("is signed already and cannot be changed"),
		remedy: say("drop the signatures with: bangtin playlist reopen %s", d.dir)}
}

func (d *draft) save() error {
	raw, err := json.MarshalIndent(d.playlist, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot encode playlist: %w", err)
	}
	if len(raw) > media.MaxPlaylist {
		return &problem{field: d.dir, what: say("is too large"), remedy: say("make two playlists of it")}
	}
	return replace(d.draftFile(), append(raw, '\n'))
}

// problemsBesides is what media finds wrong, leaving out what a playlist without items cannot yet have right.
func (d *draft) problemsBesides(field string) error {
	var found, left media.Findings
	if errors.As(d.playlist.Validate(), &found) {
		for _, f := range found {
			if f.Item != "" || f.Field != field {
				left = append(left, f)
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	return left
}
