package site_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bangtin/internal/site"
)

// FuzzParse: whatever the bytes, Parse ends with a site that keeps its promises or with an error of lines that
// a person can read.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(filepath.Join("testdata", "example.toml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	f.Add([]byte("site.id = \"abc\"\nsite.gate = \"G\"\npanel = { driver = \"sim\" }"))
	f.Add([]byte("[site]\nid = 1\n[[panel]]\n[broker]\nca = \"../x\"\nurl = \"tls://a:b\""))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := site.Parse(data)
		if err != nil {
			checkError(t, err)
			return
		}
		checkSite(t, s)
	})
}

func checkError(t *testing.T, err error) {
	var all *site.Error
	if !errors.As(err, &all) || len(all.Findings) == 0 {
		t.Fatalf("error without findings: %v", err)
	}
	if lines := strings.Split(err.Error(), "\n"); len(lines) != len(all.Findings) {
		t.Fatalf("%d findings on %d lines: %q", len(all.Findings), len(lines), err)
	}
}

func checkSite(t *testing.T, s *site.Site) {
	if len(s.ID) < 3 || strings.Trim(s.ID, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		t.Fatalf("id %q", s.ID)
	}
	if len(s.Schedule.Windows) == 0 || s.Location == nil {
		t.Fatalf("no windows or no time zone: %+v", s)
	}
	var end time.Duration
	for _, w := range s.Schedule.Windows {
		if w.From < end || w.To <= w.From || w.To > 24*time.Hour {
			t.Fatalf("windows %v", s.Schedule.Windows)
		}
		end = w.To
	}
	if s.Broker == nil {
		return
	}
	for _, path := range []string{s.Broker.CA, s.Broker.Certificate, s.Broker.Key} {
		rel, err := filepath.Rel(s.Data, path)
		if err != nil || !filepath.IsLocal(rel) {
			t.Fatalf("%q escapes %q", path, s.Data)
		}
	}
	if !strings.HasPrefix(s.Broker.URL, "tls://") {
		t.Fatalf("broker %q", s.Broker.URL)
	}
}
