package media_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"bangtin/internal/journal"
	"bangtin/media"
)

func TestPlay(t *testing.T) {
	p := samplePlaylist(t)
	start := time.Date(2027, 1, 20, 7, 0, 1, 0, zone(t, "Asia/Ho_Chi_Minh"))
	shown := media.Shown{
		Clip:     media.Clip{Playlist: p.ID, Version: p.Version, Item: p.Items[1], SHA256: p.Items[1].File.SHA256},
		Start:    start,
		Duration: 60500 * time.Millisecond,
		Complete: true,
	}
	want := journal.Play{
		Playlist: "tinh-bien", Version: 1800000000000, Item: "border-film", SHA256: p.Items[1].File.SHA256,
		Category: "border-rules", Language: "vi", Start: time.Date(2027, 1, 20, 0, 0, 1, 0, time.UTC),
		DurationS: 60.5, Complete: true, Panel: "unverified",
	}
	if diff := cmp.Diff(want, media.Play(shown, "unverified")); diff != "" {
		t.Error(diff)
	}
}
