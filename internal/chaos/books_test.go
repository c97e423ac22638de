package chaos_test

import (
	"bufio"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/mattn/go-sqlite3"

	"bangtin/internal/control/command"
	"bangtin/internal/journal"
	"bangtin/internal/wire"
)

// A line is one record, as far as it can be compared.
type line struct {
	seq   uint64
	hash  string
	again bool
	epoch int
}

// A book is a display's journal: every record it made, and how its commands went.
type book struct {
	lines    []line
	commands map[string][]journal.Command // by digest, oldest first
	sent     []command.FileEvidence       // what was brought to the centre, oldest first
	kinds    map[string]int
}

func rows(path, query string, do func(*sql.Rows) error) error {
	db, err := sql.Open("sqlite3", "file:"+path+"?mode=ro&_busy_timeout=5000")
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := db.Query(query)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer found.Close()
	for found.Next() {
		if err := do(found); err != nil {
			return err
		}
	}
	return found.Err()
}

func (u *unit) book() (*book, error) {
	b := &book{commands: map[string][]journal.Command{}, kinds: map[string]int{}}
	path := u.path("journal.db")
	return b, rows(path, "SELECT seq, hash, kind, body FROM record ORDER BY seq", func(r *sql.Rows) error {
		var l line
		var hash []byte
		var kind, body string
		if err := r.Scan(&l.seq, &hash, &kind, &body); err != nil {
			return err
		}
		l.hash = hex.EncodeToString(hash)
		b.lines = append(b.lines, l)
		b.kinds[kind]++
		if journal.Kind(kind) != journal.KindCommand {
			return nil
		}
		var c journal.Command
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			return err
		}
		b.commands[c.Digest] = append(b.commands[c.Digest], c)
		if k := wire.CommandKind(c.Kind); c.Status != string(wire.Done) || k != wire.DoScreenshot && k != wire.DoDiagnostics {
			return nil
		}
		var e command.FileEvidence
		err := json.Unmarshal(c.Evidence, &e)
		b.sent = append(b.sent, e)
		return err
	})
}

// depth is how many records wait.
func (u *unit) depth() (n uint64, err error) {
	err = rows(u.path("journal.db"), "SELECT seq - acked FROM chain", func(r *sql.Rows) error { return r.Scan(&n) })
	return n, err
}

// effects counts what the display did, in all its runs. Of the daemon nobody counts it.
func (u *unit) effects() (map[string]int, error) {
	if u.daemon {
		return nil, nil
	}
	f, err := os.Open(u.path("effects"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	found := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		found[strings.TrimSpace(lines.Text())]++
	}
	return found, nil
}

// A verdict is the centre's on one command.
type verdict struct {
	status string
	source int
}

// collected are the centre's records, by display in the order of their numbers.
func (w *world) collected() map[string][]line {
	w.Helper()
	found := map[string][]line{}
	w.check(rows(filepath.Join(w.dir, "center.db"),
		"SELECT d.device, r.seq, r.epoch, r.hash, r.again FROM record r JOIN display d ON d.id = r.display ORDER BY r.seq, r.epoch", func(r *sql.Rows) error {
			var device string
			var l line
			var hash []byte
			if err := r.Scan(&device, &l.seq, &l.epoch, &hash, &l.again); err != nil {
				return err
			}
			l.hash = hex.EncodeToString(hash)
			found[device] = append(found[device], l)
			return nil
		}))
	return found
}

// verdicts are by display and digest.
func (w *world) verdicts() map[[2]string]verdict {
	w.Helper()
	found := map[[2]string]verdict{}
	w.check(rows(filepath.Join(w.dir, "center.db"), "SELECT device, digest, status, source FROM outcome", func(r *sql.Rows) error {
		var key [2]string
		var v verdict
		if err := r.Scan(&key[0], &key[1], &v.status, &v.source); err != nil {
			return err
		}
		found[key] = v
		return nil
	}))
	return found
}
