package mpv_test

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"bangtin/media"
	"bangtin/media/mpv"
)

const benchChanges = 100

// BenchmarkItemChanges shows 100 item changes on a screen of 1280 by 720, once by the Player and once by a mpv started
// anew for each item, and prints how many frames an independent judge saw black. It takes four minutes:
//
//	go test -run '^$' -bench ItemChanges -benchtime 1x -timeout 20m ./media/mpv
func BenchmarkItemChanges(b *testing.B) {
	items := []media.Clip{
		picture("png", sample("red.png"), "image/png", 1),
		film("film", sample("three.mp4"), 3),
		text("text", media.Khmer, signs()[media.Khmer], 1),
		picture("jpeg", sample("blue.jpg"), "image/jpeg", 1),
	}
	for b.Loop() {
		ours, complete := oneMpv(b, items)
		theirs := anewPerItem(b, items)
		b.Logf("one mpv:      %4d of %d frames black at %d changes, %d of %d showings whole", ours.black, ours.frames, benchChanges, complete, benchChanges)
		b.Logf("mpv per item: %4d of %d frames black at %d changes", theirs.black, theirs.frames, benchChanges)
		b.Logf("ratio: %.4f to %.4f of the frames black", share(ours), share(theirs))
		b.ReportMetric(float64(ours.black), "black-frames")
		b.ReportMetric(float64(theirs.black), "black-frames-anew")
		b.ReportMetric(float64(benchChanges-complete), "showings-cut")
		b.ReportMetric(0, "ns/op") // the time is that of the items
	}
}

func share(v verdict) float64 { return float64(v.black) / float64(v.frames) }

// oneMpv lets the Player run and says how many showings it reported as whole.
func oneMpv(b *testing.B, items []media.Clip) (verdict, int) {
	b.Helper()
	s := newScreen(b, 1280, 720)
	p := mpv.New(mpv.Options{Binary: binary(), Runtime: b.TempDir(), Video: mpv.VideoWindow, Environ: s.environ()})
	runUntilEnd(b, p)
	p.Show(programme(items...))
	for p.Playing().State != media.PlayerPlaying {
		<-p.Wake()
	}
	s.awaitPicture(b, "the first item", 10*time.Second, near(0xC0, 0x20, 0x20))
	verdict := s.watch(b)
	complete := 0
	for range benchChanges {
		if shown := <-p.Finished(); shown.Complete {
			complete++
		}
	}
	return verdict(), complete
}

// anewPerItem does what a shell script would.
func anewPerItem(b *testing.B, items []media.Clip) verdict {
	b.Helper()
	s := newScreen(b, 1280, 720)
	show := func(i int) *exec.Cmd {
		path := items[i%len(items)].Path
		if path == "" {
			path = sample("green.png") // the text, already drawn
		}
		cmd := exec.Command(binary(), "--no-config", "--vo=gpu,x11", "--fs", "--border=no", "--ao=null", "--really-quiet",
			"--osc=no", "--load-scripts=no", "--ytdl=no", "--image-display-duration=1", path)
		cmd.Env = append(os.Environ(), s.environ()...)
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		return cmd
	}
	cmd := show(0)
	s.awaitPicture(b, "the first item", 10*time.Second, near(0xC0, 0x20, 0x20))
	verdict := s.watch(b)
	for i := range benchChanges {
		if err := cmd.Wait(); err != nil {
			b.Fatalf("mpv: %v", err)
		}
		cmd = show(i + 1)
	}
	v := verdict()
	if err := cmd.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	_ = cmd.Wait() // killed
	return v
}
