package mpv

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"bangtin/media"
)

// An entry is one showing of a clip, or of the slate, and its place in mpv's playlist.
type entry struct {
	id    int64 // mpv's playlist_entry_id
	slate bool
	clip  media.Clip

	shown    time.Time // first frame reported; zero before
	pictured bool      // a decoded picture was found behind that report
	duration float64   // seconds, by mpv; video only
	position float64   // seconds, by mpv; video only
	polled   time.Time // when position was asked for
	moved    time.Time // when position last differed from the one before
	dropping bool      // said to lose frames
	cut      time.Time // when the display went away; zero while it is there
}

// slack is how much of a video may be missing at its end for it to count as shown whole: an Item's seconds are
// rounded up, and mpv reports the first and last frame up to a few frames late or early.
const slack = 500 * time.Millisecond

func (e *entry) video() bool { return !e.slate && e.clip.Item.Kind == media.Video }

// lasted is the time from the first frame to end.
func (e *entry) lasted(end time.Time) time.Duration {
	if e.shown.IsZero() {
		return 0
	}
	return max(end.Sub(e.shown), 0)
}

// seen is how long the entry has been on the output at end. For video it is bounded by the position, which stands
// still when the picture does.
func (e *entry) seen(end time.Time) time.Duration {
	seen := e.lasted(end)
	if e.video() && !e.polled.IsZero() {
		seen = min(seen, seconds(e.position)+end.Sub(e.polled))
	}
	return max(seen, 0)
}

// planned is how long the whole clip takes.
func (e *entry) planned() time.Duration {
	whole := time.Duration(e.clip.Item.Seconds) * time.Second
	if e.video() {
		return max(whole-time.Second, seconds(e.duration))
	}
	return whole
}

// whole reports whether a clip that mpv says has run to its end was shown entirely: mpv says so of a file that was
// cut short as well.
func (e *entry) whole(end time.Time) bool { return e.lasted(end)+slack >= e.planned() }

// showing is the proof of an entry that ended.
func (e *entry) showing(end time.Time, toItsEnd bool) media.Shown {
	if !e.cut.IsZero() {
		end, toItsEnd = e.cut, false
	}
	shown := media.Shown{Clip: e.clip, Start: e.shown, Duration: e.seen(end), Complete: toItsEnd && e.whole(end)}
	if shown.Complete {
		// A film that lagged at the last poll and ran to its end all the same has caught up.
		shown.Duration = max(shown.Duration, min(e.lasted(end), e.planned()))
	}
	return shown
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// lavfFormat is the only format a file of this type is opened as, and the kind of item it makes. mpv would otherwise go
// by what the bytes look like, and bytes that look like a playlist name other files.
func lavfFormat(contentType string) (string, media.ItemKind, error) {
	switch contentType {
	case "image/png":
		return "png_pipe", media.Picture, nil
	case "image/jpeg":
		return "jpeg_pipe", media.Picture, nil
	case "video/mp4":
		return "mp4", media.Video, nil
	case "video/webm":
		return "webm", media.Video, nil
	}
	return "", "", fmt.Errorf("cannot show content of type %q", contentType)
}

// A source is what loadfile is told of an entry.
type source struct {
	url     string
	options map[string]string
}

// fileSource is that of a verified file.
func fileSource(clip media.Clip) (source, error) {
	if clip.Item.File == nil {
		return source{}, errors.New("cannot show an item with neither file nor text")
	}
	if !filepath.IsAbs(clip.Path) {
		return source{}, fmt.Errorf("cannot show %q: not an absolute path", clip.Path)
	}
	format, kind, err := lavfFormat(clip.Item.File.Type)
	if err != nil {
		return source{}, err
	}
	if kind != clip.Item.Kind {
		return source{}, fmt.Errorf("cannot show %s as %s", clip.Item.File.Type, clip.Item.Kind)
	}
	if kind == media.Video {
		return source{url: clip.Path, options: map[string]string{"demuxer-lavf-format": format}}, nil
	}
	return source{clip.Path, stillOptions(format, clip.Item.Seconds)}, nil
}

// stillSource is that of a text which was drawn into a PNG at path.
func stillSource(path string, clip media.Clip) source {
	return source{path, stillOptions("png_pipe", clip.Item.Seconds)}
}

// stillOptions are those of a picture that stays for seconds, for ever when 0.
func stillOptions(format string, seconds int) map[string]string {
	stay := "inf"
	if seconds > 0 {
		stay = strconv.Itoa(seconds)
	}
	return map[string]string{"demuxer-lavf-format": format, "image-display-duration": stay}
}
