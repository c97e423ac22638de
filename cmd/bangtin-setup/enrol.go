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
			if err := notice.Put(m.Paths.Notices, say(codeEnrol, err.Error())); err != nil {
				m.Log.Error(err.Error())
			}
			return err
		}
	}
	err = notice.Clear(m.Paths.Notices, partEnrol)
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

// ask has the daemon's own command do it. What it says is told, without the code.
func (m *Main) ask(ctx context.Context, s *site.Site) error {
	raw, err := readBounded(m.Paths.data(codeFile), stick.MaxCode)
	if err != nil {
		return fmt.Errorf("cannot enrol: %w", err)
	}
	code := strings.TrimSpace(string(raw))
	args := []string{"-site", m.Paths.data(stick.Site), "enrol", "--code", code}
	if _, err := os.Stat(m.Paths.data(answerFile)); err == nil {
		args = append(args, "--from", m.Paths.data(answerFile))
	}
	ctx, cancel := context.WithTimeout(ctx, enrolLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, m.Paths.Daemon, args...)
	cmd.WaitDelay = time.Second
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
