package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"bangtin/internal/notice"
	"bangtin/internal/site"
	"bangtin/internal/stick"
)

// enrolLimit is how long one try may take: the centre may be slow, and systemd tries again.
const enrolLimit = 2 * time.Minute

// enrol tries once to have the display let in with the department, as its own user. systemd tries again while it fails.
func (m *Main) enrol(ctx context.Context) error {
	s, err := site.Read(m.Paths.data(stick.Site))
	if err != nil {
		return fmt.Errorf("cannot enrol: %w", err)
	}
	if !enrolled(s) {
		if err := m.ask(ctx, s); err != nil {
			if err := notice.Put(m.Paths.Notices, say(codeEnrol, strings.Split(err.Error(), "\n")...)); err != nil {
				m.Log.Error(err.Error())
			}
			return err
		}
	}
	if err := notice.Clear(m.Paths.Notices, partEnrol); err != nil {
		m.Log.Warn(err.Error()) // somebody else's, which takes nothing from the certificate
	}
	err = nil
	for _, name := range []string{answerFile, codeFile} { // the code is the last: systemd goes by it
		if gone := os.Remove(m.Paths.data(name)); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot end the enrolment: %w", err)
	}
	m.Log.Info("enrolled", "site", s.ID)
	return nil
}

// ask has the daemon's own command do it: by the answer that a stick brought, and where that is none of this code's or
// of this display's, over the network.
func (m *Main) ask(ctx context.Context, s *site.Site) error {
	raw, err := readBounded(m.Paths.data(codeFile), stick.MaxCode)
	if err != nil {
		return fmt.Errorf("cannot enrol: %w", err)
	}
	code := strings.TrimSpace(string(raw))
	ctx, cancel := context.WithTimeout(ctx, enrolLimit)
	defer cancel()
	var failed error
	if _, err := os.Stat(m.Paths.data(answerFile)); err == nil {
		if failed = m.askBy(ctx, s, code, "--from", m.Paths.data(answerFile)); failed == nil {
			return nil
		}
		m.Log.Warn("the answer on the stick lets nobody in", "err", failed)
	}
	if err := m.askBy(ctx, s, code); err != nil {
		return errors.Join(err, failed)
	}
	return nil
}

// askBy asks one way. The code goes by a pipe, as anybody may read a command line; what is said is told without it.
func (m *Main) askBy(ctx context.Context, s *site.Site, code string, way ...string) error {
	args := append([]string{"-site", m.Paths.data(stick.Site), "enrol", "--code", "-"}, way...)
	cmd := exec.CommandContext(ctx, m.Paths.Daemon, args...)
	cmd.WaitDelay = time.Second
	cmd.Stdin = strings.NewReader(code + "\n")
	complaint := &tail{}
	cmd.Stderr = complaint
	// A certificate that is there after all is one: an earlier try may have been cut short.
	if err := cmd.Run(); err != nil && !enrolled(s) {
		return fmt.Errorf("cannot enrol: %w: %s", err, withoutCode(complaint.String(), code))
	}
	return nil
}

// withoutCode takes a secret out of a text, however it is grouped.
func withoutCode(text, code string) string {
	for _, form := range []string{code, strings.ReplaceAll(code, "-", ""), strings.ReplaceAll(code, "-", " ")} {
		if form != "" {
			text = strings.ReplaceAll(text, form, "(code)")
		}
	}
	return text
}
