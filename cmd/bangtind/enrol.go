package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bangtin/internal/fileset"
	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
	"bangtin/internal/site"
	"bangtin/internal/trust"
)

// enrolment is one call of bangtind enrol.
type enrolment struct {
	site   *site.Site
	files  pki.Files
	out    io.Writer
	now    func() time.Time
	floor  time.Time // certainly past
	fault  func(string)
	code   string
	centre string // https://host:port; empty is that of [content] url
	csrOut string
	from   string
}

// enrol lets this display in with the department: over HTTPS, or in two steps with a stick.
func (m *Main) enrol(ctx context.Context, s *site.Site, args []string) int {
	floor, err := buildTime()
	if err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitFailed
	}
	e := &enrolment{site: s, files: certificateFiles(s), out: m.Stdout, now: m.Wall, floor: floor, fault: m.Fault}
	flags := flag.NewFlagSet("bangtind enrol", flag.ContinueOnError)
	flags.SetOutput(m.Stderr)
	flags.StringVar(&e.code, "code", "", "the one-time code: bangtin center enrol; - reads it from a line of standard input, as anybody may read a command line")
	flags.StringVar(&e.centre, "centre", "", "https://host:8443; by default that of [content] url")
	flags.StringVar(&e.csrOut, "csr-out", "", "write the request to this file, for a stick, and end")
	flags.StringVar(&e.from, "from", "", "take the answer from this file: bangtin center sign")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 || (e.code == "") == (e.csrOut == "") || e.csrOut != "" && e.from != "" {
		fmt.Fprintln(m.Stderr, "usage: bangtind --site FILE enrol --code CODE [--centre URL | --from FILE], or --csr-out FILE")
		return exitUsage
	}
	if e.code == "-" {
		if e.code, err = firstLine(m.Stdin); err != nil {
			fmt.Fprintln(m.Stderr, err)
			return exitFailed
		}
	}
	if err := e.run(ctx); err != nil {
		fmt.Fprintln(m.Stderr, err)
		return exitFailed
	}
	return exitOK
}

// maxCodeLine bounds a code on standard input, in bytes. A code has 39 letters.
const maxCodeLine = 256

// firstLine reads until the first line ends, or all there is.
func firstLine(in io.Reader) (string, error) {
	if in == nil {
		return "", errors.New("cannot read the code: there is no standard input")
	}
	raw, err := bufio.NewReader(io.LimitReader(in, maxCodeLine)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("cannot read the code: %w", err)
	}
	if len(raw) == maxCodeLine && !strings.HasSuffix(raw, "\n") {
		return "", fmt.Errorf("cannot read the code: the line has more than %d bytes", maxCodeLine)
	}
	return strings.TrimSpace(raw), nil
}

// buildTime is when certificates are judged at least where no journal tells the floor: never before this program was made.
func buildTime() (time.Time, error) {
	floor, err := time.Parse(time.RFC3339, built)
	if err != nil {
		return time.Time{}, fmt.Errorf("cannot read the build time: %w", err)
	}
	return floor, nil
}

// certificateFiles are where the site file has them, or would have them by default.
func certificateFiles(s *site.Site) pki.Files {
	if b := s.Broker; b != nil {
		return pki.Files{CA: b.CA, Certificate: b.Certificate, Key: b.Key}
	}
	return pki.Files{
		CA: filepath.Join(s.Data, site.DefaultCA), Certificate: filepath.Join(s.Data, site.DefaultCertificate), Key: filepath.Join(s.Data, site.DefaultKey),
	}
}

func (e *enrolment) run(ctx context.Context) error {
	if err := enrol.CheckDevice(e.site.ID); err != nil {
		return err
	}
	if err := os.MkdirAll(e.site.Data, 0o750); err != nil {
		return fmt.Errorf("cannot make the data folder: %w", err)
	}
	unlock, err := pki.Lock(filepath.Join(e.site.Data, enrolLock))
	if err != nil {
		return err
	}
	defer unlock()
	if err := finishEnrolment(e.site.Data, e.files, e.fault); err != nil {
		return err
	}
	key, err := ensureDeviceKey(e.files.Key)
	if err != nil {
		return err
	}
	csr, err := pki.MakeRequest(key, e.site.ID)
	if err != nil {
		return err
	}
	if e.csrOut != "" {
		if err := pki.Write(e.csrOut, csr, 0o644); err != nil {
			return fmt.Errorf("cannot write the request: %w", err)
		}
		fmt.Fprintf(e.out, "%s: request of %s. At the centre: bangtin center sign --csr FILE --code CODE --out ANSWER\n", e.csrOut, e.site.ID)
		return nil
	}
	return e.receive(ctx, key, csr)
}

