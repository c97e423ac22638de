package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"bangtin/internal/notice"
	"bangtin/internal/stick"
)

const (
	// maxTries is how often a device is read before another one is wanted: the first time may come too early.
	maxTries = 2
	// maxKnown bounds what is remembered of devices that came and went.
	maxKnown = 1000
)

// A start is one run at the start of a controller.
type start struct {
	*Main
	kept   kept
	image  []byte // the image's trust document
	known  map[string]int
	screen screen
	said   bool // something, which S01 would hide
	// showing is what was said last.
	showing notice.Notice
}

// boot takes what an installer brought. A display that is commissioned is ready at once, and looks for half a minute; one
// that is not looks until it is, and says meanwhile what it waits for.
func (m *Main) boot(ctx context.Context) {
	s := &start{Main: m, known: map[string]int{}, screen: screen{paths: m.Paths}}
	if err := m.finish(); err != nil {
		m.Log.Error("cannot finish what was begun", "err", err)
	}
	s.kept = m.Paths.keep()
	for _, problem := range s.kept.problems {
		m.Log.Warn(problem)
	}
	var err error
	if s.image, err = m.Paths.imageTrust(); err != nil {
		m.Log.Error(err.Error())
	}
	if s.kept.site != nil {
		s.commissioned(ctx)
		return
	}
	s.wait(ctx)
}

func (s *start) commissioned(ctx context.Context) {
	s.network(ctx, false)
	s.Notify("READY=1")
	s.clear(partSetup)
	s.linger(ctx)
}

// linger looks for a stick that comes to light later than what is built in. What lies on the boot partition ends it
// for nobody, as it lies there for good.
func (s *start) linger(ctx context.Context) {
	enough := time.After(s.Linger) // of looks: one that has begun is brought to its end
	for !s.lookAtSticks(ctx) {
		s.lookAtBoot(ctx)
		select {
		case <-ctx.Done():
			return
		case <-enough:
			return
		case <-time.After(s.Look):
		}
	}
}

func (s *start) wait(ctx context.Context) {
	ready := sync.OnceFunc(func() { s.Notify("READY=1") })
	defer time.AfterFunc(s.Limit, ready).Stop() // sticks that hang keep nobody else waiting, however many they are
	for {
		done := s.lookAtSticks(ctx)
		if !done && s.lookAtBoot(ctx) {
			ready()
			s.linger(ctx)
			return
		}
		if !done && !s.said {
			s.say(s.lacking())
			s.said = true
		}
		ready()
		if done {
			return
		}
		s.show()
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.Look):
		}
	}
}

// lacking is why the display waits.
func (s *start) lacking() notice.Notice {
	if len(s.kept.unfit) > 0 {
		return say(codeUnfit, s.kept.unfit...)
	}
	return say(codeNone)
}

// lookAtSticks reads every stick that was not read yet. It is done when one was taken.
func (s *start) lookAtSticks(ctx context.Context) (done bool) {
	all, lost := s.Paths.sticks()
	if lost != nil { // and the boot partition may be there all the same
		s.Log.Warn(lost.Error())
	}
	for _, m := range unread(all, s.known) {
		if s.lookAt(ctx, m) {
			return true
		}
	}
	return false
}

// lookAtBoot reads the boot partition if it was not read yet. It too may come to light late, or fail at first.
func (s *start) lookAtBoot(ctx context.Context) (done bool) {
	boot, there := s.Paths.bootPartition()
	return there && s.known[boot.key] < maxTries && s.lookAt(ctx, boot)
}

// lookAt reads one device and takes what is sound. It is done when the display has a site file by it.
func (s *start) lookAt(ctx context.Context, m medium) (done bool) {
	if len(s.known) >= maxKnown {
		clear(s.known)
	}
	r, err := s.read(ctx, m)
	if err != nil {
		s.unreadable(ctx, m, err)
		return false
	}
	s.known[m.key] = maxTries
	switch {
	case r.Folder || len(r.Problems) > 0:
		return s.take(ctx, m, r)
	case r.Kind == kindExFAT || r.Kind == kindNTFS:
		s.refuse(refuse(codeUnread, fmt.Sprintf("%s has the file system %s, and must have FAT32", m.name, r.Kind)))
	default:
		s.Log.Info("nothing for a display", "device", m.name, "kind", r.Kind)
	}
	return false
}

