package slate_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"bangtin/image/initrd/slate"
)

// plain is a picture of one colour.
func plain(w, h int, c color.Color) image.Image {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		p.Set(i%w, i/w, c)
	}
	return p
}

// xrgb and rgb565 are how almost all framebuffers are.
func xrgb(w, h int) slate.Screen {
	return slate.Screen{Width: w, Height: h, Stride: 4 * w, Bits: 32, Red: slate.Channel{Offset: 16, Length: 8}, Green: slate.Channel{Offset: 8, Length: 8}, Blue: slate.Channel{Offset: 0, Length: 8}}
}

func rgb565(w, h int) slate.Screen {
	return slate.Screen{Width: w, Height: h, Stride: 2*w + 6, Bits: 16, Red: slate.Channel{Offset: 11, Length: 5}, Green: slate.Channel{Offset: 5, Length: 6}, Blue: slate.Channel{Offset: 0, Length: 5}}
}

func TestBytes(t *testing.T) {
	orange := plain(2, 1, color.RGBA{0xff, 0x80, 0x10, 0xff})
	for _, test := range []struct {
		name    string
		screen  slate.Screen
		picture image.Image
		want    string // lines, in hex
	}{
		{"as large as the screen", xrgb(2, 1), orange, "1080ff00 1080ff00"},
		{"enlarged, black above and below", xrgb(2, 3), orange, "00000000 00000000|1080ff00 1080ff00|00000000 00000000"},
		{"made smaller, black beside", xrgb(3, 1), plain(4, 4, color.White), "00000000 ffffff00 00000000"},
		{"16 bits, and lines that are longer", rgb565(2, 1), orange, "02fc02fc 00000000 0000"},
		{"transparent is black", xrgb(1, 1), plain(3, 3, color.Transparent), "00000000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.screen.Check(); err != nil {
				t.Fatal(err)
			}
			got := test.screen.Bytes(test.picture)
			want := strings.NewReplacer(" ", "", "|", "").Replace(test.want)
			if fmt.Sprintf("%x", got) != want {
				t.Errorf("got %x, want %s", got, want)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s *slate.Screen)
	}{
		{"no width", func(s *slate.Screen) { s.Width = 0 }},
		{"no height", func(s *slate.Screen) { s.Height = -1 }},
		{"too wide", func(s *slate.Screen) { s.Width = 4097 }},
		{"too high", func(s *slate.Screen) { s.Height = 4097 }},
		{"palette", func(s *slate.Screen) { s.Bits = 8 }},
		{"lines too short", func(s *slate.Screen) { s.Stride-- }},
		{"lines too long", func(s *slate.Screen) { s.Stride = 1 << 20 }},
		{"no red", func(s *slate.Screen) { s.Red.Length = 0 }},
		{"deep green", func(s *slate.Screen) { s.Green.Length = 10 }},
		{"blue outside", func(s *slate.Screen) { s.Blue.Offset = 25 }},
		{"blue far outside", func(s *slate.Screen) { s.Blue.Offset = 1<<32 - 1 }},
	} {
		s := xrgb(8, 8)
		test.change(&s)
		if s.Check() == nil {
			t.Errorf("%s: %+v was taken", test.name, s)
		}
	}
}

func TestRead(t *testing.T) {
	var good bytes.Buffer
	if err := png.Encode(&good, plain(3, 2, color.White)); err != nil {
		t.Fatal(err)
	}
	if p, err := slate.Read(bytes.NewReader(good.Bytes())); err != nil || p.Bounds().Dx() != 3 {
		t.Errorf("%v, %v", p, err)
	}
	// The size is refused before anything is allocated for it: there is no picture behind this head.
	huge := bytes.Clone(good.Bytes()[:33])
	binary.BigEndian.PutUint32(huge[16:], 4097)
	binary.BigEndian.PutUint32(huge[29:], crc32.ChecksumIEEE(huge[12:29]))
	if _, err := slate.Read(bytes.NewReader(huge)); err == nil || !strings.Contains(err.Error(), "4097 by 2") {
		t.Errorf("a wide one: %v", err)
	}
	for n := range good.Len() - 12 { // the end's own chunk is not missed
		if _, err := slate.Read(bytes.NewReader(good.Bytes()[:n])); err == nil {
			t.Errorf("%d bytes of %d were taken", n, good.Len())
		}
	}
}

// TestShowRefuses: what is no framebuffer is told from one that is not there.
func TestShowRefuses(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "fb0"), os.DevNull} {
		if err := slate.Show(path, plain(1, 1, color.White)); err == nil || !strings.Contains(err.Error(), "cannot show the slate") {
			t.Errorf("%s: %v", path, err)
		}
		if err := slate.Silence(path); err == nil || !strings.Contains(err.Error(), "cannot silence the text console") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestHeaders: sizes, places and numbers are those of the kernel's own header.
func TestHeaders(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("needs a C compiler with the kernel's headers:", err)
	}
	source := "#include <stddef.h>\n#include <stdio.h>\n#include <linux/fb.h>\n#include <linux/kd.h>\nint main(void) {\n"
	for c := range slate.Layout() {
		source += fmt.Sprintf("printf(\"%%lu %%s\\n\", (unsigned long)(%s), %q);\n", c, c)
	}
	program := filepath.Join(t.TempDir(), "sizes")
	if err := os.WriteFile(program+".c", []byte(source+"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-o", program, program+".c").CombinedOutput(); err != nil {
		t.Fatalf("cannot compile: %v\n%s", err, out)
	}
	out, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(slate.Layout()) {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	for _, line := range lines {
		value, name, _ := strings.Cut(line, " ")
		if got := fmt.Sprint(slate.Layout()[name]); got != value {
			t.Errorf("%s is %s, and here %s", name, value, got)
		}
	}
}
