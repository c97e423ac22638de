package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"time"

	"bangtin/hal/haltest/peer"
	"bangtin/image/initrd/slate"
)

// Limits are how long a machine that is emulated, on processors that others use too, is waited for. They decide nothing
// else: nothing is asserted of how long anything took.
const (
	bootLimit = 4 * time.Minute // from power to the programme; about 40 s on two idle processors
	stepLimit = 2 * time.Minute // whatever follows, once it is up
)

// air shows on one boot of the shipped image what a display does all day, from a medium that was just flashed and the
// installer's stick on.
func (b *bench) air(ctx context.Context) error {
	disk, err := b.newDisk(ctx, "air", b.base)
	if err != nil {
		return err
	}
	stick, err := b.newStick(ctx, b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelMDC))
	if err != nil {
		return err
	}
	r, err := b.start(ctx, machine{name: "air", disk: disk}.withStick(stick))
	if err != nil {
		return err
	}
	defer r.cut()
	if err := b.programmeShown(ctx, r); err != nil {
		return err
	}
	b.note("air", "state at Mosquitto over TLS outside the machine: on air, the panel read back", r.explain("centre", b.world.onAir(ctx, stepLimit)))
	b.note("air", "the status page on the first serial port: gate, on air, the panel read back, no failed unit", r.explain("page", b.pageTells(ctx, r)))
	b.note("air", "a panel behind the second serial port is switched off by the department's order and on again", r.explain("panel", b.switchPanel(ctx, r)))
	return nil
}

// pageTells waits until the status page says what there is: it is drawn anew every few seconds.
func (b *bench) pageTells(ctx context.Context, r *running) error {
	return await(ctx, "the status page says that it is on air", stepLimit, func() (bool, string) {
		page := shows(r.wrote())
		all := strings.Join(page, "\n")
		well := strings.Contains(page[0], gateName) && page[1] == "ĐANG PHÁT"
		for _, row := range []string{"Màn hình   : đang bật; đọc lại", "Trình phát : đang phát; danh sách ban-tin@", "Trung tâm  : đã kết nối", "Dịch vụ lỗi: không có", "Thông báo và cảnh báo: 1\n S10 "} {
			well = well && strings.Contains(all, "\n"+row)
		}
		return well, all
	})
}

// slateOn is the picture that the image has built in, as it is drawn on a screen of that size.
func slateOn(screen image.Rectangle) (*image.RGBA, error) {
	f, err := os.Open("image/recipe/slate.png")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	picture, err := slate.Read(f)
	if err != nil {
		return nil, err
	}
	drawn := image.NewRGBA(screen)
	to := slate.Screen{Width: screen.Dx(), Height: screen.Dy(), Stride: drawn.Stride, Bits: 32,
		Red: slate.Channel{Offset: 0, Length: 8}, Green: slate.Channel{Offset: 8, Length: 8}, Blue: slate.Channel{Offset: 16, Length: 8}}
	copy(drawn.Pix, to.Bytes(picture))
	for i := 3; i < len(drawn.Pix); i += 4 {
		drawn.Pix[i] = 255
	}
	return drawn, nil
}

// slateSeen tells whether that picture is on the screen.
func slateSeen(seen *image.RGBA) bool {
	want, err := slateOn(seen.Bounds())
	return err == nil && same(seen, want) == nil
}

// pages are what the programme looks like, by the name of each page but the film. The texts' were taken from this screen and read
// by a person; the picture is the one that was published, pixel by pixel.
func pages() (map[string]*image.RGBA, error) {
	all := map[string]*image.RGBA{"picture": testPicture()}
	for _, i := range programme() {
		page, err := readPNG(filepath.Join("image/imagetest/testdata/screen", i.id+".png"))
		if err != nil {
			return nil, err
		}
		all[i.id] = page
	}
	return all, nil
}

// programmeShown waits for each page of the programme, whichever comes first.
func (b *bench) programmeShown(ctx context.Context, r *running) error {
	want, err := pages()
	if err != nil {
		return err
	}
	names := map[string]string{"picture": "a picture fetched over HTTPS"}
	for _, i := range programme() {
		names[i.id] = "a text in " + i.id
	}
	last, shots, slated := map[string]string{}, shots{dir: b.out}, false
	err = await(ctx, "each page of the programme is on the screen", bootLimit, func() (bool, string) {
		seen, err := r.screen()
		if err != nil {
			return false, err.Error()
		}
		at := time.Since(r.began)
		shots.keep(seen, at)
		if !slated && slateSeen(seen) {
			slated = true
			b.figure("built-in slate on the screen %.1f s after power, looked at each second", at.Seconds())
		}
		for id, page := range want {
			if err := same(seen, page); err != nil {
				last[id] = err.Error()
				continue
			}
			if len(want) == len(names) {
				b.figure("programme on the screen %.1f s after power", time.Since(r.began).Seconds())
			}
			delete(want, id)
			b.note("air", "on the screen: "+names[id], writePNG(filepath.Join(b.out, "air-"+id+".png"), seen))
		}
		return len(want) == 0, fmt.Sprint(last)
	})
	if !slated {
		b.note("air", "on the screen: the built-in slate", errors.New("it was not seen"))
	}
	for id := range want {
		b.note("air", "on the screen: "+names[id], errors.New(last[id]))
	}
	return r.explain("programme", err)
}

// shots keeps each screen that is unlike the one before, for who looks at what a passer-by saw.
type shots struct {
	dir  string
	last *image.RGBA
	kept int
}

// maxShots bounds them: a film is another screen each time.
const maxShots = 60

func (s *shots) keep(seen *image.RGBA, at time.Duration) {
	if s.kept == maxShots || s.last != nil && same(seen, s.last) == nil {
		return
	}
	s.last = seen
	s.kept++
	_ = writePNG(filepath.Join(s.dir, fmt.Sprintf("seen-%02d-%03.0fs.png", s.kept, at.Seconds())), seen)
}

// A turn is an order of the department about the panel's power, and what comes of it.
type turn struct {
	words string
	state peer.State // of the panel
	says  string     // the display
}

func turns() []turn {
	return []turn{
		{"send off --until +10m --trust trust.json", peer.Off, "panel off"},
		{"send schedule", peer.On, "panel on"},
	}
}

// switchPanel has the department darken the display and light it again; the panel itself is asked, and the display's word.
func (b *bench) switchPanel(ctx context.Context, r *running) error {
	for _, t := range turns() {
		if err := b.turn(ctx, r, t); err != nil {
			return err
		}
	}
	return nil
}

// turn has the department send one, and waits until the display's state at the broker shows it; then the panel is asked.
func (b *bench) turn(ctx context.Context, r *running, t turn) error {
	words := strings.Fields(t.words + " --display " + displayName + " --reason thử --key power.key --wait --center centre/operators/truc-ban")
	said, err := b.world.bangtin(ctx, words...)
	if err != nil {
		return err
	}
	if !strings.Contains(said, "verified by its state") || !strings.Contains(said, t.says) {
		return fmt.Errorf("the department is told: %s", said)
	}
	now, err := r.power(ctx)
	if err != nil {
		return err
	}
	if now != t.state {
		return fmt.Errorf("the panel is %s, and the display says: %s", now, said)
	}
	return nil
}
