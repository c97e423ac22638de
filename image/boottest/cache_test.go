package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shelf is a cache with a folder of each name and age.
func shelf(t *testing.T, ages map[string]time.Duration) cache {
	t.Helper()
	c := cache{t.TempDir()}
	for name, age := range ages {
		dir := filepath.Join(c.dir, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		made := time.Now().Add(-age)
		if err := os.Chtimes(dir, made, made); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestForget(t *testing.T) {
	long := keptFor + runsOut + time.Hour
	c := shelf(t, map[string]time.Duration{
		"boottest-young": 0, "boottest-in-use": keptFor + time.Hour, "boottest-old": long, "boottest-making-1": 0, "boottest.lock": long, "other": long,
	})
	if err := c.forget(time.Now()); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(c.dir + "/*")
	want := []string{c.dir + "/boottest-in-use", c.dir + "/boottest-young", c.dir + "/boottest.lock", c.dir + "/other"}
	if diff := cmp.Diff(want, left); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// TestBaseAges: a base is too old by its making, however often it is used.
func TestBaseAges(t *testing.T) {
	old, young := recipe()+"-1", recipe()+"-2"
	for _, tt := range []struct {
		name string
		ages map[string]time.Duration
		want string
	}{
		{"none", nil, ""},
		{"young", map[string]time.Duration{young: keptFor - time.Hour}, young},
		{"old", map[string]time.Duration{old: keptFor + time.Hour}, ""},
		{"both", map[string]time.Duration{old: keptFor + time.Hour, young: 0}, young},
		{"of another recipe", map[string]time.Duration{"boottest-0123456789abcdef-1": 0}, ""},
		{"half made", map[string]time.Duration{"boottest-making-1": 0}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := shelf(t, tt.ages)
			var out bytes.Buffer
			for range 2 { // being used makes it no younger
				b, found, err := c.find(time.Now())
				if err != nil || found != (tt.want != "") || found && b.dir != filepath.Join(c.dir, tt.want) {
					t.Errorf("found %v %v, %v", b, found, err)
				}
				if found {
					if again, err := c.base(t.Context(), &out); err != nil || again != b || out.Len() > 0 {
						t.Errorf("used as %v, %v: %s", again, err, out.String())
					}
				}
			}
			const somebody = 1000
			if err := c.permit(somebody); (err == nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), "only root") {
				t.Errorf("without root: %v", err)
			}
			if err := c.permit(0); err != nil {
				t.Errorf("as root: %v", err)
			}
			if b, found, err := c.find(time.Now().Add(keptFor)); found && tt.ages[young] > 0 || err != nil {
				t.Errorf("two weeks later %v is found, %v", b, err)
			}
		})
	}
}

func TestPublish(t *testing.T) {
	from := filepath.Join(t.TempDir(), "base")
	for _, dir := range []string{from, from + "/modules"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(from+"/modules/a.ko", []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "made")
	if err := publish(from, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to + "/modules/a.ko"); string(got) != "a" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := os.Stat(from); !os.IsNotExist(err) {
		t.Errorf("it is still where it was made: %v", err)
	}
	if err := publish(from, to); !os.IsNotExist(err) {
		t.Errorf("what is not there was published: %v", err)
	}
}
