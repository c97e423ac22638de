package mpv_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"bangtin/media"
	"bangtin/media/mpv"
)

const fontFolder = "/usr/share/fonts/truetype/noto"

func typesetter(t testing.TB) *mpv.Typesetter {
	t.Helper()
	setter, err := mpv.NewTypesetter(fontFolder)
	if err != nil {
		t.Fatalf("package fonts-noto-core is needed: %v", err)
	}
	return setter
}

func sign(heading, body string) media.Text {
	return media.Text{Heading: heading, Body: body, Foreground: "#ffffff", Background: "#102030"}
}

var (
	dialogue = regexp.MustCompile(`(?m)^Dialogue: 0,0:00:00\.00,9:59:59\.00,Sign,,0,0,0,,(.*)$`)
	override = regexp.MustCompile(`\{[^}]*\}`)
)

// lines are the lines of text of a card as libass will see them, without the fonts.
func lines(t *testing.T, card mpv.Card) []string {
	t.Helper()
	var all []string
	for _, match := range dialogue.FindAllStringSubmatch(string(card.ASS), -1) {
		if text := override.ReplaceAllString(match[1], ""); !strings.HasPrefix(text, "m 0 0 l") {
			all = append(all, text)
		}
	}
	return all
}

func set(t *testing.T, text media.Text) mpv.Card {
	t.Helper()
	card, err := typesetter(t).Set(text, mpv.SheetFor(0))
	if err != nil {
		t.Fatal(err)
	}
	return card
}

func TestTheSameTextGivesTheSameBytes(t *testing.T) {
	for language, text := range signs() {
		if !bytes.Equal(set(t, text).ASS, set(t, text).ASS) {
			t.Errorf("%s differs from itself", language)
		}
	}
}

func TestKhmerIsNeverTornInsideACluster(t *testing.T) {
	body := strings.ReplaceAll(signs()[media.Khmer].Body, "\u200B", "")
	body = strings.ReplaceAll(strings.Repeat(body+"\n", 3), " ", "")
	for size := 40; size < len([]rune(body)); size += 37 {
		broken := lines(t, set(t, sign("", string([]rune(body)[:size])+"ក")))
		for i, line := range broken {
			first, last := []rune(line)[0], []rune(line)[len([]rune(line))-1]
			if unicode.Is(unicode.M, first) || strings.ContainsRune("។៕៖ៗ", first) {
				t.Errorf("line %d begins with %U: %q", i, first, line)
			}
			if last == '\u17D2' {
				t.Errorf("line %d ends with a coeng: %q", i, line)
			}
		}
		if got := strings.Join(broken, ""); got != strings.ReplaceAll(string([]rune(body)[:size])+"ក", "\n", "") {
			t.Errorf("characters were lost: %q", got)
		}
	}
}

func TestLinesBreakAtTheBestPlaces(t *testing.T) {
	for _, test := range []struct{ name, body, want string }{
		{"a third line rather than a torn word", "This display is on air from 07:00 to 11:00 and from 14:00 to 18:00 every day, holidays included.", " "},
		{"Latin at spaces", "Weapons, explosives, fireworks and prohibited goods must not be carried across the border.", " "},
		{"Khmer at zero-width spaces", "អ្នកឆ្លងកាត់ច្រកទ្វារព្រំដែន\u200Bត្រូវបង្ហាញលិខិតឆ្លងដែន\u200Bឬប័ណ្ណឆ្លងដែន\u200Bដែលនៅមានសុពលភាព។", "\u200B"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := lines(t, set(t, sign("", test.body)))
			if len(got) < 2 || strings.Join(got, test.want) != test.body {
				t.Errorf("broken as %q", got)
			}
		})
	}
}

