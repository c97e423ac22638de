package notice_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/notice"
)

func sound() notice.Notice {
	return notice.Notice{Part: "setup", Code: "S01", Vi: "Chưa có tệp cấu hình: cắm USB của Sở.", En: "There is no site file: plug in the department's USB stick."}
}

func TestPutAllClear(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "notices")
	if all, err := notice.All(dir); err != nil || len(all) != 0 {
		t.Fatalf("before the first: %v, %v", all, err)
	}
	n := sound()
	if err := notice.Put(dir, n); err != nil {
		t.Fatal(err)
	}
	n.Code, n.Details = "S06", []string{"line 3: unknown key\nx", strings.Repeat("ệ", 200)}
	if err := notice.Put(dir, n); err != nil {
		t.Fatal(err)
	}
	all, err := notice.All(dir)
	if err != nil {
		t.Fatal(err)
	}
	n.Details = []string{"line 3: unknown key x", strings.Repeat("ệ", 100)}
	if diff := cmp.Diff([]notice.Notice{n}, all); diff != "" {
		t.Errorf("what was put, and what is read: %s", diff)
	}
	if err := notice.Clear(dir, n.Part); err != nil {
		t.Fatal(err)
	}
	if err := notice.Clear(dir, n.Part); err != nil {
		t.Errorf("none to take away: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestPutRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, change := range map[string]func(*notice.Notice){
		"part":     func(n *notice.Notice) { n.Part = "../x" },
		"code":     func(n *notice.Notice) { n.Code = "S1" },
		"one":      func(n *notice.Notice) { n.En = "" },
		"long":     func(n *notice.Notice) { n.Vi = strings.Repeat("a", notice.MaxText+1) },
		"controls": func(n *notice.Notice) { n.Vi = "a\x1b[2Jb" },
	} {
		n := sound()
		change(&n)
		if err := notice.Put(dir, n); err == nil {
			t.Errorf("%s: put", name)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left by refusals: %v, %v", left, err)
	}
}

func TestAllWithABadOne(t *testing.T) {
	dir := t.TempDir()
	if err := notice.Put(dir, sound()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data.json"), []byte(`{"code":"D01"`), 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := notice.All(dir)
	if len(all) != 1 || err == nil || !strings.Contains(err.Error(), "data") {
		t.Errorf("%v, %v", all, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"code":"S01","vi":"a","en":"b","details":["c"]}`))
	f.Add([]byte(`{"code":"S01","vi":"a","en":"b","x":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := notice.Parse(data)
		if err != nil {
			return
		}
		n.Part = "x"
		if err := notice.Put(t.TempDir(), n); err != nil {
			t.Fatalf("read, and not to be written: %v", err)
		}
	})
}
