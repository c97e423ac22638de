package main

import (
	"encoding/json"
	"fmt"
	"image"
	"os"

	"bangtin/internal/notice"
	"bangtin/internal/site"
)

// ReadFolder is the child where the device is a folder; every other device is read as on a controller.
func (m *Main) ReadFolder(device string) int {
	if info, err := os.Stat(device); err != nil || !info.IsDir() {
		return m.Run(nil) //nolint:staticcheck // a reading child has nothing to wait for
	}
	r, err := readFolder(device)
	r.Kind = kindFAT
	if err == nil {
		err = json.NewEncoder(m.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	return exitOK
}

// Keyfiles, Escape and ByteList are what NetworkManager gets.
func Keyfiles(n site.Network) map[string]string { return keyfiles(n) }

func TimeServers(n site.Network) string { return timeServers(n) }

// ParseReading is what comes from a child.
func ParseReading(raw []byte) error {
	_, err := parseReading(raw)
	return err
}

// KindOf is how a device is told by its first bytes.
func KindOf(sector []byte) string { return kindOf(sector) }

// Sticks are the names of what is found.
func (p Paths) Sticks() ([]string, error) {
	all, err := p.sticks()
	var names []string
	for _, m := range all {
		names = append(names, m.name)
	}
	return names, err
}

// Draw draws a notice.
func (p Paths) Draw(on *image.RGBA, n notice.Notice) error { return p.draw(on, n) }

// Say is the notice of a code.
func Say(code string) notice.Notice { return say(code) }

// Codes are all that are said.
func Codes() []string {
	return []string{
		codeNone, codeUnread, codeFiles, codeTrust, codeSeal, codeSite, codeOlder, codeOther, codeStore, codeBelieved, codeUnfit, codeEnrol,
	}
}
