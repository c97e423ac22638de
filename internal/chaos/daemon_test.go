package chaos_test

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/trust"
	"bangtin/media"
)

// daemon is the real one, with mpv and in no hurry: it waits up to two minutes before it connects again.
func (w *world) daemon(id string) {
	w.Helper()
	u := w.enrol(id)
	u.daemon = true
	u.key = func() ed25519.PrivateKey {
		seed, err := os.ReadFile(u.path("keys/journal.key"))
		w.check(err)
		return ed25519.NewKeyFromSeed(seed)
	}
	for _, name := range []string{"pki/ca.pem", "trust.json"} {
		raw, err := os.ReadFile(filepath.Join(w.dir, name))
		w.check(err)
		w.write(u.path(filepath.Base(name)), raw)
	}
	w.check(os.MkdirAll(u.path("inbox/content"), 0o750))
	w.write(u.path("inbox/playlist.json"), w.playlist(id))
	w.write(u.path("site.toml"), fmt.Appendf(nil,
		"[site]\nid = %q\ngate = \"Cửa khẩu\"\ndata = %q\nsocket = %q\n[schedule]\nwindows = [\"00:00-24:00\"]\npanel_lead = \"60s\"\n"+
			"[panel]\ndriver = \"sim\"\n[output]\nvideo = \"null\"\n[content]\nurl = %q\n[broker]\nurl = \"tls://%s\"\nheartbeat = \"10s\"\ngather = \"0s\"\n",
		id, u.dir, u.path("run/control.sock"), w.content(), u.link.address()))
	u.process = newService(id, u.path("log"), func() *exec.Cmd {
		return exec.Command(w.path("bangtind"), "--site", u.path("site.toml"))
	})
}

// playlist is two texts of two seconds.
func (w *world) playlist(id string) []byte {
	w.Helper()
	p := media.Playlist{ID: "thu-nghiem", Version: 1, Title: "Thử nghiệm", Audience: []string{id}, Created: time.Now().UTC().Truncate(time.Second)}
	for _, name := range []string{"mot", "hai"} {
		p.Items = append(p.Items, media.Item{
			ID: name, Title: name, Category: media.EssentialInfo, Language: media.Vietnamese, Seconds: 3, Kind: media.TextCard,
			Text:   &media.Text{Heading: "Thông báo", Body: "Nội dung", Foreground: "#ffffff", Background: "#003366"},
			Source: media.Source{Type: media.Agency, Organisation: "Sở", Document: "1/TB"}, Contributor: "Ban biên tập",
			Rights: "tự sản xuất", Editor: "editor", Approver: "approver", NonSecret: true,
		})
	}
	payload, err := json.Marshal(p)
	w.check(err)
	raw, err := brokertest.Seal(trust.TypePlaylist, payload, w.department.Editor, w.department.Approver)
	w.check(err)
	return raw
}
