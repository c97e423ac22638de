package chaos_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"bangtin/media"
)

// A showman plays the player: one clip of a second after the other.
type showman struct {
	effect   func(string)
	finished chan media.Shown
	wake     chan struct{}

	mu    sync.Mutex
	now   media.Playing
	until time.Time // down for a restart
	still bool
}

func newShowman() *showman {
	return &showman{now: media.Playing{State: media.PlayerStarting, At: time.Now()}, finished: make(chan media.Shown), wake: make(chan struct{}, 1)}
}

func (p *showman) set(change func(now *media.Playing)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.now)
	p.now.At = time.Now()
	if p.now.At.Before(p.until) {
		p.now.State = media.PlayerDown
	}
}

func (p *showman) Show(m media.Programme) {
	p.set(func(now *media.Playing) {
		*now = media.Playing{State: media.PlayerPlaying, Playlist: m.Playlist, Version: m.Version, Item: m.Clips[0].Item.ID}
	})
}
func (p *showman) ShowSlate() {
	p.set(func(now *media.Playing) { *now = media.Playing{State: media.PlayerSlate} })
}
func (p *showman) Finished() <-chan media.Shown { return p.finished }
func (p *showman) Wake() <-chan struct{}        { return p.wake }
func (p *showman) Playing() media.Playing       { p.mu.Lock(); defer p.mu.Unlock(); return p.now }
func (p *showman) calm()                        { p.mu.Lock(); defer p.mu.Unlock(); p.still = true }
func (p *showman) loud() bool                   { p.mu.Lock(); defer p.mu.Unlock(); return !p.still }

func (p *showman) Identify(string, time.Duration) error { p.effect("identify"); return nil }

func (p *showman) Restart() {
	p.effect("restart-player")
	p.mu.Lock()
	p.until = time.Now().Add(300 * time.Millisecond)
	p.mu.Unlock()
	p.set(func(*media.Playing) {})
}

// Screenshot is noise, so that it has some length on its way to the centre.
func (p *showman) Screenshot(context.Context) ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, 100+rand.IntN(300), 200))
	for i := range img.Pix {
		img.Pix[i] = byte(rand.Uint32())
	}
	var picture bytes.Buffer
	err := jpeg.Encode(&picture, img, nil)
	return picture.Bytes(), err
}

func (p *showman) run(ctx context.Context) error {
	clip := shelf{}.programme().Clips[0]
	for began := time.Now(); ; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		p.set(func(now *media.Playing) {
			if now.State == media.PlayerDown {
				now.State = media.PlayerPlaying
			}
			now.PositionS = time.Since(began).Seconds()
		})
		if time.Since(began) < time.Second || p.Playing().State != media.PlayerPlaying {
			continue
		}
		if p.loud() {
			select {
			case p.finished <- media.Shown{Clip: clip, Start: began, Duration: time.Since(began), Complete: true}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		began = time.Now()
	}
}

// A shelf always has the same programme, and the library knows it.
type shelf struct{}

func (shelf) programme() media.Programme {
	return media.Programme{Playlist: "ba-muc", Version: 7, Clips: []media.Clip{{
		Playlist: "ba-muc", Version: 7, SHA256: strings.Repeat("c", 64),
		Item: media.Item{ID: "muc-1", Seconds: 1, Category: media.EssentialInfo, Language: media.Vietnamese},
	}}}
}
func (s shelf) Programme(time.Time) (media.Programme, bool) { return s.programme(), true }
func (shelf) Changed() <-chan struct{}                      { return nil }

type library struct{}

// approved is the digest of the only playlist there is.
func approved() string { return strings.Repeat("b", 64) }

func (library) Standing(digest string) (string, bool) { return "ba-muc@7", digest == approved() }
func (library) Missing() []media.File                 { return nil }
func (library) Hurry()                                {}
