package mpv_test

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"bangtin/media"
)

// The tests play real files. They are made once, by ffmpeg, and named in the environment of this process for want
// of package-level state.
const samplesVariable = "BANGTIN_TEST_SAMPLES"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv(daemonVariable)+os.Getenv(tracerVariable) != "" {
		return m.Run() // a child of a test, which needs no samples
	}
	dir, err := os.MkdirTemp("", "bangtin-mpv-")
	if err != nil {
		log.Print(err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := makeSamples(dir); err != nil {
		log.Print(err)
		return 1
	}
	if err := os.Setenv(samplesVariable, dir); err != nil {
		log.Print(err)
		return 1
	}
	return m.Run()
}

func makeSamples(dir string) error {
	const picture = "color=c=%s:s=1280x720"
	jobs := [][]string{
		{"-f", "lavfi", "-i", fmt.Sprintf(picture, "0xC02020"), "-frames:v", "1", "red.png"},
		{"-f", "lavfi", "-i", fmt.Sprintf(picture, "0x20A020"), "-frames:v", "1", "green.png"},
		{"-f", "lavfi", "-i", fmt.Sprintf(picture, "0x2040C0"), "-frames:v", "1", "blue.jpg"},
		{"-f", "lavfi", "-i", fmt.Sprintf(picture, "0xC0C020"), "-frames:v", "1", "slate.png"},
		{"-f", "lavfi", "-i", "sine=d=3", "-c:a", "aac", "sound.mp4"},
		append(video("testsrc=s=1280x720:r=25:d=3", "sine=d=3"), "three.mp4"),
		append(video("testsrc=s=640x360:r=25:d=60", "sine=d=60"), "long.mp4"),
	}
	for _, job := range jobs {
		args := append([]string{"-nostdin", "-loglevel", "error", "-y"}, job[:len(job)-1]...)
		args = append(args, filepath.Join(dir, job[len(job)-1]))
		if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ffmpeg (package ffmpeg is needed): %w: %s", err, out)
		}
	}
	whole, err := os.ReadFile(filepath.Join(dir, "three.mp4"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "cut.mp4"), whole[:len(whole)/2], 0o600)
}

// video is a short clip with its index at the front, as approved files have it.
func video(picture, sound string) []string {
	return []string{"-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, "-shortest",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-movflags", "+faststart"}
}

func sample(name string) string { return filepath.Join(os.Getenv(samplesVariable), name) }

// picture, film and text make clips as media would.
func picture(id, path, contentType string, seconds int) media.Clip {
	return clip(media.Item{ID: id, Kind: media.Picture, Seconds: seconds, File: &media.File{Type: contentType}}, path)
}

func film(id, path string, seconds int) media.Clip {
	return clip(media.Item{ID: id, Kind: media.Video, Seconds: seconds, File: &media.File{Type: "video/mp4"}}, path)
}

func text(id string, language media.Language, t media.Text, seconds int) media.Clip {
	return clip(media.Item{ID: id, Kind: media.TextCard, Language: language, Seconds: seconds, Text: &t}, "")
}

func clip(item media.Item, path string) media.Clip {
	return media.Clip{Playlist: "test", Version: 1, Item: item, Path: path, SHA256: "of-" + item.ID}
}

func programme(clips ...media.Clip) media.Programme {
	return media.Programme{Playlist: "test", Version: 1, Clips: clips}
}
