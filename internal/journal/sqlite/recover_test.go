package sqlite_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/journal"
	"bangtin/internal/journal/sqlite"
)

// filled writes what a recovery has to take over: 40 records, 30 of them acknowledged.
func filled(t *testing.T) string {
	t.Helper()
	path := newPath(t)
	closed(t, options(path), func(j *sqlite.Journal) {
		for n := 1; n <= 20; n++ {
			must(t, j.Commit(t.Context(), journal.Write{
				Label:    "fill",
				Entries:  []journal.Entry{play(n), incident(n)},
				Settings: map[string][]byte{"playlist": []byte("tet-2027")},
				Raise:    map[string]uint64{"playlist": uint64(1000 + n)},

				Heartbeat: &journal.Heartbeat{At: int64(57 + n), Floor: 70},
			}))
		}
		must(t, j.Acknowledge(t.Context(), 30, pending(t, j)[29].Hash))
	})
	return path
}

func overwrite(t *testing.T, path string, offset int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt(data, offset)
	must(t, errors.Join(err, f.Close()))
}

// findPage returns the offset of the first leaf page of a table that holds text.
func findPage(t *testing.T, path, text string) int64 {
	t.Helper()
	const pageSize, tableLeaf = 4096, 0x0D // https://sqlite.org/fileformat2.html#b_tree_pages
	data, err := os.ReadFile(path)
	must(t, err)
	for at := 0; at < len(data); at += pageSize {
		if data[at] == tableLeaf && strings.Contains(string(data[at:at+pageSize]), text) {
			return int64(at)
		}
	}
	t.Fatalf("no page holds %q", text)
	return 0
}

func TestDamagedJournalIsReplaced(t *testing.T) {
	junk := make([]byte, 4096)
	for i := range junk {
		junk[i] = 0xA5
	}
	for _, tt := range []struct {
		name              string
		damage            func(t *testing.T, path string)
		settings, records bool // are taken over
		class             journal.IncidentClass
	}{
		{"a page of records", func(t *testing.T, path string) {
			overwrite(t, path, findPage(t, path, "item-2"), junk)
		}, true, true, journal.Technical},
		{"the page of settings", func(t *testing.T, path string) {
			overwrite(t, path, findPage(t, path, "playlisttet-2027"), junk)
		}, false, true, journal.Technical},
		{"the header", func(t *testing.T, path string) { overwrite(t, path, 0, junk) }, false, false, journal.Technical},
		{"cut in half", func(t *testing.T, path string) {
			info, err := os.Stat(path)
			must(t, err)
			must(t, os.Truncate(path, info.Size()/2))
		}, false, false, journal.Technical},
		{"emptied", func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }, false, false, journal.Technical},
		{"no database at all", func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte(strings.Repeat("cửa khẩu ", 2000)), 0o600))
		}, false, false, journal.Technical},
		{"database gone, log left", func(t *testing.T, path string) {
			must(t, os.Rename(path, path+"-wal"))
		}, false, false, journal.Cyber},
		{"last record removed", func(t *testing.T, path string) {
			tamper(t, path, "DELETE FROM record WHERE seq = 40")
		}, true, false, journal.Cyber},
		{"head rewritten", func(t *testing.T, path string) {
			tamper(t, path, "UPDATE chain SET at = at + 1")
		}, true, false, journal.Cyber},
		{"head removed", func(t *testing.T, path string) { tamper(t, path, "DELETE FROM chain") }, true, false, journal.Technical},
		{"a table removed", func(t *testing.T, path string) { tamper(t, path, "DROP TABLE chain") }, true, false, journal.Technical},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filled(t)
			tt.damage(t, path)
			j := open(t, options(path))
			r := j.Recovered()
			if r.Aside == "" || r.Reason == "" || !strings.Contains(r.String(), r.Aside) {
				t.Fatalf("recovered %+v", r)
			}
			if _, err := os.Stat(r.Aside); err != nil && tt.name != "database gone, log left" {
				t.Error(err)
			}
			checkTakenOver(t, j, tt.settings, tt.records)
			checkNewChain(t, j, tt.class)
			commit(t, j, play(99))
			mustVerify(t, path)
		})
	}
}

