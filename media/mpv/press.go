package mpv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"bangtin/media"
)

const (
	cardsDir    = "cards"
	keptCards   = 64 // finished cards on disk, 0.1 MB each
	pressWithin = 15 * time.Second
)

// A press turns cards into pictures with a mpv of their own that draws one frame into a file. A text shown live, as
// subtitle of a plain picture, was tried first: at some changes a frame showed the text over the picture before it, or
// its own picture without the text, and --video-rotate left it upright. A finished picture changes in one step, turns
// with the output, and can be looked at before it is shown. It is a child of ours wherever the mpv that plays runs: it opens
// no file but what was written here, no device and no connection, and has its output judged.
type press struct {
	opt    Options
	setter *Typesetter // nil until prepared
	dir    string
	kept   []string      // oldest first
	busy   chan struct{} // full while a mpv draws
}

func newPress(opt Options) *press {
	return &press{opt: opt, dir: filepath.Join(opt.Runtime, cardsDir), busy: make(chan struct{}, 1)}
}

// prepare makes what texts are drawn with. It is called before each until it has succeeded: fonts that are missing and
// a disk that is full cost the texts, nothing else, and those for no longer than it lasts.
func (p *press) prepare() error {
	if p.setter != nil {
		return nil
	}
	setter, err := NewTypesetter(p.opt.Fonts)
	if err != nil {
		return err
	}
	if err := writeFontConfig(p.opt.Runtime, p.opt.Fonts); err != nil {
		return err
	}
	if err := os.RemoveAll(p.dir); err != nil {
		return fmt.Errorf("cannot clear the text cards: %w", err)
	}
	if err := os.Mkdir(p.dir, folderMode); err != nil {
		return fmt.Errorf("cannot make the folder of text cards: %w", err)
	}
	p.setter = setter
	return nil
}

// A print is a text card made for a wish.
type print struct {
	clip   media.Clip
	serial uint64 // of the wish
	path   string // of a PNG
	err    error
}

// print draws the text of clip, now or from earlier. It may take seconds on a small board, and ends with ctx. Only one
// may run at a time.
func (p *press) print(ctx context.Context, clip media.Clip, serial uint64) print {
	path, err := p.find(ctx, *clip.Item.Text)
	return print{clip, serial, path, err}
}

func (p *press) find(ctx context.Context, text media.Text) (string, error) {
	if err := p.prepare(); err != nil {
		return "", err
	}
	card, err := p.setter.Set(text, SheetFor(p.opt.Rotate))
	if err != nil {
		return "", err
	}
	path := filepath.Join(p.dir, card.name()+".png")
	if at := slices.Index(p.kept, path); at >= 0 {
		p.kept = slices.Delete(p.kept, at, at+1)
		if _, err := os.Stat(path); err == nil { // else somebody cleared the folder
			p.kept = append(p.kept, path)
			return path, nil
		}
	}
	if err := p.draw(ctx, card, path); err != nil {
		return "", fmt.Errorf("cannot draw a text: %w", err)
	}
	p.kept = append(p.kept, path)
	if len(p.kept) > keptCards { // far more than mpv has in its playlist
		oldest := p.kept[0]
		p.kept = p.kept[1:]
		if err := os.Remove(oldest); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("cannot remove an old text card: %w", err)
		}
	}
	return path, nil
}

// draw has libass draw card into a PNG at path, which appears only when it is whole and has been looked at.
func (p *press) draw(ctx context.Context, card Card, path string) (err error) {
	work, err := os.MkdirTemp(p.dir, "draw-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	paper, err := card.paper()
	if err != nil {
		return err
	}
	ass, blank := filepath.Join(work, "text.ass"), filepath.Join(work, "paper.png")
	if err := errors.Join(os.WriteFile(ass, card.ASS, 0o600), os.WriteFile(blank, paper, 0o600)); err != nil {
		return err
	}
	if err := p.run(ctx, ass, blank, work); err != nil {
		return err
	}
	drawn := filepath.Join(work, "00000001.png") // vo_image counts from one
	err = card.inspect(drawn)
	// A sheet is 8 MB of pixels, looked at once for each text; the runtime alone would keep them for minutes.
	debug.FreeOSMemory()
	if err != nil {
		return err
	}
	return os.Rename(drawn, path)
}

// run has a mpv draw. One that the kernel holds is left to end in its own time, and until then no other is started.
func (p *press) run(ctx context.Context, ass, paper, work string) error {
	select {
	case p.busy <- struct{}{}:
	default:
		return errUndead
	}
	ctx, cancel := context.WithTimeout(ctx, pressWithin)
	defer cancel()
	cmd := p.command(ctx, ass, paper, work)
	ended := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for Pdeathsig, as in startProcess
		defer runtime.UnlockOSThread()
		err := cmd.Run()
		<-p.busy
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done(): // which kills it
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(reapWithin):
		return errUndead
	}
}

func (p *press) command(ctx context.Context, ass, paper, work string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.opt.Binary, "--no-config", "--load-scripts=no", "--ytdl=no", "--osc=no",
		"--input-terminal=no", "--msg-level=all=warn,statusline=no", "--no-msg-color", "--osd-level=0",
		"--autoload-files=no", "--sub-font-provider=fontconfig", "--sub-ass-override=no", "--sub-files="+ass, "--sid=1",
		"--ao=null", "--frames=1", "--vo=image", "--vo-image-format=png", "--vo-image-outdir="+work, paper)
	cmd.Env = p.opt.environment()
	cmd.Dir = work
	cmd.WaitDelay = quitWithin
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	talk := newMutter(p.opt.Log, p.opt.Now)
	cmd.Stdout, cmd.Stderr = talk, talk
	return cmd
}

// name is the same for the same picture.
func (c Card) name() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%v %v\n%s", c.Sheet, c.Background, c.ASS))
	return hex.EncodeToString(sum[:16])
}

// inspect refuses a picture of the wrong size or colour, and one without anything on it: what libass makes of a text
// when it cannot open a font.
func (c Card) inspect(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("nothing was drawn: %w", err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("what was drawn is no picture: %w", err)
	}
	if size := img.Bounds().Size(); size.X != c.Sheet.Width || size.Y != c.Sheet.Height {
		return fmt.Errorf("the picture has %d by %d pixels", size.X, size.Y)
	}
	drawn := image.NewRGBA(img.Bounds())
	draw.Draw(drawn, drawn.Bounds(), img, img.Bounds().Min, draw.Src)
	if corner := drawn.RGBAAt(0, 0); corner != c.Background {
		return fmt.Errorf("the background became %v", corner)
	}
	paper, inked := drawn.Pix[:4], 0
	for at := 0; at < len(drawn.Pix); at += 4 {
		if !bytes.Equal(drawn.Pix[at:at+4], paper) {
			inked++
		}
	}
	// The smallest text, one letter of 32 pixels, covers more than that.
	if inked < 50 {
		return fmt.Errorf("the text is missing: %d pixels differ from the background", inked)
	}
	return nil
}
