package mpv

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	fontsConf  = "fonts.conf"
	fontLatin  = "Noto Sans"
	fontKhmer  = "Noto Sans Khmer"
	regular    = 0
	bold       = 1
	latinFace  = 0
	khmerFace  = 1
	pinnedDir  = "fonts"
	fontsCache = "fontcache"
)

// FontFiles are the four files that text is drawn from, of Debian's fonts-noto-core 20201225 (the same bytes in
// Debian 12 and 13). No other font can be reached by mpv.
func FontFiles() []string {
	return []string{"NotoSans-Regular.ttf", "NotoSans-Bold.ttf", "NotoSansKhmer-Regular.ttf", "NotoSansKhmer-Bold.ttf"}
}

// writeFontConfig pins the fonts. mpv 0.35 has no option for it, but fontconfig, which libass asks, obeys
// FONTCONFIG_FILE: a folder with links to the four files is all that it knows. The second folder for its cache is for a
// mpv of another user, which may only read the first.
func writeFontConfig(runtime, fonts string) error {
	pinned := filepath.Join(runtime, pinnedDir)
	if err := os.RemoveAll(pinned); err != nil {
		return fmt.Errorf("cannot clear the pinned fonts: %w", err)
	}
	if err := os.MkdirAll(pinned, folderMode); err != nil {
		return fmt.Errorf("cannot make the folder of pinned fonts: %w", err)
	}
	for _, name := range FontFiles() {
		file := filepath.Join(fonts, name)
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("cannot pin a font: %w", err)
		}
		if err := os.Symlink(file, filepath.Join(pinned, name)); err != nil {
			return fmt.Errorf("cannot pin a font: %w", err)
		}
	}
	conf := `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir>` + escapeXML(pinned) + `</dir>
<cachedir>` + escapeXML(filepath.Join(runtime, fontsCache)) + `</cachedir>
<cachedir>/tmp/` + fontsCache + `</cachedir>
</fontconfig>
`
	return writeFile(filepath.Join(runtime, fontsConf), []byte(conf))
}

func escapeXML(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return "" // a strings.Builder does not fail
	}
	return b.String()
}

// writeFile replaces path in one step, so that mpv never reads half a file. The folder is scratch: nothing in it
// has to survive a power cut, so nothing is synced.
func writeFile(path string, data []byte) error {
	part := path + ".part"
	if err := os.WriteFile(part, data, fileMode); err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Base(path), err)
	}
	return nil
}