func checkTakenOver(t *testing.T, j *sqlite.Journal, settings, records bool) {
	t.Helper()
	setting, err := j.Setting(t.Context(), "playlist")
	must(t, err)
	if got := string(setting) == "tet-2027"; got != settings {
		t.Errorf("setting is %q; taken over should be %v; lost: %s", setting, settings, j.Recovered().Lost)
	}
	if got := j.Recovered().Carried == 10; got != records {
		t.Errorf("%d records taken over; should be all 10: %v; lost: %s", j.Recovered().Carried, records, j.Recovered().Lost)
	}
	if !(settings && records) && j.Recovered().Lost == "" {
		t.Error("the loss is not told")
	}
}

func checkNewChain(t *testing.T, j *sqlite.Journal, class journal.IncidentClass) {
	t.Helper()
	all := pending(t, j)
	first, last := all[0], all[len(all)-1]
	if first.Kind != journal.KindCheckpoint || !strings.Contains(string(first.Body), `"reason":"damaged"`) {
		t.Errorf("first record is %s %s", first.Kind, first.Body)
	}
	if first.Seq <= 40 {
		t.Errorf("the new chain begins at %d, not above the old one's 40", first.Seq)
	}
	if last.Kind != journal.KindIncident || !strings.Contains(string(last.Body), `"class":"`+string(class)+`"`) {
		t.Errorf("last record is %s %s, want class %s", last.Kind, last.Body, class)
	}
	if len(all) != j.Recovered().Carried+2 {
		t.Errorf("%d records for %d taken over", len(all), j.Recovered().Carried)
	}
	for n, r := range all[1 : len(all)-1] {
		if want := []journal.Entry{play(16 + n/2), incident(16 + n/2)}[n%2]; r.Stamp != want.Stamp || r.Kind != want.Kind {
			t.Errorf("record %d taken over is %+v, want %+v", n, r.Stamp, want.Stamp)
		}
	}
}

// damagePage makes the next Open find the journal damaged; all records stay readable.
func damagePage(t *testing.T, path string) {
	t.Helper()
	overwrite(t, path, findPage(t, path, "playlisttet-2027"), make([]byte, 4096))
}

func TestJournalOfAnotherDeviceIsSetAside(t *testing.T) {
	path := filled(t)
	o := options(path)
	o.Key = ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))
	j := open(t, o)
	if r := j.Recovered(); !strings.Contains(r.Reason, "not signed by this device") || r.Carried != 0 {
		t.Errorf("recovered %+v", r)
	}
}

func TestTwoDamagedJournalsAreKept(t *testing.T) {
	path := filled(t)
	o := options(path)
	for n := range 5 {
		at := noon.Add(time.Duration(n) * time.Hour)
		o.Stamp = func() journal.Stamp { return stampAt(at) }
		must(t, os.WriteFile(path, []byte(fmt.Sprintf("damage %d %s", n, strings.Repeat("x", 1000))), 0o600))
		closed(t, o, func(j *sqlite.Journal) {
			if j.Recovered().Aside == "" {
				t.Fatal("not recovered")
			}
		})
	}
	kept, err := filepath.Glob(path + ".damaged-*")
	must(t, err)
	want := []string{path + ".damaged-20270101T080000Z", path + ".damaged-20270101T090000Z"}
	if strings.Join(kept, " ") != strings.Join(want, " ") {
		t.Errorf("kept %v, want %v", kept, want)
	}
}

