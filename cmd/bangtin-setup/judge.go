package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/internal/site"
	"bangtin/internal/stick"
	"bangtin/internal/trust"
)

// A refusal is why what an installer brought is not taken.
type refusal struct {
	code    string
	details []string
}

func refuse(code string, details ...string) *refusal { return &refusal{code: code, details: details} }

// kept is what the display has already.
type kept struct {
	site     *site.Site // nil: not commissioned, or by a file that cannot be read any more
	file     []byte     // the site file as it is, though it be damaged
	id       string     // of the display; empty where nothing says it
	issued   time.Time  // when its site file was; zero for none, and for one without a seal
	document *trust.Document
	trust    []byte   // the document's envelope; nil where the display has none of its own
	seal     []byte   // as it is
	used     bool     // some file of a display was there already, be it damaged
	unfit    []string // why the site file that is there cannot be used; empty where it can, or there is none
	problems []string
}

// keep reads what the display has. What is damaged counts as missing and is told.
func (p Paths) keep() kept {
	var k kept
	dir, err := openFolder(p.Data)
	if err != nil {
		k.problems = append(k.problems, fmt.Sprintf("cannot open %s: %v", p.Data, err))
		return k
	}
	defer dir.Close()
	take := func(name string, limit int64) []byte {
		data, err := readFile(dir, name, limit)
		k.used = k.used || !errors.Is(err, unix.ENOENT)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			k.problems = append(k.problems, fmt.Sprintf("cannot use the present %s: %v", name, err))
		}
		return data
	}
	if raw := take(stick.Trust, trust.MaxEnvelope); raw != nil {
		d, err := trust.ParseDocument(raw)
		if err == nil {
			k.document, k.trust = d, raw
		} else {
			k.problems = append(k.problems, fmt.Sprintf("cannot use the present %s: %v", stick.Trust, err))
		}
	}
	// The seal was verified when it was stored; keys may have changed since, and its date has not.
	if k.seal = take(stick.Seal, trust.MaxEnvelope); k.seal != nil {
		v, err := voucherOf(k.seal)
		switch {
		case err == nil && tooLate(v.Issued): // nothing that comes could be later: it counts as none
			k.id = v.Site
			k.problems = append(k.problems, fmt.Sprintf("the present %s is dated %s, and bars nothing", stick.Seal, v.Issued.Format(time.DateOnly)))
		case err == nil:
			k.id, k.issued = v.Site, v.Issued
		default:
			k.problems = append(k.problems, fmt.Sprintf("cannot use the present %s: %v", stick.Seal, err))
		}
	}
	for _, name := range traces() {
		if _, err := os.Lstat(p.data(name)); !errors.Is(err, fs.ErrNotExist) {
			k.used = true
		}
	}
	before := len(k.problems)
	if k.file = take(stick.Site, site.MaxSize); k.file != nil {
		s, err := site.Parse(k.file)
		if err == nil {
			k.site, k.id = s, s.ID
		} else {
			k.problems = append(k.problems, findings(err)...)
		}
	}
	k.unfit = k.problems[before:]
	return k
}

// traces are what a daemon leaves in the folder of a display that has run, beside what is taken from a stick: whoever
// removed the latter has not made a new display of it.
func traces() []string {
	return []string{"journal.db", site.DefaultCA, site.DefaultCertificate, site.DefaultKey}
}

func voucherOf(seal []byte) (stick.Voucher, error) {
	var v stick.Voucher
	e, err := trust.ParseEnvelope(seal)
	if err == nil {
		err = trust.DecodeJSON(e.Payload, &v)
	}
	return v, err
}

// A taken is what is sound and becomes the display's.
type taken struct {
	site     *site.Site
	file     []byte
	seal     []byte
	trust    []byte
	believed []string // what was believed because there was nothing to judge it by; empty otherwise
}

// other tells whether the display goes by anything else with it.
func (t *taken) other(k kept) bool {
	return !bytes.Equal(t.file, k.file) || !bytes.Equal(t.trust, k.trust)
}

