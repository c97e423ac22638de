package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"bangtin/internal/fileset"
	"bangtin/internal/pki/enrol"
	"bangtin/internal/site"
	"bangtin/internal/stick"
)

// Names in the display's folder beside those of package stick.
const (
	noteFile   = "setup.json"   // a whole set on its way, see package fileset
	codeFile   = "enrol.code"   // the one-time code, until there is a certificate; systemd starts the enrolment by it
	answerFile = "enrol.answer" // the centre's answer, where a stick brought it
)

// place is where the set goes. A power cut leaves the old files or the new ones, never some of each, as a seal fits one
// site file alone.
func (m *Main) place() fileset.Place {
	return fileset.Place{Note: m.Paths.data(noteFile), Mode: 0o640, Own: m.Own, Label: "setup", Fault: m.Fault}
}

// finish puts in place what a power cut has left.
func (m *Main) finish() error {
	return m.place().Finish(func(path string) bool {
		if filepath.Dir(path) != filepath.Clean(m.Paths.Data) {
			return false
		}
		switch filepath.Base(path) {
		case stick.Trust, stick.Seal, stick.Site, codeFile, answerFile:
			return true
		}
		return false
	})
}

// store makes what was taken the display's. The site file is the last: systemd starts the daemon by it.
func (m *Main) store(t *taken, k kept, r reading) error {
	var set []fileset.File
	if !enrolled(t.site) {
		code, err := codeOf(r)
		if err != nil {
			return err
		}
		if code != nil {
			set = append(set, fileset.File{Path: m.Paths.data(codeFile), Data: code, Mode: 0o600})
			answer := r.Files[stick.Answer]
			if answer != nil {
				set = append(set, fileset.File{Path: m.Paths.data(answerFile), Data: answer, Mode: 0o600})
			} else if err := m.forgetAnswer(code); err != nil {
				return err
			}
		}
	}
	if !bytes.Equal(t.trust, k.trust) { // what is as it was is not written back: the daemon may replace it meanwhile
		set = append(set, fileset.File{Path: m.Paths.data(stick.Trust), Data: t.trust, Mode: 0o644})
	}
	if t.fresh(k) {
		set = append(set,
			fileset.File{Path: m.Paths.data(stick.Seal), Data: t.seal},
			fileset.File{Path: m.Paths.data(stick.Site), Data: t.file},
		)
	}
	if len(set) == 0 {
		return nil
	}
	return m.place().Put(set)
}

// forgetAnswer removes an answer that was for another code than this.
func (m *Main) forgetAnswer(code []byte) error {
	dir, err := openFolder(m.Paths.Data)
	if err != nil {
		return fmt.Errorf("cannot remove an old answer: %w", err)
	}
	defer dir.Close()
	if before, err := readFile(dir, codeFile, stick.MaxCode); err == nil && bytes.Equal(before, code) {
		return nil
	}
	if err := os.Remove(m.Paths.data(answerFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove an old answer: %w", err)
	}
	return nil
}

// errCode: the code on the stick is none, which keeps nothing else of it from being taken.
var errCode = errors.New("the code on the stick cannot be read")

// codeOf is the code as it is kept: the first line, written as the centre writes it. Nil where the stick has none.
func codeOf(r reading) ([]byte, error) {
	raw := r.Files[stick.Code]
	if raw == nil {
		return nil, nil
	}
	line, _, _ := bytes.Cut(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")), []byte("\n")) // Windows' editor writes a mark
	code, err := enrol.ParseCode(string(line))
	if err != nil {
		return nil, errCode // and not what ParseCode says, which may quote it
	}
	return []byte(code.String() + "\n"), nil
}

// certificate is where the display's certificate is, or will be.
func certificate(s *site.Site) string {
	if s.Broker != nil {
		return s.Broker.Certificate
	}
	return filepath.Join(s.Data, site.DefaultCertificate)
}

// enrolled tells whether the display has a certificate. One that cannot be looked at is one: a code is worth nothing then.
func enrolled(s *site.Site) bool {
	_, err := os.Stat(certificate(s))
	return !errors.Is(err, fs.ErrNotExist)
}

// imageTrust is the trust document of the image, nil where it has none.
func (p Paths) imageTrust() ([]byte, error) {
	data, err := os.ReadFile(p.ImageTrust)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the image's trust document: %w", err)
	}
	return data, nil
}