// Whatever names a power cut between two steps of the replacement leaves, the next start understands them. That
// their contents are on the disk is what TestSyncs shows.
func TestReplacementInterrupted(t *testing.T) {
	ready := filled(t) // stands for a complete new journal
	for name, before := range map[string]func(t *testing.T, path string){
		"draft half written": func(t *testing.T, path string) {
			copyFile(t, ready, path)
			must(t, os.WriteFile(path+".draft", []byte("half"), 0o600))
			must(t, os.WriteFile(path+".draft-wal", []byte("half"), 0o600))
		},
		"first start, draft half written": func(t *testing.T, path string) {
			must(t, os.WriteFile(path+".draft", []byte("half"), 0o600))
		},
		"ready, damaged one still there": func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte(strings.Repeat("damaged", 500)), 0o600))
			copyFile(t, ready, path+".ready")
		},
		"ready, damaged one aside, its log still there": func(t *testing.T, path string) {
			must(t, os.WriteFile(path+"-wal", []byte("log of the damaged one"), 0o600))
			copyFile(t, ready, path+".ready")
		},
		"ready, nothing else there": func(t *testing.T, path string) { copyFile(t, ready, path+".ready") },
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			before(t, path)
			closed(t, options(path), func(j *sqlite.Journal) { commit(t, j, play(1)) })
			mustVerify(t, path)
			for _, left := range []string{".draft", ".draft-wal", ".ready"} {
				if _, err := os.Stat(path + left); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("%s is still there (%v)", left, err)
				}
			}
		})
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, data, 0o600))
}

// Whatever is missing at the end of the log, the rest is a whole chain.
func TestLogCutAnywhere(t *testing.T) {
	path := newPath(t)
	j := open(t, options(path))
	for n := 1; n <= 6; n++ {
		must(t, j.Commit(t.Context(), journal.Write{
			Label: "x", Entries: []journal.Entry{play(n)}, Raise: map[string]uint64{"n": uint64(n)},
		}))
	}
	database, err := os.ReadFile(path)
	must(t, err)
	log, err := os.ReadFile(path + "-wal")
	must(t, err)
	seen := map[int]bool{}
	for cutOff := 0; cutOff <= len(log); cutOff += 1024 {
		size := len(log) - cutOff
		cut := newPath(t)
		must(t, os.WriteFile(cut, database, 0o600))
		must(t, os.WriteFile(cut+"-wal", log[:size], 0o600))
		closed(t, options(cut), func(j *sqlite.Journal) {
			if r := j.Recovered(); r != (sqlite.Recovered{}) {
				t.Errorf("cut at %d: %v", size, r)
			}
			n, err := j.Counter(t.Context(), "n")
			must(t, err)
			if got := len(pending(t, j)); got != int(n) {
				t.Errorf("cut at %d: counter %d, %d records", size, n, got)
			}
			seen[int(n)] = true
		})
		mustVerify(t, cut)
	}
	if len(seen) != 7 {
		t.Errorf("states seen: %v, want 0 to 6", seen)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, change := range map[string]func(*sqlite.Options){
		"no path":   func(o *sqlite.Options) { o.Path = "" },
		"short key": func(o *sqlite.Options) { o.Key = o.Key[:10] },
		"no stamp":  func(o *sqlite.Options) { o.Stamp = nil },
		"no logger": func(o *sqlite.Options) { o.Log = nil },
		"tiny":      func(o *sqlite.Options) { o.MaxBytes = 4096 },
		"no folder": func(o *sqlite.Options) { o.Path = filepath.Join(o.Path, "no", "folder") },
	} {
		o := options(newPath(t))
		change(&o)
		if _, err := sqlite.Open(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "cannot open journal") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestOddPaths(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a ?b#c%20d&mode=ro")
	must(t, os.Mkdir(folder, 0o700))
	path := filepath.Join(folder, "journal.db")
	closed(t, options(path), func(j *sqlite.Journal) { commit(t, j, play(1)) })
	if report := mustVerify(t, path); report.Records != 1 {
		t.Errorf("report %+v", report)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
