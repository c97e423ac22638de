package mpv_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bangtin/media"
)

// A screen is an X server of our own without a monitor; ffmpeg grabs from it what a person would see.
type screen struct {
	name          string // as DISPLAY wants it
	width, height int
}

// newScreen starts Xvfb on a display number that it chooses itself.
func newScreen(t testing.TB, width, height int) screen {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "Xvfb", "-displayfd", "1", "-screen", "0", fmt.Sprintf("%dx%dx24", width, height),
		"-nolisten", "tcp", "-noreset", "-s", "0")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("Xvfb (package xvfb is needed): %v", err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // killed: that is its end
	number, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb says no display number: %v", err)
	}
	return screen{":" + strings.TrimSpace(number), width, height}
}

func (s screen) environ() []string { return []string{"DISPLAY=" + s.name} }

// grab is what the screen shows now.
func (s screen) grab(t testing.TB) image.Image {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-nostdin", "-loglevel", "error", "-f", "x11grab", "-draw_mouse", "0",
		"-video_size", fmt.Sprintf("%dx%d", s.width, s.height), "-i", s.name, "-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "-")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("x11grab: %v: %s", err, &complaint)
	}
	img, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// awaitPicture grabs until the picture fulfils the condition.
func (s screen) awaitPicture(t testing.TB, what string, within time.Duration, condition func(image.Image) bool) image.Image {
	t.Helper()
	for deadline := time.Now().Add(within); ; {
		img := s.grab(t)
		if condition(img) {
			return img
		}
		if time.Now().After(deadline) {
			t.Fatalf("the screen does not show %s within %s; its centre is %v", what, within, img.At(s.width/2, s.height/2))
		}
	}
}

// near reports whether the pixel in the middle has about that colour; JPEG and video are not exact.
func near(r, g, b int) func(image.Image) bool {
	return func(img image.Image) bool {
		return like(img, img.Bounds().Dx()/2, img.Bounds().Dy()/2, r, g, b)
	}
}

func like(img image.Image, x, y, r, g, b int) bool {
	cr, cg, cb, _ := img.At(x, y).RGBA()
	off := func(c uint32, want int) bool { d := int(c>>8) - want; return d > 16 || d < -16 }
	return !off(cr, r) && !off(cg, g) && !off(cb, b)
}

// signs are the three texts of the documentation's pictures.
func signs() map[media.Language]media.Text {
	return map[media.Language]media.Text{
		media.Vietnamese: {
			Heading: "QUY ĐỊNH QUA LẠI BIÊN GIỚI",
			Body: "Người qua lại cửa khẩu xuất trình hộ chiếu hoặc giấy thông hành còn giá trị.\n" +
				"Giờ làm việc: 06:00 – 22:00 hằng ngày, kể cả ngày lễ.\n" +
				"Không mang vũ khí, chất nổ, pháo và hàng cấm qua biên giới.",
			Foreground: "#ffffff", Background: "#0b3d91",
		},
		media.English: {
			Heading: "CROSSING THE BORDER",
			Body: "Please have your passport or border pass ready; it must be valid.\n" +
				"Open 06:00 – 22:00 every day, public holidays included.\n" +
				"Weapons, explosives, fireworks and prohibited goods must not be carried across the border.",
			Foreground: "#ffffff", Background: "#0b3d91",
		},
		media.Khmer: {
			Heading: "បទប្បញ្ញត្តិឆ្លងកាត់ព្រំដែន",
			Body: "អ្នកឆ្លងកាត់ច្រកទ្វារព្រំដែន​ត្រូវបង្ហាញលិខិតឆ្លងដែន​ឬប័ណ្ណឆ្លងដែន​ដែលនៅមានសុពលភាព។\n" +
				"ម៉ោងធ្វើការ ៖ ០៦:០០ – ២២:០០ ជារៀងរាល់ថ្ងៃ រួមទាំងថ្ងៃបុណ្យជាតិ។\n" +
				"សូមកុំយកអាវុធ គ្រឿងផ្ទុះ កាំជ្រួច និងទំនិញហាមឃាត់ឆ្លងកាត់ព្រំដែន។",
			Foreground: "#ffffff", Background: "#0b3d91",
		},
	}
}
