package sqlite_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// A checkpoint that the centre has not acknowledged would contradict the one of the new chain.
func TestPendingCheckpointIsMergedIntoTheNewOne(t *testing.T) {
	prune := func(t *testing.T, path string) {
		closed(t, options(path), func(j *sqlite.Journal) {
			done, err := j.Prune(t.Context(), noon, sqlite.Policy{MaxBytes: 1, Batch: 36})
			must(t, err)
			if done.Unsent != 3 { // records 31 to 36: three plays, three incidents
				t.Fatalf("pruned %+v", done)
			}
		})
	}
	damage := func(t *testing.T, path string) {
		damagePage(t, path)
		closed(t, options(path), func(j *sqlite.Journal) {
			if j.Recovered().Aside == "" {
				t.Fatal("not recovered")
			}
			must(t, j.Commit(t.Context(), journal.Write{
				Label: "again", Settings: map[string][]byte{"playlist": []byte("tet-2027")},
			}))
		})
	}
	for _, tt := range []struct {
		name   string
		steps  []func(*testing.T, string)
		unsent uint64
	}{
		{"damage after a prune", []func(*testing.T, string){prune, damage}, 3},
		{"damage twice", []func(*testing.T, string){damage, damage}, 0},
		{"damage twice after a prune", []func(*testing.T, string){prune, damage, damage}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filled(t)
			for _, step := range tt.steps {
				step(t, path)
			}
			mustVerify(t, path)
			j := open(t, options(path))
			var checkpoints []journal.Checkpoint
			for _, r := range pending(t, j) {
				if r.Kind == journal.KindCheckpoint {
					var c journal.Checkpoint
					must(t, json.Unmarshal(r.Body, &c))
					checkpoints = append(checkpoints, c)
				}
			}
			if len(checkpoints) != 1 || checkpoints[0].Unsent != tt.unsent {
				t.Errorf("checkpoints %+v, want one with %d unsent", checkpoints, tt.unsent)
			}
		})
	}
}

// Whoever deletes the journal must not get a first start, with the counters at 0 and the numbers at 1.
func TestMissingJournal(t *testing.T) {
	for _, tt := range []struct {
		name     string
		expected bool
		remove   []string
		code     string // of the incident; none for a first start
		aside    bool
	}{
		{"first start", false, []string{"", "-wal", "-shm"}, "", false},
		{"deleted", true, []string{"", "-wal", "-shm"}, "journal-missing", false},
		{"deleted, log left", true, []string{""}, "journal-missing", true},
		{"still there", true, nil, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := newPath(t)
			closed(t, options(path), func(j *sqlite.Journal) {
				for n := 1; n <= 40; n++ {
					commit(t, j, play(n))
				}
			})
			must(t, os.WriteFile(path+"-wal", nil, 0o600))
			for _, suffix := range tt.remove {
				if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			o := options(path)
			o.Expected = tt.expected
			closed(t, o, func(j *sqlite.Journal) {
				r := j.Recovered()
				if (r.Reason != "") != (tt.code != "") || (r.String() != "") != (tt.code != "") || (r.Aside != "") != tt.aside {
					t.Errorf("recovered %+v: %s", r, r)
				}
				if tt.code == "" {
					return
				}
				all := pending(t, j)
				if uint64(noon.UnixMilli()) >= all[0].Seq || r.Lost != "everything" {
					t.Errorf("the new chain begins at %d, lost: %s", all[0].Seq, r.Lost)
				}
				checkNewChain(t, j, journal.Cyber)
				if last := string(all[len(all)-1].Body); !strings.Contains(last, `"`+tt.code+`"`) {
					t.Errorf("incident %s, want %s", last, tt.code)
				}
			})
			mustVerify(t, path)
			closed(t, o, func(j *sqlite.Journal) {
				if r := j.Recovered(); r != (sqlite.Recovered{}) {
					t.Errorf("second start: %+v", r)
				}
			})
		})
	}
}

