package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A world is what stands outside the machine: a department with its keys, a centre, a Mosquitto with TLS and an ACL,
// and a playlist. All of it is made by the programs that a department has.
type world struct {
	bench     *bench
	dir       string
	ports     [3]int // displays, department, HTTPS
	processes []*exec.Cmd
	display   string // the folder that the display has as /data/bangtin, without its site file
}

// The display, and how the guest reaches this machine (QEMU's user networking: docs/system/devices/net of QEMU 7.2).
const (
	displayName = "tinh-bien-01"
	gateName    = "Cửa khẩu quốc tế Tịnh Biên"
	outside     = "10.0.2.2"
)

func (b *bench) newWorld(ctx context.Context) (*world, error) {
	w := &world{bench: b, dir: filepath.Join(b.work, "world"), display: filepath.Join(b.work, "world/display")}
	if err := os.MkdirAll(w.display, 0o755); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{w.makeCentre, w.runCentre, w.enrol, w.makePlaylist} {
		if err := step(ctx); err != nil {
			w.close()
			return nil, err
		}
	}
	return w, nil
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

// bangtin runs the department's tool.
func (w *world) bangtin(ctx context.Context, args ...string) (string, error) {
	return w.bench.doIn(ctx, w.dir, "bangtin", args...)
}

// run runs it with words that hold no spaces.
func (w *world) run(ctx context.Context, words string) error {
	_, err := w.bangtin(ctx, strings.Fields(words)...)
	return err
}

// makeCentre makes people's keys, the centre, and the trust document.
func (w *world) makeCentre(ctx context.Context) error {
	for _, who := range []string{"editor", "approver", "power", "site", "root1", "root2"} {
		if _, err := w.bangtin(ctx, "keys", "new", "--person", who, "--name", "Thử "+who, "--no-passphrase", "--out", who+".key"); err != nil {
			return err
		}
	}
	for i := range w.ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer func() { _ = l.Close() }() // only when all three are found, so that they differ
		w.ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	me, err := user.Current()
	if err != nil {
		return err
	}
	// The first host is the one by which the operators of this machine reach it.
	err = w.run(ctx, fmt.Sprintf("center init --dir centre --host localhost --host %s --broker-port %d --department-port %d --https-port %d --broker-user %s",
		outside, w.ports[0], w.ports[1], w.ports[2], me.Username))
	if err != nil {
		return err
	}
	err = w.run(ctx, "trust new --organisation Thử --grant playlist:editor=editor.pub --grant playlist:approver=approver.pub --grant power=power.pub --grant site=site.pub "+
		"--grant collect=centre/keys/centre.pub --grant time=centre/keys/centre.pub --grant trust=root1.pub --grant trust=root2.pub "+
		"--sign root1.key --sign root2.key --out trust.json")
	if err != nil {
		return err
	}
	return w.run(ctx, "center operator --dir centre --name truc-ban")
}

// metrics is the line of the centre's settings that has its own port: nobody asks it here.
var metrics = regexp.MustCompile(`(?m)^metrics *=.*$`)

// runCentre starts broker and centre, and waits until the centre answers.
func (w *world) runCentre(ctx context.Context) error {
	trust, err := os.ReadFile(w.path("trust.json"))
	if err != nil {
		return err
	}
	settings, err := os.ReadFile(w.path("centre/center.toml"))
	if err != nil {
		return err
	}
	settings = metrics.ReplaceAll(settings, []byte(`metrics = "127.0.0.1:0"`))
	// This machine's clock may be kept by something that the kernel is not told of.
	settings = append(settings, "\ntime = \"trusted\"\n"...)
	for name, content := range map[string][]byte{"centre/trust.json": trust, "centre/center.toml": settings} {
		if err := os.WriteFile(w.path(name), content, 0o644); err != nil {
			return err
		}
	}
	if err := w.spawn("broker", "mosquitto", "-c", w.path("centre/broker/mosquitto.conf")); err != nil {
		return err
	}
	if err := w.spawn("centre", filepath.Join(w.bench.programs, "bangtin-center"), "--dir", w.path("centre"), "run"); err != nil {
		return err
	}
	return await(ctx, "the centre answers", time.Minute, func() (bool, string) {
		conn, err := net.DialTimeout("tcp", fmt.Sprintf("localhost:%d", w.ports[2]), time.Second)
		if err != nil {
			return false, err.Error() + "\n" + w.log("centre")
		}
		return conn.Close() == nil, "it was reached"
	})
}

// spawn starts a program that runs as long as the world does. Mosquitto is not in every PATH.
func (w *world) spawn(log, program string, args ...string) error {
	if found, err := exec.LookPath(program); err == nil {
		program = found
	} else {
		program = filepath.Join("/usr/sbin", program)
	}
	out, err := os.Create(w.path(log + ".log"))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = w.dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	w.processes = append(w.processes, cmd)
	return nil
}

func (w *world) log(name string) string {
	b, err := os.ReadFile(w.path(name + ".log"))
	if err != nil {
		return err.Error()
	}
	return tail(string(b), 1500)
}

// connections is how often the broker has let the display in.
func (w *world) connections() int {
	b, err := os.ReadFile(w.path("broker.log"))
	if err != nil {
		return 0
	}
	return strings.Count(string(b), " as "+displayName+" ")
}

func (w *world) close() {
	for _, cmd := range w.processes {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	w.processes = nil
	for _, name := range []string{"broker", "centre"} {
		_, _ = w.bench.do(context.Background(), "cp", w.path(name+".log"), w.bench.out)
	}
}

// siteFile is what a form filled in by the department says. Its window is the whole day: nothing is left to the hour at
// which the bench runs.
func (w *world) siteFile(data, run, host string, panel string) string {
	return fmt.Sprintf(`[site]
id = %q
gate = %q
data = %q
socket = %q
[schedule]
windows = ["00:00-24:00"]
[panel]
%s
[output]
video = "drm"
[content]
url = "https://%s:%d/content/"
[broker]
url = "tls://%s:%d"
heartbeat = "10s"
`, displayName, gateName, data, filepath.Join(run, "control.sock"), panel, host, w.ports[2], host, w.ports[0])
}

// panelMDC is the panel behind the second serial port, panelCEC whatever is at the one CEC
// adapter that leads to a panel.
const (
	panelMDC = "driver = \"mdc\"\nport = \"/dev/ttyS1\"\nset_id = 1"
	panelCEC = "driver = \"cec\""
)

var enrolCode = regexp.MustCompile(`([A-Z2-7]{4}-){7}[A-Z2-7]{4}`)

// enrol gives the display its key and certificate, by the code that the centre makes.
func (w *world) enrol(ctx context.Context) error {
	file := w.path("enrol.toml")
	if err := os.WriteFile(file, []byte(w.siteFile(w.display, w.dir, "localhost", panelMDC)), 0o644); err != nil {
		return err
	}
	said, err := w.bangtin(ctx, "center", "enrol", "--dir", "centre", "--device", displayName)
	if err != nil {
		return err
	}
	_, err = w.bench.doIn(ctx, w.dir, "bangtind", "--site", file, "enrol", "--code", enrolCode.FindString(said))
	return err
}

// An item is a page of the programme: a text in a script, or the picture.
type item struct{ id, language, heading, body, colour string }

func programme() []item {
	return []item{
		{"vi", "vi", "Chào mừng quý khách đến cửa khẩu quốc tế Tịnh Biên",
			"Xin quý khách chuẩn bị sẵn hộ chiếu và tờ khai trước khi đến quầy kiểm soát.", "#7a1420"},
		{"en", "en", "Welcome to Tịnh Biên International Border Gate",
			"Please have your passport and declaration ready before you reach the counter.", "#0f3d66"},
		{"km", "km", "សូមស្វាគមន៍មកកាន់ខេត្តអានយ៉ាង ប្រទេសវៀតណាម",
			"សូមត្រៀមលិខិតឆ្លងដែន និងឯកសារឱ្យរួចរាល់ មុនពេលទៅដល់បញ្ជរត្រួតពិនិត្យ។", "#1d5a34"},
	}
}

// textSeconds is how long a text stays: drawing the next one takes the emulated processors several seconds, and what is
// not ready in time is not shown this time.
const textSeconds = "12"

// makePlaylist does what two people of the department do, with their tool.
func (w *world) makePlaylist(ctx context.Context) error {
	if err := writePNG(w.path("picture.png"), testPicture()); err != nil {
		return err
	}
	_, err := w.bench.do(ctx, "ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=640x360:rate=10", "-t", "4",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", w.path("film.mp4"))
	if err != nil {
		return err
	}
	if _, err := w.bangtin(ctx, "playlist", "new", "draft", "--id", "ban-tin", "--title", "Bản tin thử", "--audience", displayName); err != nil {
		return err
	}
	common := []string{"--source-type", "agency", "--organisation", "Thử nghiệm", "--document", "01/TB",
		"--contributor", "Ban biên tập", "--rights", "tự sản xuất", "--editor", "editor", "--approver", "approver", "--non-secret"}
	var items [][]string
	for _, i := range programme() {
		items = append(items, []string{"--id", i.id, "--title", i.id, "--category", "essential-info", "--language", i.language, "--seconds", textSeconds,
			"--text", "--heading", i.heading, "--body", i.body, "--background", i.colour})
	}
	items = append(items,
		[]string{"--id", "picture", "--title", "picture", "--category", "country-promotion", "--language", "zxx", "--seconds", "6", "--picture", "picture.png"},
		[]string{"--id", "film", "--title", "film", "--category", "country-promotion", "--language", "zxx", "--video", "film.mp4"})
	for _, more := range items {
		if _, err := w.bangtin(ctx, append(append([]string{"playlist", "add", "draft"}, more...), common...)...); err != nil {
			return err
		}
	}
	for _, who := range []string{"editor", "approver"} {
		if err := w.run(ctx, "playlist approve draft --key "+who+".key --trust trust.json"); err != nil {
			return err
		}
	}
	return w.publish(ctx)
}

func (w *world) publish(ctx context.Context) error {
	return w.run(ctx, "playlist publish draft --trust trust.json --display "+displayName+" --center centre/operators/truc-ban")
}

// testPicture is one that nothing else on the screen is like: eight fields of colours, each with a frame of its own.
func testPicture() *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, screenW, screenH))
	for y := range screenH {
		for x := range screenW {
			field := x/(screenW/4) + 4*(y/(screenH/2))
			c := color.RGBA{uint8(40 + 50*(field%4)), uint8(60 + 120*(field/4)), uint8(220 - 25*field), 255}
			if x%(screenW/4) < 24 || y%(screenH/2) < 24 {
				c = color.RGBA{250, 250, 250, 255}
			}
			p.SetRGBA(x, y, c)
		}
	}
	return p
}

