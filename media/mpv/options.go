package mpv

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// VideoMode says where the picture goes.
type VideoMode string

const (
	VideoAuto   VideoMode = "auto"   // window where a display server is named in the environment, else drm
	VideoDRM    VideoMode = "drm"    // straight to the kernel's display driver
	VideoWindow VideoMode = "window" // full screen under X11 or Wayland
	VideoNull   VideoMode = "null"   // nowhere; everything else runs as usual
)

// Options are all that a Player needs to know. The zero value of each field but Runtime is usable.
type Options struct {
	Binary  string       // mpv's program; "mpv" when empty
	Player  string       // absolute path of the socket behind which bangtin-player runs mpv; mpv is our child when empty
	Runtime string       // absolute path of a folder of our own; what is in it may vanish at a reboot
	Fonts   string       // folder with the four files of FontFiles; /usr/share/fonts/truetype/noto when empty
	Slate   string       // absolute path of the built-in PNG; a plain blue picture when empty
	Video   VideoMode    // auto when empty
	Mode    string       // drm only: "auto" or as 1920x1080@60; auto when empty
	Rotate  int          // degrees clockwise: 0, 90, 180 or 270
	Volume  int          // 0 to 100
	Environ []string     // as os.Environ; the few names mpv needs are taken from it
	Dev     string       // /dev when empty
	Sys     string       // /sys when empty
	Log     *slog.Logger // discards when nil

	// AnswerWithin is how long mpv may take to answer before it counts as hung; 5 s when zero: setting a display mode
	// holds it up for a second or two.
	AnswerWithin time.Duration
	// StallAfter is how long a picture may stand still before mpv is replaced; 5 s when zero.
	StallAfter time.Duration
	// Now is the clock of every time that is reported; time.Now when nil.
	Now func() time.Time
}

var drmMode = regexp.MustCompile(`^[0-9]{3,5}x[0-9]{3,5}(@[0-9]{1,3}(\.[0-9]{1,3})?)?$`)

// withDefaults fills what was left empty and refuses what cannot work.
func (o Options) withDefaults() (Options, error) {
	setDefault(&o.Binary, "mpv")
	setDefault(&o.Fonts, "/usr/share/fonts/truetype/noto")
	setDefault(&o.Video, VideoAuto)
	setDefault(&o.Mode, "auto")
	setDefault(&o.Dev, "/dev")
	setDefault(&o.Sys, "/sys")
	setDefault(&o.AnswerWithin, 5*time.Second)
	setDefault(&o.StallAfter, 5*time.Second)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, errors.Join(o.checkPaths(), o.checkPicture())
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (o Options) checkPaths() error {
	// mpv splits lists of files at colons, and has no way to escape one.
	if !filepath.IsAbs(o.Runtime) || strings.ContainsAny(o.Runtime, ":\n") {
		return fmt.Errorf("cannot use runtime folder %q: must be absolute and without a colon", o.Runtime)
	}
	if o.Player != "" && !filepath.IsAbs(o.Player) {
		return fmt.Errorf("cannot use player %q: must be an absolute path", o.Player)
	}
	if o.Slate != "" && !filepath.IsAbs(o.Slate) {
		return fmt.Errorf("cannot use slate %q: must be an absolute path", o.Slate)
	}
	return nil
}

func (o Options) checkPicture() error {
	switch o.Video {
	case VideoAuto, VideoDRM, VideoWindow, VideoNull:
	default:
		return fmt.Errorf("cannot use video %q: must be auto, drm, window or null", o.Video)
	}
	if o.Mode != "auto" && !drmMode.MatchString(o.Mode) {
		return fmt.Errorf("cannot use mode %q: must be auto or as 1920x1080@60", o.Mode)
	}
	switch o.Rotate {
	case 0, 90, 180, 270:
	default:
		return fmt.Errorf("cannot rotate by %d: must be 0, 90, 180 or 270", o.Rotate)
	}
	if o.Volume < 0 || o.Volume > 100 {
		return fmt.Errorf("cannot use volume %d: must be 0 to 100", o.Volume)
	}
	return nil
}

// video resolves VideoAuto.
func (o Options) video() VideoMode {
	if o.Video != VideoAuto {
		return o.Video
	}
	if o.lookup("DISPLAY") != "" || o.lookup("WAYLAND_DISPLAY") != "" {
		return VideoWindow
	}
	return VideoDRM // also while there is no card yet: a picture that goes nowhere must not count as shown
}

// audio is alsa where the kernel has any sound device. Without one, trying makes ALSA complain at every item.
func (o Options) audio() string {
	if _, err := os.Stat(filepath.Join(o.Dev, "snd")); err != nil {
		return "null"
	}
	return "alsa"
}

func (o Options) lookup(name string) string {
	for _, pair := range o.Environ {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value
		}
	}
	return ""
}