// unreadable notes that a device could not be read; it says so once no further try is left.
func (s *start) unreadable(ctx context.Context, m medium, err error) {
	if ctx.Err() != nil { // the program ends, and the device may be sound
		return
	}
	s.known[m.key]++
	if errors.Is(err, errSlow) {
		s.known[m.key] = maxTries
	}
	s.Log.Warn("cannot read a device", "device", m.name, "err", err)
	if m.stick && s.known[m.key] == maxTries {
		s.refuse(refuse(codeUnread, m.name+": "+err.Error()))
	}
}

// take judges a folder and stores it.
func (s *start) take(ctx context.Context, m medium, r reading) (done bool) {
	// The daemon may have heard of another trust document since the start, and while the device was read.
	s.kept = s.Paths.keep()
	t, no := judge(r, s.kept, s.image)
	if no != nil {
		s.Log.Warn("refused", "device", m.name, "code", no.code, "why", strings.Join(no.details, "; "))
		// What was flashed lies on the boot partition for good, and is the older one as soon as a stick was taken.
		if m.stick || s.kept.site == nil {
			s.refuse(no)
		}
		return false
	}
	if err := s.screen.restore(); err != nil { // before the daemon is started, which has the screen then
		s.Log.Warn(err.Error())
	}
	return s.settle(ctx, m, r, t)
}

// settle stores what was taken, and tells whom it concerns.
func (s *start) settle(ctx context.Context, m medium, r reading, t *taken) (done bool) {
	other := t.other(s.kept)
	err := s.store(t, s.kept, r)
	if errors.Is(err, errCode) {
		n := say(codeEnrol, err.Error())
		n.Part = partCode
		s.put(n)
		delete(r.Files, stick.Code)
		err = s.store(t, s.kept, r)
	} else if err == nil {
		s.clear(partCode)
	}
	if err != nil {
		s.Log.Error("cannot store", "err", err)
		s.refuse(refuse(codeStore, err.Error()))
		return false
	}
	s.said = true
	s.clear(partSetup)
	if len(t.believed) > 0 {
		s.Log.Warn("believed, as there was nothing to judge it by", "device", m.name, "what", strings.Join(t.believed, "; "))
		s.put(say(codeBelieved, t.believed...))
	}
	if !other {
		s.Log.Info("nothing new", "device", m.name, "site", t.site.ID)
		return s.kept.site != nil
	}
	s.Log.Info("taken", "device", m.name, "site", t.site.ID)
	was := s.kept.site != nil
	s.kept = s.Paths.keep()
	s.kept.site = t.site
	s.network(ctx, true)
	if was {
		s.tell(ctx, "systemctl", "--no-block", "try-restart", "bangtind.service")
	}
	return true
}

// network writes what the site says of it; others are told where they run already.
func (s *start) network(ctx context.Context, running bool) {
	connections, servers, err := s.Paths.writeNetwork(s.kept.site.Network)
	if err != nil {
		s.Log.Error(err.Error())
	}
	if connections && running {
		if s.kept.site.Network.Modem != nil {
			s.tell(ctx, "systemctl", "--no-block", "start", "ModemManager.service")
		}
		s.tell(ctx, "nmcli", "connection", "reload")
		for name := range keyfiles(s.kept.site.Network) {
			// The default connection holds the port until it is told otherwise. A way that is not there is refused.
			s.tell(ctx, "nmcli", "--wait", "0", "connection", "up", "id", strings.TrimSuffix(name, keyfileEnd))
		}
	}
	if servers {
		s.tell(ctx, "systemctl", "--no-block", "try-restart", "systemd-timesyncd.service")
	}
}

func (s *start) tell(ctx context.Context, argv ...string) {
	if err := s.Do(ctx, argv...); err != nil {
		s.Log.Warn(err.Error())
	}
}

func (s *start) refuse(no *refusal) {
	s.said = true
	s.say(say(no.code, no.details...))
}

// say puts the notice that is shown until another takes its place.
func (s *start) say(n notice.Notice) {
	s.put(n)
	s.Log.Info("said", "code", n.Code, "what", n.En)
	s.showing = n
}

func (s *start) clear(part string) {
	if err := notice.Clear(s.Paths.Notices, part); err != nil {
		s.Log.Warn(err.Error())
	}
}

func (s *start) put(n notice.Notice) {
	if err := notice.Put(s.Paths.Notices, n); err != nil {
		s.Log.Error(err.Error())
	}
}

// show draws what was said; a display that is commissioned has a daemon, whose the screen is.
func (s *start) show() {
	if s.kept.site != nil || s.showing.Code == "" {
		return
	}
	if err := s.screen.show(s.showing); err != nil {
		s.Log.Warn("cannot show the code", "err", err)
	}
}

func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d bytes", filepath.Base(path), limit)
	}
	return data, err
}
