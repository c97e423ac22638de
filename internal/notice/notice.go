// Package notice is how the parts of a controller tell the people at it what is wrong before and beside the daemon: a
// file for each part in one folder, which the console shows and the daemon reports. A part puts its notice, replaces it
// and takes it away; nobody else writes its file.
package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// Dir is where they lie on a controller: in memory, gone with the boot.
const Dir = "/run/bangtin/notices"

// Limits: what is longer is refused, by who writes and by who reads.
const (
	MaxNotices = 16
	MaxFile    = 16 << 10 // bytes
	MaxText    = 300      // bytes of a sentence, and of a line of the details
	MaxDetails = 20
)

// A Notice is one thing that people must know.
type Notice struct {
	Part    string   `json:"-"`                 // who says it, from the file's name: a-z and -, at most 20
	Code    string   `json:"code"`              // a letter and two digits, for the telephone: OPERATIONS.md lists them all
	Vi      string   `json:"vi"`                // what is wrong and what to do, a sentence
	En      string   `json:"en"`                //
	Details []string `json:"details,omitempty"` // lines in English, such as what is wrong on which line
}

// Put says it, in place of what the part said before.
func Put(dir string, n Notice) error {
	n = n.cut()
	if err := n.check(); err != nil {
		return err
	}
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot put a notice: %w", err)
	}
	temp, err := os.CreateTemp(dir, "."+n.Part+"-*")
	if err != nil {
		return fmt.Errorf("cannot put a notice: %w", err)
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Chmod(0o644), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), filepath.Join(dir, n.Part+suffix))
	}
	if err != nil {
		return fmt.Errorf("cannot put a notice: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

// Clear takes the part's notice away; there may be none.
func Clear(dir, part string) error {
	if err := os.Remove(filepath.Join(dir, part+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot take a notice away: %w", err)
	}
	return nil
}

// All reads the notices in the order of their parts, those of the system's own parts first, MaxNotices at most. What
// cannot be read, or was not put by who may say it, comes as an error beside the others.
func All(dir string) ([]Notice, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read notices: %w", err)
	}
	root, err := ownerOf(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read notices: %w", err)
	}
	var all []Notice
	var bad []error
	for _, part := range order(entries) {
		if len(all) == MaxNotices || len(bad) == MaxNotices {
			break
		}
		n, err := read(filepath.Join(dir, part+suffix), func(owner uint32) bool { return owner == root || !slices.Contains(system(), part) })
		if errors.Is(err, fs.ErrNotExist) { // taken away meanwhile
			continue
		}
		if err != nil {
			bad = append(bad, fmt.Errorf("cannot read the notice of %q: %w", part, err))
			continue
		}
		n.Part = part
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b Notice) int { return strings.Compare(a.Part, b.Part) })
	return all, errors.Join(bad...)
}

const suffix = ".json"

// system are the parts that run as who owns the folder. Others may write there too: they neither speak in these names nor
// keep them from being heard.
func system() []string { return []string{"boot", "code", "crash", "data", "setup"} }

// order gives the parts that have a file, the system's first.
func order(entries []fs.DirEntry) []string {
	var first, others []string
	for _, e := range entries {
		part, ok := strings.CutSuffix(e.Name(), suffix)
		switch {
		case !ok || strings.HasPrefix(part, "."):
		case slices.Contains(system(), part):
			first = append(first, part)
		default:
			others = append(others, part)
		}
	}
	return append(first, others...)
}

func ownerOf(dir string) (uint32, error) {
	var info unix.Stat_t
	err := unix.Stat(dir, &info)
	return info.Uid, err
}

// read follows no link and waits for no pipe, as others may write in the folder.
func read(path string, mayOwn func(uid uint32) bool) (Notice, error) {
	f, err := os.OpenFile(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return Notice{}, err
	}
	defer f.Close()
	var info unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &info); err != nil {
		return Notice{}, err
	}
	switch {
	case info.Mode&unix.S_IFMT != unix.S_IFREG:
		return Notice{}, errors.New("it is no file")
	case !mayOwn(info.Uid):
		return Notice{}, fmt.Errorf("it was put by user %d, who is not that part", info.Uid)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return Notice{}, err
	}
	return Parse(data)
}

// Parse reads one notice; its Part is empty.
func Parse(data []byte) (Notice, error) {
	if len(data) > MaxFile {
		return Notice{}, fmt.Errorf("it has more than %d bytes", MaxFile)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	var n Notice
	if err := d.Decode(&n); err != nil {
		return Notice{}, err
	}
	n.Part = "x"
	err := n.check()
	n.Part = ""
	return n, err
}

func (n Notice) check() error {
	switch {
	case !regexp.MustCompile(`^[a-z][a-z-]{0,19}$`).MatchString(n.Part):
		return fmt.Errorf("cannot put a notice: %q is no part", n.Part)
	case !regexp.MustCompile(`^[A-Z][0-9]{2}$`).MatchString(n.Code):
		return fmt.Errorf("cannot put a notice: %q is no code", n.Code)
	case n.Vi == "" || n.En == "":
		return errors.New("cannot put a notice: it needs a sentence in both languages")
	case len(n.Details) > MaxDetails:
		return fmt.Errorf("cannot put a notice: it has more than %d details", MaxDetails)
	}
	for _, text := range append([]string{n.Vi, n.En}, n.Details...) {
		if len(text) > MaxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return fmt.Errorf("cannot put a notice: %q is no line of text of %d bytes at most", text, MaxText)
		}
	}
	return nil
}

// cut makes details fit, which come from outside: too many, too long, or not a line.
func (n Notice) cut() Notice {
	details := make([]string, 0, min(len(n.Details), MaxDetails))
	for _, line := range n.Details[:min(len(n.Details), MaxDetails)] {
		line = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, strings.ToValidUTF8(line, "?"))
		for len(line) > MaxText {
			_, size := utf8.DecodeLastRuneInString(line)
			line = line[:len(line)-size]
		}
		details = append(details, line)
	}
	n.Details = details
	return n
}
