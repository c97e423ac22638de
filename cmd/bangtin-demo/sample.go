package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// A sample is one item of the demonstration's playlist, as options of `bangtin playlist add`.
type sample struct {
	id, title, category, language string
	more                          []string
}

func samples(dir string) []sample {
	text := func(heading, body, background string) []string {
		return []string{"--text", "--heading", heading, "--body", body, "--background", background, "--seconds", "6"}
	}
	return []sample{
		{"chao-mung", "Chào mừng", "essential-info", "vi", text(
			"Chào mừng quý khách đến cửa khẩu quốc tế Tịnh Biên",
			"Xin quý khách chuẩn bị sẵn hộ chiếu và tờ khai trước khi đến quầy kiểm soát.\n"+
				"Bảng tin phát từ 07:00 đến 11:00 và từ 14:00 đến 18:00 hằng ngày, kể cả ngày lễ, Tết.", "#7a1420")},
		{"phong-canh", "Bình minh Bảy Núi", "country-promotion", "zxx", []string{
			"--picture", filepath.Join(dir, "binh-minh.png"), "--seconds", "5"}},
		{"welcome", "Welcome", "essential-info", "en", text(
			"Welcome to Tịnh Biên International Border Gate",
			"Please have your passport and declaration ready before you reach the counter.\n"+
				"This display is on air from 07:00 to 11:00 and from 14:00 to 18:00 every day, holidays included.", "#0f3d66")},
		{"video", "Bình minh Bảy Núi (phim)", "country-promotion", "zxx", []string{
			"--video", filepath.Join(dir, "binh-minh.mp4")}},
		{"svakum", "Lời chào bằng tiếng Khmer", "essential-info", "km", text(
			"សូមស្វាគមន៍មកកាន់ខេត្តអានយ៉ាង ប្រទេសវៀតណាម",
			"សូមត្រៀមលិខិតឆ្លងដែន និងឯកសារឱ្យរួចរាល់ មុនពេលទៅដល់បញ្ជរត្រួតពិនិត្យ។\nសូមអរគុណ និងសូមជូនពរឱ្យធ្វើដំណើរដោយសុវត្ថិភាព។", "#1d5a34")},
	}
}

// makeMedia draws the picture and films it with a slow zoom and a soft chord.
func makeMedia(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	picture := filepath.Join(dir, "binh-minh.png")
	if err := writePNG(picture, landscape(1920, 1080)); err != nil {
		return err
	}
	return run(ctx, "ffmpeg", "-loglevel", "error", "-y", "-loop", "1", "-framerate", "25", "-i", picture,
		"-f", "lavfi", "-i", "sine=frequency=220:sample_rate=48000", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000",
		"-filter_complex", "[0:v]scale=1280:720,zoompan=z='1+0.0012*on':x='iw/2-iw/zoom/2':y='ih*0.4-ih*0.4/zoom':d=1:s=1280x720:fps=25[v];"+
			"[1:a][2:a]amix=inputs=2,volume=0.2,afade=t=in:d=1[a]",
		"-map", "[v]", "-map", "[a]", "-t", "8", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p",
		"-c:a", "aac", "-movflags", "+faststart", filepath.Join(dir, "binh-minh.mp4"))
}

// makePlaylist does with the department's own tool what the department does: draft, add, two signatures, export.
func (d *demo) makePlaylist(ctx context.Context) error {
	draft := d.path("draft")
	if err := makeMedia(ctx, d.path("media")); err != nil {
		return err
	}
	if err := d.bangtin(ctx, "playlist", "new", draft, "--id", "gioi-thieu", "--title", "Bảng tin giới thiệu", "--audience", d.device); err != nil {
		return err
	}
	for _, s := range samples(d.path("media")) {
		args := append([]string{"playlist", "add", draft, "--id", s.id, "--title", s.title, "--category", s.category,
			"--language", s.language, "--source-type", "agency", "--organisation", "Sở Văn hóa, Thể thao và Du lịch An Giang",
			"--document", "01/TB-DEMO", "--contributor", "Ban biên tập", "--rights", "tự sản xuất",
			"--editor", "bien.tap", "--approver", "phe.duyet", "--non-secret"}, s.more...)
		if err := d.bangtin(ctx, args...); err != nil {
			return err
		}
	}
	for _, who := range []string{"editor", "approver"} {
		if err := d.bangtin(ctx, "playlist", "approve", draft, "--key", d.path("keys", who+".key"), "--trust", d.path("trust.json")); err != nil {
			return err
		}
	}
	return d.bangtin(ctx, "playlist", "export", draft, "--out", d.path("stick"), "--trust", d.path("trust.json"))
}

// makeTrust makes the people's keys and the trust document, signed by two holders of the trust role.
func (d *demo) makeTrust(ctx context.Context) error {
	people := []struct{ file, person, name string }{
		{"editor", "bien.tap", "Biên tập viên"}, {"approver", "phe.duyet", "Người phê duyệt"},
		{"power", "truc.ban", "Trực ban"}, {"centre", "trung.tam", "Máy chủ trung tâm"},
		{"root1", "khoa.goc.1", "Người giữ khóa 1"}, {"root2", "khoa.goc.2", "Người giữ khóa 2"},
	}
	if err := os.MkdirAll(d.path("keys"), 0o700); err != nil {
		return err
	}
	for _, p := range people {
		if err := d.bangtin(ctx, "keys", "new", "--person", p.person, "--name", p.name, "--out", d.path("keys", p.file+".key"), "--no-passphrase"); err != nil {
			return err
		}
	}
	pub := func(role, file string) string { return role + "=" + d.path("keys", file+".pub") }
	return d.bangtin(ctx, "trust", "new", "--organisation", "Sở Văn hóa, Thể thao và Du lịch An Giang",
		"--grant", pub("playlist:editor", "editor"), "--grant", pub("playlist:approver", "approver"),
		"--grant", pub("power", "power"), "--grant", pub("collect", "centre"), "--grant", pub("time", "centre"),
		"--grant", pub("trust", "root1"), "--grant", pub("trust", "root2"),
		"--sign", d.path("keys", "root1.key"), "--sign", d.path("keys", "root2.key"), "--out", d.path("trust.json"))
}

// siteFile writes the site file with a window around now.
func (d *demo) siteFile(now time.Time) error {
	zone, err := time.LoadLocation("Asia/Ho_Chi_Minh")
	if err != nil {
		return err
	}
	local := now.In(zone)
	minutes := local.Hour()*60 + local.Minute()
	from, to := max(0, minutes-60), min(24*60, minutes+120)
	return os.WriteFile(d.path("site.toml"), fmt.Appendf(nil, siteTemplate, d.device, d.path("data"), d.path("run", "control.sock"),
		clockText(from), clockText(to), video(), d.port), 0o644)
}

// video is a window where there is a display, and nowhere else: the demonstration does not take over a console.
func video() string {
	if os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != "" {
		return "window"
	}
	return "null"
}

func clockText(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

const siteTemplate = `[site]
id = %q
gate = "Cửa khẩu quốc tế Tịnh Biên"
timezone = "Asia/Ho_Chi_Minh"
data = %q
socket = %q

[schedule]
windows = ["%s-%s"]
panel_lead = "90s"

[panel]
driver = "sim"

[output]
player = "mpv"
video = %q
volume = 30

[broker]
url = "tls://127.0.0.1:%d"
ca = "ca.pem"
certificate = "device.pem"
key = "device.key"
heartbeat = "10s"
gather = "0s"
`
