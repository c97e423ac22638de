package main

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/image/draw"
	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"bangtin/image/initrd/slate"
	"bangtin/internal/notice"
)

// maxFont is the longest font file in bytes; Noto Sans has 0.6 MiB.
const maxFont = 4 << 20

// A screen shows a notice's code over the slate, on a display that has no daemon yet: the only thing that an installer in
// front of it sees. Whoever hands it a notice sees to it that no player runs.
type screen struct {
	paths  Paths
	link   string      // whose framebuffer it was when something was shown on it
	before *image.RGBA // what was there then; nil: nothing was shown yet
	code   string      // what is shown
}

// show draws a notice. Without a framebuffer, as on a controller without a display, there is nothing to do.
func (s *screen) show(n notice.Notice) error {
	link, err := os.Readlink(s.paths.ScreenLink)
	if errors.Is(err, fs.ErrNotExist) || err == nil && link == s.link && n.Code == s.code {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot find the screen: %w", err)
	}
	if link != s.link || s.before == nil { // the card's driver took over from the firmware's picture
		if s.before, err = slate.Take(s.paths.Screen); err != nil {
			return err
		}
	}
	with := image.NewRGBA(s.before.Rect)
	copy(with.Pix, s.before.Pix)
	if err := s.paths.draw(with, n); err != nil {
		return err
	}
	if err := slate.Show(s.paths.Screen, with); err != nil {
		return err
	}
	s.link, s.code = link, n.Code
	return nil
}

// restore gives the slate back.
func (s *screen) restore() error {
	if s.code == "" {
		return nil
	}
	s.code = ""
	return slate.Show(s.paths.Screen, s.before)
}

// draw writes a notice in the lower part of a picture: its code in letters to be read from across the hall, and both
// sentences beside it.
func (p Paths) draw(on *image.RGBA, n notice.Notice) error {
	w, h := on.Rect.Dx(), on.Rect.Dy()
	unit := min(w, h*16/9) // what the letters are measured by: a narrow screen gets smaller ones
	large, err := p.face("NotoSans-Bold.ttf", float64(unit)/14)
	if err != nil {
		return err
	}
	defer large.Close()
	small, err := p.face("NotoSans-Regular.ttf", float64(unit)/50)
	if err != nil {
		return err
	}
	defer small.Close()
	margin := unit / 40
	left := 2*margin + font.MeasureString(large, n.Code).Ceil() + margin
	lines := append(wrap(small, n.Vi, w-left-margin), wrap(small, n.En, w-left-margin)...)
	step := small.Metrics().Height.Ceil()
	height := max(len(lines)*step, large.Metrics().Height.Ceil()) + 2*margin
	band := image.Rect(0, h-height-margin, w, h-margin).Intersect(on.Rect)
	draw.Draw(on, band, image.NewUniform(color.RGBA{0x10, 0x18, 0x28, 0xff}), image.Point{}, draw.Src)

	white := image.NewUniform(color.White)
	middle := (band.Min.Y + band.Max.Y) / 2
	m := large.Metrics()
	write(on, large, white, image.Pt(2*margin, middle+(m.CapHeight.Ceil())/2), n.Code)
	y := middle - len(lines)*step/2 + small.Metrics().Ascent.Ceil()
	for _, line := range lines {
		write(on, small, white, image.Pt(left, y), line)
		y += step
	}
	return nil
}

func (p Paths) face(name string, size float64) (font.Face, error) {
	data, err := readBounded(filepath.Join(p.Fonts, name), maxFont)
	if err != nil {
		return nil, fmt.Errorf("cannot read a font: %w", err)
	}
	parsed, err := opentype.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("cannot read a font: %w", err)
	}
	face, err := opentype.NewFace(parsed, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingFull}) // 72: a point is a pixel
	if err != nil {
		return nil, fmt.Errorf("cannot use a font: %w", err)
	}
	return face, nil
}

func write(on draw.Image, face font.Face, colour image.Image, at image.Point, text string) {
	d := font.Drawer{Dst: on, Src: colour, Face: face, Dot: fixed.P(at.X, at.Y)}
	d.DrawString(text)
}

// wrap breaks a sentence at its spaces into lines of so many pixels; a word that is wider has a line of its own.
func wrap(face font.Face, sentence string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(sentence) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && font.MeasureString(face, longer).Ceil() > width {
			lines, longer = append(lines, line), word
		}
		line = longer
	}
	return append(lines, line)
}