func TestTextCannotCommandTheRenderer(t *testing.T) {
	for _, body := range []string{
		`{\pos(0,0)\fs200}big`, `a\Nb\hc\{d\}`, `{\an7}{`, `}{\p1}m 0 0 l 9 9`, "a\nDialogue: 0,0:00:00.00,9:59:59.00,Sign,,0,0,0,,b",
		"a\r\n[Script Info]\r\nPlayResX: 1", `\`, `\\N`, `{`,
	} {
		card := set(t, sign("", body))
		if strings.Count(string(card.ASS), "[Script Info]") != 1+strings.Count(body, "[Script Info]") {
			t.Errorf("%q: sections", body)
		}
		for _, line := range strings.Split(string(card.ASS), "\n")[14:] {
			if line != "" && !dialogue.MatchString(line) {
				t.Errorf("%q opened a line of its own: %q", body, line)
			}
		}
		for _, match := range dialogue.FindAllStringSubmatch(string(card.ASS), -1) {
			// What stays after the tags of our own, which open at the front or name a font, must be inert.
			rest := regexp.MustCompile(`^\{\\an8\\pos\([\d.,]+\)\\fs[\d.]+\\b0\}`).ReplaceAllString(match[1], "")
			if bad := regexp.MustCompile(`(^|[^\\])[{]|\\[^{}` + "\u2060" + `]|\\$`).FindString(rest); bad != "" {
				t.Errorf("%q leaves %q in %q", body, bad, rest)
			}
		}
	}
}

func TestWhatCannotBeSet(t *testing.T) {
	for _, test := range []struct {
		name string
		text media.Text
		want string
	}{
		{"a glyph no pinned font has", sign("", "欢迎"), "U+6B22"},
		{"an emoji", sign("", "ok 🙂"), "U+1F642"},
		{"nothing", sign(" ", "\n"), "empty text"},
		{"too many lines", sign("", strings.Repeat("a\n", 600)), "does not fit"},
		{"too long a body", sign("", strings.Repeat("a", 1201)), "more than 120 and 1200 characters"},
		{"too long a heading", sign(strings.Repeat("a", 121), ""), "more than 120 and 1200 characters"},
		{"a colour by name", media.Text{Body: "a", Foreground: "red", Background: "#000000"}, "must be #rrggbb"},
		{"no colour", media.Text{Body: "a", Foreground: "#ffffff"}, "must be #rrggbb"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := typesetter(t).Check(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestTheLongestTextsOfAManifestFit(t *testing.T) {
	for language, text := range signs() {
		heading := []rune(strings.Repeat(text.Heading+" ", 8))[:120]
		body := []rune(strings.Repeat(strings.ReplaceAll(text.Body, "\n", " ")+" ", 12))[:1200]
		for _, sheet := range []mpv.Sheet{mpv.SheetFor(0), mpv.SheetFor(90)} {
			card, err := typesetter(t).Set(sign(string(heading), string(body)), sheet)
			if err != nil {
				t.Errorf("%s on %v: %v", language, sheet, err)
			}
			t.Logf("%s on %v: %d pixels", language, sheet, card.BodySize)
		}
	}
}

func TestFontsThatAreNone(t *testing.T) {
	for name, content := range map[string][]byte{
		"empty": nil, "text": []byte("not a font"), "header": append([]byte{0, 1, 0, 0, 255, 255}, make([]byte, 80)...),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, file := range mpv.FontFiles() {
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := mpv.NewTypesetter(dir); err == nil {
				t.Error("taken for a font")
			}
		})
	}
	if _, err := mpv.NewTypesetter(t.TempDir()); err == nil {
		t.Error("no fonts at all are taken for fonts")
	}
}

func FuzzText(f *testing.F) {
	f.Add("TIÊU ĐỀ", "Nội dung {\\b1} \\N")
	f.Add("", signs()[media.Khmer].Body)
	setter := typesetter(f)
	f.Fuzz(func(t *testing.T, heading, body string) {
		card, err := setter.Set(sign(heading, body), mpv.SheetFor(0))
		if err != nil {
			return
		}
		for _, line := range strings.Split(strings.TrimSuffix(string(card.ASS), "\n"), "\n")[14:] {
			if !dialogue.MatchString(line) {
				t.Errorf("opened a line of its own: %q", line)
			}
		}
	})
}
