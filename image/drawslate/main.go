// Command drawslate draws image/recipe/slate.png, what a display shows from the start of its kernel until the daemon has
// something better: `make slate`. The picture is committed; whoever changes the words draws it again and looks at it.
//
// It is white on black, since the stub of the kernel image can only put its splash on black, and since a display that
// starts at night is not to be a lamp. Nothing on it needs an approval, and nothing is wrong when it stays.
package main

import (
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/image/draw"
)

// Size of the picture, in pixels: the usual panel's, so that nothing is scaled there.
const (
	width  = 1920
	height = 1080
)

// limit is the longest that mpv may take; it takes about a second.
const limit = time.Minute

func main() {
	out := flag.String("out", "image/recipe/slate.png", "the file that gets the picture")
	fonts := flag.String("fonts", "/usr/share/fonts/truetype/noto", "the folder with Debian's fonts-noto-core")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := run(ctx, *out, *fonts); err != nil {
		fmt.Fprintln(os.Stderr, "cannot draw the slate:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out, fonts string) error {
	work, err := os.MkdirTemp("", "drawslate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	letters, err := set(ctx, work, fonts)
	if err != nil {
		return err
	}
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer f.Close()
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(f, ink(letters)); err != nil {
		return err
	}
	return f.Close()
}

// A line is one line of text, centred.
type line struct {
	y, size int // the middle of it and an em of libass, in pixels
	font    string
	bold    int // as ASS has it
	grey    string
	text    string
}

// lines are the words. The Khmer is that of the repository's own playlists and says welcome, no more: who adds to it
// reads Khmer.
func lines() []line {
	const latin, khmer = "Noto Sans", "Noto Sans Khmer"
	return []line{
		{362, 118, latin, 1, "FFFFFF", "Chào mừng quý khách"},
		{512, 92, latin, 0, "FFFFFF", "Welcome"},
		{652, 92, khmer, 0, "FFFFFF", "សូមស្វាគមន៍"},
		{820, 46, latin, 0, "B0B0B0", "Bảng tin đang khởi động"},
		{886, 46, latin, 0, "B0B0B0", "This display is starting"},
	}
}

// script is what libass draws: the lines, and a thin rule between welcome and message.
func script() string {
	var s strings.Builder
	fmt.Fprintf(&s, "[Script Info]\nScriptType: v4.00+\nPlayResX: %d\nPlayResY: %d\nWrapStyle: 2\nScaledBorderAndShadow: yes\n\n", width, height)
	s.WriteString("[V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, BackColour, Outline, Shadow, Alignment\n" +
		"Style: Default,Noto Sans,48,&H00FFFFFF,&H00000000,0,0,5\n\n[Events]\nFormat: Layer, Start, End, Style, Text\n")
	say := func(text string) { s.WriteString("Dialogue: 0,0:00:00.00,0:01:00.00,Default," + text + "\n") }
	for _, l := range lines() {
		say(fmt.Sprintf(`{\an5\pos(%d,%d)\fn%s\fs%d\b%d\1c&H%s&}%s`, width/2, l.y, l.font, l.size, l.bold, l.grey, l.text))
	}
	say(fmt.Sprintf(`{\an7\pos(%d,%d)\1c&H707070&\p1}m 0 0 l %d 0 %d 2 0 2{\p0}`, width/2-180, 744, 360, 360))
	return s.String()
}

// set has mpv draw the script on black, with these fonts and no other: Khmer is shaped there, as on air.
func set(ctx context.Context, work, fonts string) (image.Image, error) {
	pinned := filepath.Join(work, "fonts")
	if err := os.Mkdir(pinned, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{"NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSansKhmer-Regular.ttf"} {
		data, err := os.ReadFile(filepath.Join(fonts, name))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(pinned, name), data, 0o600); err != nil {
			return nil, err
		}
	}
	conf := "<fontconfig><dir>" + pinned + "</dir><cachedir>" + filepath.Join(work, "cache") + "</cachedir></fontconfig>\n"
	ass, paper := filepath.Join(work, "slate.ass"), filepath.Join(work, "paper.png")
	for path, text := range map[string]string{ass: script(), filepath.Join(work, "fonts.conf"): conf} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	if err := writePNG(paper, image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{color.Black})); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "mpv", "--no-config", "--load-scripts=no", "--ytdl=no", "--osc=no", "--input-terminal=no",
		"--msg-level=all=warn,statusline=no", "--osd-level=0", "--autoload-files=no", "--sub-font-provider=fontconfig",
		"--sub-ass-override=no", "--sub-files="+ass, "--sid=1", "--ao=null", "--frames=1", "--vo=image", "--vo-image-format=png",
		"--vo-image-outdir="+work, paper)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + work, "FONTCONFIG_FILE=" + filepath.Join(work, "fonts.conf")}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("mpv: %w", err)
	}
	f, err := os.Open(filepath.Join(work, "00000001.png")) // vo_image counts from one
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return png.Decode(f)
}

func writePNG(path string, picture image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := png.Encode(f, picture); err != nil {
		return err
	}
	return f.Close()
}

// ink makes of what was drawn a picture of 32 greys: it is half as large as one of 256, and nobody sees a difference.
func ink(letters image.Image) image.Image {
	greys := make(color.Palette, 32)
	for i := range greys {
		greys[i] = color.Gray{Y: uint8(i * 255 / (len(greys) - 1))}
	}
	picture := image.NewPaletted(image.Rect(0, 0, width, height), greys)
	draw.Draw(picture, picture.Rect, letters, letters.Bounds().Min, draw.Src)
	return picture
}
