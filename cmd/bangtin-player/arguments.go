package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"unicode/utf8"
)

// maxArguments is more than there are.
const maxArguments = 64

// fixed are the arguments that mpv is always given; media/mpv says what for. Each must be there, once: what they close
// would be open without them.
func fixed() []string {
	return []string{
		"--no-config", "--idle=yes", "--force-window=yes", "--keep-open=no",
		"--input-default-bindings=no", "--input-vo-keyboard=no", "--input-terminal=no", "--no-input-cursor",
		"--load-scripts=no", "--osc=no", "--ytdl=no", "--resume-playback=no", "--use-filedir-conf=no",
		"--load-unsafe-playlists=no", "--access-references=no", "--ordered-chapters=no", "--autoload-files=no",
		"--sub-auto=no", "--audio-file-auto=no", "--cover-art-auto=no", "--audio-display=no",
		"--demuxer=lavf", "--demuxer-lavf-o=protocol_whitelist=file", "--cache=no",
		"--osd-level=0", "--osd-bar=no", "--cursor-autohide=always", "--sid=no", "--embeddedfonts=no",
		"--sub-font-provider=fontconfig", "--osd-font-provider=fontconfig", "--sub-ass-override=no",
		"--loop-playlist=inf", "--image-display-duration=inf", "--prefetch-playlist=no", "--hr-seek=yes", "--swapchain-depth=1",
		"--audio-fallback-to-null=yes", "--msg-level=all=warn,statusline=no", "--no-msg-color",
	}
}

// A form is an argument that a display's site file decides on. It may be there once.
type form struct {
	name string
	is   *regexp.Regexp
	must bool
}

func forms() []form {
	return []form{
		{"--vo", regexp.MustCompile(`^--vo=(gpu,drm|null)$`), true},
		{"--drm-mode", regexp.MustCompile(`^--drm-mode=[0-9]{3,5}x[0-9]{3,5}(@[0-9]{1,3}(\.[0-9]{1,3})?)?$`), false},
		{"--ao", regexp.MustCompile(`^--ao=(alsa|null)$`), true},
		{"--volume", regexp.MustCompile(`^--volume=([0-9]|[1-9][0-9]|100)$`), true},
		{"--video-rotate", regexp.MustCompile(`^--video-rotate=(0|90|180|270)$`), true},
	}
}

// parseArguments reads a JSON list of mpv's arguments and refuses all that the daemon does not send: no argument names
// a file, a script or an address.
func parseArguments(line []byte) ([]string, error) {
	if len(line) > maxLine || !utf8.Valid(line) {
		return nil, fmt.Errorf("cannot take mpv's arguments: more than %d bytes, or no UTF-8", maxLine)
	}
	var all []string
	if err := json.Unmarshal(line, &all); err != nil {
		return nil, fmt.Errorf("cannot take mpv's arguments: %w", err)
	}
	if len(all) > maxArguments {
		return nil, fmt.Errorf("cannot take mpv's arguments: %d of them", len(all))
	}
	known, variable := fixed(), forms()
	seen := make(map[string]bool, len(all))
	for _, argument := range all {
		name := argument
		if !slices.Contains(known, argument) {
			at := slices.IndexFunc(variable, func(f form) bool { return f.is.MatchString(argument) })
			if at < 0 {
				return nil, fmt.Errorf("cannot take mpv's argument %.80q: it is none that a display needs", argument)
			}
			name = variable[at].name
		}
		if seen[name] {
			return nil, fmt.Errorf("cannot take mpv's argument %.80q: there is another one", argument)
		}
		seen[name] = true
	}
	for _, f := range variable {
		if f.must {
			known = append(known, f.name)
		}
	}
	for _, name := range known {
		if !seen[name] {
			return nil, fmt.Errorf("cannot take mpv's arguments: %s is missing", name)
		}
	}
	return all, nil
}