// watch is what the department's tool says of the display, by what the centre's broker has.
func (w *world) watch(ctx context.Context) string {
	said, err := w.bangtin(ctx, "watch", "--once", "--all", "--window", "00:00-24:00", "--center", "centre/operators/truc-ban")
	if err != nil && said == "" {
		return err.Error()
	}
	return said
}

// A report is what the department's tool says of a display to a program.
type report struct {
	Display  string `json:"display"`
	Playlist string `json:"playlist"`
	Troubles []struct {
		Code  string `json:"code"`
		Alarm string `json:"alarm"`
		What  string `json:"what"`
	} `json:"troubles"`
}

// report is what it says of this display, by what the broker has.
func (w *world) report(ctx context.Context) (r report, said string) {
	said, err := w.bangtin(ctx, "watch", "--once", "--all", "--json", "--window", "00:00-24:00", "--center", "centre/operators/truc-ban")
	if err != nil && said == "" {
		return r, err.Error()
	}
	for line := range strings.Lines(said) {
		var one report
		if json.Unmarshal([]byte(line), &one) == nil && one.Display == displayName {
			return one, line
		}
	}
	return r, said
}

// believed is the alarm of a display that took its first trust document from the stick: right for a new one, until
// somebody has compared it.
const believed = "notice-S10"

// airing tells whether it plays and has no trouble but what is allowed.
func (r report) airing(allowed ...string) bool {
	for _, t := range r.Troubles {
		if t.Alarm == "" || !slices.Contains(append(allowed, believed), t.Alarm) {
			return false
		}
	}
	return strings.HasPrefix(r.Playlist, "ban-tin@")
}

// onAir waits until the centre hears from the display that it is on air: picture on the panel, read back.
func (w *world) onAir(ctx context.Context, limit time.Duration) error {
	return await(ctx, "the centre hears that the display is on air", limit, func() (bool, string) {
		r, said := w.report(ctx)
		return r.airing(), said
	})
}

// dark waits until the centre hears that the panel was read back as off.
func (w *world) dark(ctx context.Context, limit time.Duration) error {
	return await(ctx, "the centre hears that the panel is off", limit, func() (bool, string) {
		r, said := w.report(ctx)
		for _, t := range r.Troubles {
			if t.Code == "dark" && strings.Contains(t.What, "panel off") {
				return true, said
			}
		}
		return false, said
	})
}
