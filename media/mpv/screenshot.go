package mpv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/image/draw"
	"golang.org/x/sys/unix"
)

// What Screenshot returns at most.
const (
	MaxShotWidth  = 1280 // pixels
	MaxShotHeight = 2560 // pixels
	MaxShotBytes  = 512 << 10
)

const (
	shotWithin     = 10 * time.Second
	shotDirs       = "shot-*"
	maxTakenBytes  = 16 << 20 // of mpv's file: a 4K picture of noise is about 8 MB
	maxTakenPixels = 16 << 20 // of mpv's picture: 4K is half of that; decoded it takes 3 bytes each
)

var errShooting = errors.New("cannot take a screenshot: another one is being taken")

// Screenshot is what mpv puts out now, as a JPEG within MaxShotWidth, MaxShotHeight and MaxShotBytes. It blocks for
// up to about 10 s and fails where there is no mpv or no picture, or where mpv ends meanwhile; playing is not held up. One
// is taken at a time, and others fail at once.
//
// With vo=gpu that is the finished picture: scaled, turned, and with the name that Identify shows. Outputs that mpv
// cannot read back (x11 and null with mpv 0.35.1; drm was not tried) give the present picture of the item or the slate
// before all that. Neither says that a display is there or lit.
func (p *Player) Screenshot(ctx context.Context) ([]byte, error) {
	select {
	case p.shooting <- struct{}{}:
	default:
		return nil, errShooting
	}
	defer func() { <-p.shooting }()
	client := p.speaks()
	if client == nil {
		return nil, errors.New("cannot take a screenshot: no mpv runs")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, shotWithin, fmt.Errorf("mpv took longer than %s", shotWithin))
	defer cancel()
	taken, err := takeShot(ctx, client, p.opt)
	if err != nil {
		return nil, fmt.Errorf("cannot take a screenshot: %w", err)
	}
	shot, err := shrink(taken)
	debug.FreeOSMemory() // some 50 MB of pixels, which the runtime would keep for minutes
	if err != nil {
		return nil, fmt.Errorf("cannot use the screenshot: %w", err)
	}
	return shot, nil
}

// speaks is the connection to the mpv that runs, nil for none.
func (p *Player) speaks() *Client {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.client
}

// takeShot has mpv write a file into a folder that goes with it: a mpv that writes too late finds no folder.
func takeShot(ctx context.Context, client *Client, opt Options) (data []byte, err error) {
	dir, err := os.MkdirTemp(opt.Runtime, shotDirs)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, opt.shotMode()); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "screen.jpg")
	for _, flags := range []string{"window", "video"} {
		err = client.Start(ctx, "screenshot-to-file", map[string]any{"filename": path, "flags": flags})
		var refused *CommandError
		if !errors.As(err, &refused) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return readShot(path)
}

// readShot trusts mpv to nothing: it decodes what came from outside.
func readShot(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(errors.New("mpv left no file"), err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxTakenBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxTakenBytes {
		return nil, fmt.Errorf("mpv's picture has more than %d bytes", maxTakenBytes)
	}
	return data, nil
}

// clearShots removes what a daemon that was killed left.
func clearShots(runtime string) error {
	dirs, err := filepath.Glob(filepath.Join(runtime, shotDirs))
	for _, dir := range dirs {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// shrink makes a JPEG of any size one within the limits, coarser where it must be and smaller where that is not enough.
func shrink(taken []byte) ([]byte, error) {
	config, err := jpeg.DecodeConfig(bytes.NewReader(taken))
	if err != nil {
		return nil, err
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxTakenPixels/config.Height {
		return nil, fmt.Errorf("it has %d by %d pixels", config.Width, config.Height)
	}
	img, err := jpeg.Decode(bytes.NewReader(taken))
	if err != nil {
		return nil, err
	}
	for size := within(img.Bounds().Size()); ; size = size.Mul(3).Div(4) {
		small := scale(img, size)
		for _, quality := range []int{80, 50, 30} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, small, &jpeg.Options{Quality: quality}); err != nil {
				return nil, err
			}
			if b.Len() <= MaxShotBytes {
				return b.Bytes(), nil
			}
		}
	}
}

// within is size, made smaller to fit the limits.
func within(size image.Point) image.Point {
	if size.X > MaxShotWidth {
		size = image.Pt(MaxShotWidth, max(1, size.Y*MaxShotWidth/size.X))
	}
	if size.Y > MaxShotHeight {
		size = image.Pt(max(1, size.X*MaxShotHeight/size.Y), MaxShotHeight)
	}
	return size
}

func scale(img image.Image, size image.Point) image.Image {
	if img.Bounds().Size() == size {
		return img
	}
	small := image.NewRGBA(image.Rectangle{Max: size})
	draw.BiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Src, nil)
	return small
}