// receive has the request answered, checks the answer and puts it in place.
func (e *enrolment) receive(ctx context.Context, key *ecdsa.PrivateKey, csr []byte) error {
	code, err := enrol.ParseCode(e.code)
	if err != nil {
		return err
	}
	answer, err := e.answer(ctx, code, csr)
	if err != nil {
		return err
	}
	ca, err := answer.CheckAuthority(code)
	if err != nil {
		return err
	}
	certificate, err := answer.Check(ca, e.site.ID, &key.PublicKey)
	if err != nil {
		return err
	}
	document, note, err := e.trust(answer.Trust)
	if err != nil {
		return err
	}
	set := []fileset.File{{Path: e.files.CA, Data: []byte(answer.CA)}, {Path: e.files.Certificate, Data: []byte(answer.Certificate)}}
	if document != nil {
		set = append(set, fileset.File{Path: filepath.Join(e.site.Data, trustFile), Data: document})
	}
	if err := install(e.site.Data, set, e.fault); err != nil {
		return err
	}
	e.tell(certificate, note)
	return nil
}

func (e *enrolment) answer(ctx context.Context, code enrol.Code, csr []byte) (*enrol.Answer, error) {
	if e.from != "" {
		raw, err := readBounded(e.from, enrol.MaxAnswer)
		if err != nil {
			return nil, fmt.Errorf("cannot read the answer: %w", err)
		}
		return enrol.ReadAnswer(raw)
	}
	base, err := centreBase(e.centre, e.site)
	if err != nil {
		return nil, err
	}
	return enrol.Ask(ctx, base, code, csr, e.now(), e.floor)
}

// centreBase is where the centre is asked for certificates.
func centreBase(given string, s *site.Site) (string, error) {
	if given != "" {
		return given, nil
	}
	if s.Content == nil {
		return "", errors.New("cannot tell where the centre is: give --centre https://host:8443, or [content] url in the site file")
	}
	u, err := url.Parse(s.Content.URL)
	if err != nil {
		return "", fmt.Errorf("cannot tell where the centre is: %w", err)
	}
	return "https://" + u.Host, nil
}

// trust judges the document that came. A display that goes by one already changes it only as it would over the wire:
// the centre's word is not enough. nil is to leave what is there.
func (e *enrolment) trust(raw []byte) (document []byte, note string, err error) {
	next, err := trust.ParseDocument(raw)
	if err != nil {
		return nil, "", fmt.Errorf("cannot use the trust document that came: %w", err)
	}
	oldRaw, err := readBounded(filepath.Join(e.site.Data, trustFile), trust.MaxEnvelope)
	if errors.Is(err, fs.ErrNotExist) {
		return raw, fmt.Sprintf("trust document %d of %s", next.Version, next.Organisation), nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("cannot read the trust document: %w", err)
	}
	old := soundDocument(oldRaw)
	switch {
	case old == nil:
		return raw, fmt.Sprintf("trust document %d of %s, in place of a damaged one", next.Version, next.Organisation), nil
	case follows(old, raw):
		return raw, fmt.Sprintf("trust document %d of %s, in place of %d", next.Version, next.Organisation, old.Version), nil
	}
	return nil, fmt.Sprintf("trust document %d of %s, as it was before", old.Version, old.Organisation), nil
}

// soundDocument is nil for a damaged one.
func soundDocument(raw []byte) *trust.Document {
	if d, err := trust.ParseDocument(raw); err == nil {
		return d
	}
	return nil
}

// follows: old lets itself be replaced by this.
func follows(old *trust.Document, raw []byte) bool {
	_, err := old.Next(raw)
	return err == nil
}

func (e *enrolment) tell(c *x509.Certificate, note string) {
	fmt.Fprintf(e.out, "%s is enrolled until %s\n", e.site.ID, c.NotAfter.In(e.site.Location).Format(time.DateOnly))
	fmt.Fprintf(e.out, "%s\n", note)
	fmt.Fprintln(e.out, "restart bangtind if it is running")
}

// ensureDeviceKey reads this display's key, or makes it. It never leaves the display, and it is never replaced: then
// a certificate that is renewed fits it at every moment.
func ensureDeviceKey(path string) (*ecdsa.PrivateKey, error) {
	raw, err := pki.ReadFile(path)
	switch {
	case err == nil:
		key, err := pki.ParseKey(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w; remove it to have another made", path, err)
		}
		return key, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("cannot read this display's key: %w", err)
	}
	key, keyPEM, err := pki.NewKey()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("cannot make the folder of this display's key: %w", err)
	}
	if err := pki.Write(path, keyPEM, 0o600); err != nil {
		return nil, fmt.Errorf("cannot write this display's key: %w", err)
	}
	return key, nil
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fmt.Errorf("%s is too large", path)
	}
	return raw, err
}
