package media_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image/png"
	"testing"

	"bangtin/media"
)

func TestSlate(t *testing.T) {
	raw := media.SlatePNG()
	sum := sha256.Sum256(raw)
	if got := hex.EncodeToString(sum[:]); got != media.SlateSHA256 {
		t.Errorf("hash %s, want %s", got, media.SlateSHA256)
	}
	if len(raw) > 16<<10 {
		t.Errorf("%d bytes", len(raw))
	}
	picture, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if b := picture.Bounds(); b.Dx() != 1920 || b.Dy() != 1080 {
		t.Errorf("size %v", b)
	}
	raw[0] = 0
	if media.SlatePNG()[0] == 0 {
		t.Error("the picture can be changed from outside")
	}
}