// environment is all that mpv gets to see of ours.
func (o Options) environment() []string {
	env := []string{
		"PATH=/usr/local/bin:/usr/bin:/bin",
		"LANG=C.UTF-8",
		"HOME=" + o.Runtime,
		"FONTCONFIG_FILE=" + filepath.Join(o.Runtime, fontsConf),
	}
	if o.video() != VideoWindow {
		return env
	}
	for _, name := range []string{"DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR"} {
		if value := o.lookup(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// arguments is mpv's command line but for its IPC. cmd/bangtin-player knows it word by word. Every option here exists in mpv 0.35.1 and 0.40.0, which was tried. The shaper
// is not named, because its option was renamed in 0.40 (sub-ass-shaper, sub-shaper); complex is the default of both.
func (o Options) arguments() []string {
	args := []string{
		"--no-config", "--idle=yes", "--force-window=yes", "--keep-open=no",
		// nothing from outside: no keys, no scripts, no network, no files beside the one that was named
		"--input-default-bindings=no", "--input-vo-keyboard=no", "--input-terminal=no", "--no-input-cursor",
		"--load-scripts=no", "--osc=no", "--ytdl=no", "--resume-playback=no", "--use-filedir-conf=no",
		"--load-unsafe-playlists=no", "--access-references=no", "--ordered-chapters=no", "--autoload-files=no",
		"--sub-auto=no", "--audio-file-auto=no", "--cover-art-auto=no", "--audio-display=no",
		"--demuxer=lavf", "--demuxer-lavf-o=protocol_whitelist=file", "--cache=no",
		// nothing drawn over the picture but the name that Identify shows
		"--osd-level=0", "--osd-bar=no", "--cursor-autohide=always", "--sid=no", "--embeddedfonts=no",
		"--sub-font-provider=fontconfig", "--osd-font-provider=fontconfig", "--sub-ass-override=no",
		// the entries in mpv's list go round, so that a stuck daemon does not blacken the screen
		"--loop-playlist=inf", "--image-display-duration=inf", "--prefetch-playlist=no", "--hr-seek=yes",
		// what mpv says is shown is on the screen: DRM's outputs hold back as many frames as the chain is deep, and a still
		// with an end has one. With the default of 3 the second and third of three texts were never seen (0.40, vo=drm).
		"--swapchain-depth=1",
		// a clock that runs without a sound card
		"--ao=" + o.audio(), "--audio-fallback-to-null=yes", fmt.Sprintf("--volume=%d", o.Volume),
		fmt.Sprintf("--video-rotate=%d", o.Rotate),
		"--msg-level=all=warn,statusline=no", "--no-msg-color",
	}
	// gpu is not given a context by name: it would then accept OpenGL in software, which is slow, and on one bench
	// (mpv 0.40, Mesa 25) drew black. Left to probe, it refuses that, and the plain outputs behind it take over.
	switch o.video() {
	case VideoDRM:
		args = append(args, "--vo=gpu,drm")
		if o.Mode != "auto" {
			args = append(args, "--drm-mode="+o.Mode)
		}
	case VideoWindow:
		args = append(args, "--vo=gpu,x11,wlshm", "--fs", "--border=no")
	default:
		args = append(args, "--vo=null")
	}
	return args
}
