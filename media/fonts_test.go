package media_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"bangtin/media"
)

// Debian's fonts-noto-core, which the image pins and `make test` installs.
const notoDir = "/usr/share/fonts/truetype/noto"

func fonts(t testing.TB) *media.Fonts {
	t.Helper()
	f, err := media.LoadFonts(notoDir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func textOnly(body string) *media.Playlist {
	return &media.Playlist{Items: []media.Item{{ID: "card", Text: &media.Text{Body: body}}}}
}

func TestFontsCover(t *testing.T) {
	f := fonts(t)
	for _, words := range []string{
		"Cửa khẩu quốc tế Tịnh Biên: mở cửa 7 giờ đến 18 giờ, “miễn phí” – 50.000 ₫…",
		"ĂÂĐÊÔƠƯ ăâđêôơư ẮẰẲẴẶ ấầẩẫậ ỀỂỄỆ ốồổỗộ ỚỜỞỠỢ ứừửữự ỳỷỹỵ",
		"Welcome to the border gate.\nOpen 7 a.m. to 6 p.m.",
		"សូមស្វាគមន៍មកកាន់ច្រកទ្វារព្រំដែន ៛ ១២៣៤៥៦៧៨៩០ ។",
		"ក\u200bខ",
	} {
		if err := f.Covers(textOnly(words)); err != nil {
			t.Errorf("%q: %v", words, err)
		}
	}
	if err := f.Covers(samplePlaylist(t)); err != nil {
		t.Error(err)
	}
}

func TestMissingGlyphIsNamed(t *testing.T) {
	f := fonts(t)
	for _, r := range []rune{'欢', 'ไ', '😀', 'א', '\u0e3f' + 1} {
		p := textOnly("a" + string(r) + "b" + string(r))
		var found media.Findings
		if !errors.As(f.Covers(p), &found) || len(found) != 1 {
			t.Errorf("%q: found %v, want one finding", r, found)
			continue
		}
		got := found[0].String()
		if !strings.Contains(got, string(r)) || !strings.Contains(got, `"card"`) || !strings.Contains(got, "U+") {
			t.Errorf("%q: does not name character and item: %s", r, got)
		}
	}
}

// Fontconfig reads the same files with FreeType, which knows nothing of our reader.
func TestFontsAgreeWithFontconfig(t *testing.T) {
	has := make(map[rune]bool)
	for _, name := range media.FontFiles() {
		out, err := exec.Command("fc-query", "-f", "%{charset}", filepath.Join(notoDir, name)).Output()
		if err != nil {
			t.Fatalf("fc-query (package fontconfig): %v", err)
		}
		for _, span := range strings.Fields(string(out)) {
			lo, hi, ok := strings.Cut(span, "-")
			if !ok {
				hi = lo
			}
			first, err1 := strconv.ParseInt(lo, 16, 32)
			last, err2 := strconv.ParseInt(hi, 16, 32)
			if err1 != nil || err2 != nil {
				t.Fatalf("fc-query says %q", span)
			}
			for r := first; r <= last; r++ {
				has[rune(r)] = true
			}
		}
	}
	if len(has) < 2000 {
		t.Fatalf("fc-query knows %d characters", len(has))
	}
	f := fonts(t)
	for r := rune(' '); r < 0x20000; r++ {
		if !unicode.IsGraphic(r) {
			continue // fontconfig leaves out some characters that nothing is drawn for
		}
		if covered := f.Covers(textOnly(string(r))) == nil; covered != has[r] {
			t.Errorf("%q %U: covered %v, fontconfig says %v", r, r, covered, has[r])
		}
	}
}

func TestLoadFontsRefuses(t *testing.T) {
	if _, err := media.LoadFonts(t.TempDir()); err == nil {
		t.Error("an empty folder is accepted")
	}
	good, err := os.ReadFile(filepath.Join(notoDir, media.FontFiles()[0]))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 5, 100, 14000} {
		dir := t.TempDir()
		for _, name := range media.FontFiles() {
			if err := os.WriteFile(filepath.Join(dir, name), good[:n], 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := media.LoadFonts(dir); err == nil {
			t.Errorf("a font of %d bytes is accepted", n)
		}
	}
}