// A disk that dies under the running daemon: whoever writes or reads is told, and the next Open sets it right.
func TestDamageWhileRunning(t *testing.T) {
	for name, use := range map[string]func(*sqlite.Journal) error{
		"commit": func(j *sqlite.Journal) error {
			return j.Commit(t.Context(), journal.Write{Label: "x", Entries: []journal.Entry{play(99)}})
		},
		"raise": func(j *sqlite.Journal) error {
			return j.Commit(t.Context(), journal.Write{Label: "x", Raise: map[string]uint64{"playlist": 9999}})
		},
		"setting":   func(j *sqlite.Journal) error { _, err := j.Setting(t.Context(), "playlist"); return err },
		"counter":   func(j *sqlite.Journal) error { _, err := j.Counter(t.Context(), "playlist"); return err },
		"heartbeat": func(j *sqlite.Journal) error { _, _, err := j.LastHeartbeat(t.Context()); return err },
		"segments":  func(j *sqlite.Journal) error { _, err := j.Segments(t.Context(), 0, 1<<40); return err },
		"pending":   func(j *sqlite.Journal) error { _, err := j.Pending(t.Context(), 10); return err },
		"depth":     func(j *sqlite.Journal) error { _, err := j.Depth(t.Context()); return err },
		"acknowledge": func(j *sqlite.Journal) error {
			return j.Acknowledge(t.Context(), 40, journal.Hash{})
		},
		"prune": func(j *sqlite.Journal) error {
			_, err := j.Prune(t.Context(), noon, sqlite.Policy{MaxBytes: 1, Batch: 10})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t)
			closed(t, options(path), func(j *sqlite.Journal) {
				info, err := os.Stat(path)
				must(t, err)
				overwrite(t, path, 4096, []byte(strings.Repeat("\xa5", int(info.Size())-4096)))
				tamper(t, path, "PRAGMA user_version = 2") // makes SQLite forget the pages it has in memory
				if err := use(j); !errors.Is(err, journal.ErrDamaged) {
					t.Errorf("got %v, want ErrDamaged", err)
				}
			})
			closed(t, options(path), func(j *sqlite.Journal) {
				if j.Recovered().Aside == "" {
					t.Error("not recovered")
				}
				if err := use(j); errors.Is(err, journal.ErrDamaged) {
					t.Error(err)
				}
			})
		})
	}
}

// A record that its index does not know can be read, but not removed.
func TestDamagedIndexIsFoundAtOpen(t *testing.T) {
	path := newPath(t)
	closed(t, options(path), func(j *sqlite.Journal) { commit(t, j, segment(100, 200, journal.OnAir, "")) })
	tamper(t, path, `PRAGMA writable_schema = ON;
		UPDATE sqlite_schema SET sql = replace(sql, '''to''', '''from''') WHERE name = 'record_segment'`)
	j := open(t, options(path))
	if r := j.Recovered(); !strings.Contains(r.Reason, "missing from index") || r.Carried != 1 {
		t.Errorf("recovered %+v", r)
	}
}

// A damaged file may hold anything: values that no daemon wrote are left, the others are taken over.
func TestOversizedValuesAreNotTakenOver(t *testing.T) {
	path := filled(t)
	tamper(t, path, `INSERT INTO setting VALUES ('large', zeroblob(1048600)), ('fits', zeroblob(1000000));
		UPDATE heartbeat SET body = hex(zeroblob(600000));
		INSERT INTO counter VALUES (hex(zeroblob(600000)), 1);
		UPDATE record SET mono = 7 WHERE seq = 40`)
	j := open(t, options(path))
	if got := strings.Count(j.Recovered().Lost, "(1 of more than 1048576 bytes)"); got != 3 {
		t.Errorf("lost %s", j.Recovered().Lost)
	}
	for key, want := range map[string]int{"large": 0, "fits": 1000000, "playlist": 8} {
		if got, err := j.Setting(t.Context(), key); err != nil || len(got) != want {
			t.Errorf("setting %s has %d bytes, want %d, %v", key, len(got), want, err)
		}
	}
	if n, err := j.Counter(t.Context(), "playlist"); err != nil || n != 1020 {
		t.Errorf("counter %d, %v", n, err)
	}
	if _, there, err := j.LastHeartbeat(t.Context()); err != nil || there {
		t.Errorf("heartbeat there: %v, %v", there, err)
	}
}

func TestSettingsAreTakenOverUpToASum(t *testing.T) {
	path := filled(t)
	tamper(t, path, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
		INSERT INTO setting SELECT 'large' || i, zeroblob(1000000) FROM n; UPDATE record SET mono = 7 WHERE seq = 40`)
	j := open(t, options(path))
	if got := j.Recovered().Lost; !strings.Contains(got, "settings (more than 33554432 bytes)") {
		t.Errorf("lost %s", got)
	}
}
