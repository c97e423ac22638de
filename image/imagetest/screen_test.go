package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"
)

// Each script's page is equal to itself and to one whose edges were smoothed otherwise, and to no other. A page that
// lacks one diacritic is another one.
func TestPagesAreToldApart(t *testing.T) {
	pages := map[string]*image.RGBA{"picture": testPicture()}
	for _, i := range programme() {
		page, err := readPNG("testdata/screen/" + i.id + ".png")
		if err != nil {
			t.Fatal(err)
		}
		if blank(page) {
			t.Fatalf("%s: nothing is on it", i.id)
		}
		pages[i.id] = page
	}
	for name, page := range pages {
		for other, want := range pages {
			if err := same(page, want); (err == nil) != (name == other) {
				t.Errorf("%s beside %s: %v", name, other, err)
			}
		}
	}
}

func TestWhatIsAnotherPicture(t *testing.T) {
	page, err := readPNG("testdata/screen/vi.png")
	if err != nil {
		t.Fatal(err)
	}
	paper := page.RGBAAt(0, 0)
	altered := func(area image.Rectangle, c color.RGBA) *image.RGBA {
		out := image.NewRGBA(page.Bounds())
		copy(out.Pix, page.Pix)
		draw.Draw(out, area, &image.Uniform{c}, image.Point{}, draw.Src)
		return out
	}
	lit := func(c color.RGBA, by uint8) color.RGBA { return color.RGBA{c.R + by, c.G + by, c.B + by, 255} }
	for _, tt := range []struct {
		name string
		seen *image.RGBA
		same bool
	}{
		{"itself", page, true},
		{"a little brighter paper", altered(image.Rect(0, 0, 200, 60), lit(paper, 10)), true},
		{"a dot of ink that is not there in truth", altered(image.Rect(100, 100, 107, 107), color.RGBA{255, 255, 255, 255}), false},
		{"a line of text is missing", altered(image.Rect(0, 150, screenW, 250), paper), false},
		{"black", image.NewRGBA(page.Bounds()), false},
		{"another size", image.NewRGBA(image.Rect(0, 0, 640, 480)), false},
	} {
		if err := same(tt.seen, page); (err == nil) != tt.same {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Each mark that touches no other ink, a diacritic or a letter, is missed where it is not there.
func TestEachMissingMarkIsNoticed(t *testing.T) {
	for page, small := range map[string]int{"vi": 25, "km": 8} {
		want, err := readPNG("testdata/screen/" + page + ".png")
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, mark := range marks(want) {
			seen := image.NewRGBA(want.Bounds())
			copy(seen.Pix, want.Pix)
			area := image.Rectangle{mark[0], mark[0].Add(image.Pt(1, 1))}
			for _, p := range mark {
				area = area.Union(image.Rectangle{p, p.Add(image.Pt(1, 1))})
				// And its smoothed edge.
				draw.Draw(seen, image.Rectangle{p, p.Add(image.Pt(1, 1))}.Inset(-1), &image.Uniform{want.RGBAAt(0, 0)}, image.Point{}, draw.Src)
			}
			if area.Dx() <= 24 && area.Dy() <= 20 {
				found++
			}
			if same(seen, want) == nil {
				t.Errorf("%s: nobody misses the mark of %d pixels at %v", page, len(mark), area)
			}
		}
		t.Logf("%s: %d small marks", page, found)
		if found < small {
			t.Errorf("%s: %d small marks, expected %d at least", page, found, small)
		}
	}
}

// marks are the pieces of ink that hang together, each by its points.
func marks(page *image.RGBA) [][]image.Point {
	paper, seen := page.RGBAAt(0, 0), map[image.Point]bool{}
	ink := func(p image.Point) bool {
		c := page.RGBAAt(p.X, p.Y)
		return p.In(page.Bounds()) && max(apart(c.R, paper.R), apart(c.G, paper.G), apart(c.B, paper.B)) > 64
	}
	var all [][]image.Point
	for y := range page.Bounds().Dy() {
		for x := range page.Bounds().Dx() {
			if from := image.Pt(x, y); ink(from) && !seen[from] {
				seen[from] = true
				mark := []image.Point{from}
				for i := 0; i < len(mark); i++ {
					for _, step := range []image.Point{{1, 0}, {-1, 0}, {0, 1}, {0, -1}} {
						if p := mark[i].Add(step); ink(p) && !seen[p] {
							seen[p] = true
							mark = append(mark, p)
						}
					}
				}
				all = append(all, mark)
			}
		}
	}
	return all
}

func TestReadPPM(t *testing.T) {
	seen, err := readPPM(strings.NewReader("P6\n2 1\n255\n\x01\x02\x03\xff\x00\x10"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(seen.RGBAAt(0, 0), seen.RGBAAt(1, 0)); got != "{1 2 3 255} {255 0 16 255}" {
		t.Error(got)
	}
	for _, wrong := range []string{"", "P5\n2 1\n255\n123456", "P6\n2 1\n65535\n123456", "P6\n2 1\n255\n12345", "P6\n99999 99999\n255\n"} {
		if _, err := readPPM(strings.NewReader(wrong)); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

func FuzzReadPPM(f *testing.F) {
	f.Add([]byte("P6\n2 1\n255\n123456"))
	f.Add([]byte("P6\n8192 1\n255\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if seen, err := readPPM(bytes.NewReader(b)); err == nil && seen.Bounds().Empty() {
			t.Error("an empty screen was read")
		}
	})
}