// fresh tells whether there is anything to store: also a later seal, before which no site file counts any more.
func (t *taken) fresh(k kept) bool { return t.other(k) || !bytes.Equal(t.seal, k.seal) }

// judge decides on a folder by the trust document that the display has, else by that of the image (nil for none), else by
// the folder's own, which a new display alone believes.
func judge(r reading, k kept, image []byte) (*taken, *refusal) {
	if len(r.Problems) > 0 {
		return nil, refuse(codeFiles, r.Problems...)
	}
	for _, name := range []string{stick.Site, stick.Seal} {
		if r.Files[name] == nil {
			return nil, refuse(codeFiles, name+" is missing")
		}
	}
	document, raw, believed, no := believe(r.Files[stick.Trust], k, image)
	if no != nil {
		return nil, no
	}
	t := &taken{file: r.Files[stick.Site], seal: r.Files[stick.Seal], trust: raw, believed: believed}
	s, voucher, err := stick.Open(document, t.seal, t.file, k.issued)
	if other := voucher.Site != "" && k.id != "" && voucher.Site != k.id; other {
		return nil, refuse(codeOther, fmt.Sprintf("the stick is for %.60q, and this is %q", voucher.Site, k.id))
	}
	if err != nil {
		return nil, refusalOf(err)
	}
	if tooLate(voucher.Issued) {
		return nil, refuse(codeSeal, fmt.Sprintf("it is dated %s, over %d years after this program: the clock was wrong where it was made",
			voucher.Issued.Format(time.DateOnly), maxAhead))
	}
	t.site = s
	return t, nil
}

// maxAhead is how many years after this program a seal may be dated at most, as with signed time: a seal from 2099 would
// bar every later one.
const maxAhead = 10

func tooLate(issued time.Time) bool { return issued.After(buildTime().AddDate(maxAhead, 0, 0)) }

// believe chooses the trust document.
func believe(brought []byte, k kept, image []byte) (d *trust.Document, raw []byte, believed []string, no *refusal) {
	d, raw = k.document, k.trust
	if d == nil && image != nil {
		var err error
		if d, err = trust.ParseDocument(image); err != nil {
			return nil, nil, nil, refuse(codeTrust, fmt.Sprintf("the image's own: %v", err))
		}
		raw = image
	}
	switch {
	case d == nil && k.used:
		return nil, nil, nil, refuse(codeTrust,
			"the display's own trust document is damaged or gone, and no stick can stand in for it: flash the controller anew, or with an image that has the document")
	case d == nil && brought == nil:
		return nil, nil, nil, refuse(codeFiles, stick.Trust+" is missing")
	case d == nil:
		d, err := trust.ParseDocument(brought)
		if err != nil {
			return nil, nil, nil, refuse(codeTrust, err.Error())
		}
		sum := sha256.Sum256(brought)
		return d, brought, []string{
			fmt.Sprintf("trust document %d of %s", d.Version, d.Organisation), "SHA-256 " + hex.EncodeToString(sum[:]),
		}, nil
	case brought == nil, bytes.Equal(brought, raw):
		return d, raw, nil, nil
	}
	next, err := d.Next(brought)
	var why *trust.Refusal
	switch {
	case err == nil:
		return next, brought, nil, nil
	case errors.As(err, &why) && why.Reason == trust.Stale: // the display has heard of a newer one meanwhile
		return d, raw, nil, nil
	}
	return nil, nil, nil, refuse(codeTrust, err.Error())
}

func refusalOf(err error) *refusal {
	var wrong *site.Error
	switch {
	case errors.Is(err, stick.ErrStale):
		return refuse(codeOlder)
	case errors.As(err, &wrong):
		return refuse(codeSite, findings(err)...)
	}
	return refuse(codeSeal, err.Error())
}

// findings are the mistakes of a site file, a line for each.
func findings(err error) (lines []string) {
	var wrong *site.Error
	if !errors.As(err, &wrong) {
		return []string{err.Error()}
	}
	for _, f := range wrong.Findings {
		lines = append(lines, f.String())
	}
	return lines
}

// data is the path of a file that the display keeps.
func (p Paths) data(name string) string { return filepath.Join(p.Data, name) }
