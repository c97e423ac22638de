package media_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"bangtin/media"
)

func openStore(t testing.TB, dir string, edit func(*media.StoreOptions)) *media.Store {
	t.Helper()
	o := media.StoreOptions{Dir: dir, Total: 1 << 20, Reserve: 1 << 20}
	if edit != nil {
		edit(&o)
	}
	s, err := media.OpenStore(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(s *media.Store, c content) error {
	return s.Put(context.Background(), bytes.NewReader(c.raw), c.File)
}

func TestPutThenVerified(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, nil)
	var j bytes.Buffer
	if err := jpeg.Encode(&j, image.NewGray(image.Rect(0, 0, 10, 10)), nil); err != nil {
		t.Fatal(err)
	}
	webm := describe("video/webm", []byte("\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm and more"))
	for _, c := range []content{picture(1), film(5000), describe("image/jpeg", j.Bytes()), webm} {
		if err := put(s, c); err != nil {
			t.Fatal(err)
		}
		path, ok := s.Ready(c.File)
		if !ok {
			t.Errorf("%s is not ready after Put", c.Type)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o444 {
			t.Errorf("%s has mode %v", c.Type, info.Mode())
		}
		if err := s.Put(context.Background(), iotest.ErrReader(errors.New("was read")), c.File); err != nil {
			t.Errorf("the same again: %v", err)
		}

		again := openStore(t, dir, nil)
		if _, ok := again.Ready(c.File); ok {
			t.Error("ready in a new process without being hashed")
		}
		if _, err := again.Verified(context.Background(), c.File); err != nil {
			t.Error(err)
		}
		if _, ok := again.Ready(c.File); !ok {
			t.Error("not ready after Verified")
		}
	}
}

func TestPutRefuses(t *testing.T) {
	p := picture(1)
	hugePicture := append([]byte(nil), p.raw...)
	binary.BigEndian.PutUint32(hugePicture[16:], 8193) // the width in IHDR
	binary.BigEndian.PutUint32(hugePicture[29:], crc32.ChecksumIEEE(hugePicture[12:29]))
	bomb := append([]byte(nil), p.raw...)
	binary.BigEndian.PutUint32(bomb[16:], 8000)
	binary.BigEndian.PutUint32(bomb[20:], 8000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(bomb[12:29]))

	with := func(c content, edit func(*content)) content {
		edit(&c)
		return c
	}
	tests := []struct {
		name string
		c    content
		says string
	}{
		{"cut off", with(p, func(c *content) { c.raw = c.raw[:len(c.raw)-1] }), "bytes"},
		{"empty", with(p, func(c *content) { c.raw = nil }), "bytes"},
		{"one byte more", with(p, func(c *content) { c.raw = append(bytes.Clone(c.raw), 0) }), "bytes"},
		{"one bit other", with(p, func(c *content) { c.raw = bytes.Clone(c.raw); c.raw[50] ^= 1 }), "hash"},
		{"another file", with(p, func(c *content) { c.raw = picture(2).raw }), ""},
		{"announced too large", with(p, func(c *content) { c.Size = media.MaxVideo + 1 }), "size"},
		{"hash that climbs", with(p, func(c *content) { c.SHA256 = "../../../../tmp/x" }), "hash"},
		{"no hash", with(p, func(c *content) { c.SHA256 = "" }), "hash"},
		{"picture called a film", with(p, func(c *content) { c.Type = "video/mp4" }), "first bytes"},
		{"film called a picture", with(film(99), func(c *content) { c.Type = "image/png" }), "first bytes"},
		{"PNG called JPEG", with(p, func(c *content) { c.Type = "image/jpeg" }), "first bytes"},
		{"unknown type", with(p, func(c *content) { c.Type = "image/svg+xml" }), "not shown"},
		{"PNG of a header only", describe("image/png", p.raw[:20]), "EOF"},
		{"a side too long", describe("image/png", hugePicture), "8193 x"},
		{"too many pixels", describe("image/png", bomb), "8000 x 8000"},
		{"play list", describe("video/mp4", []byte("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")), "first bytes"},
		{"edit list", describe("video/mp4", []byte("# mpv EDL v0\n/etc/passwd\n")), "first bytes"},
		{"concat script", describe("video/webm", []byte("ffconcat version 1.0\nfile /etc/passwd\n")), "first bytes"},
		{"script called a picture", describe("image/jpeg", []byte("#!/bin/sh\nreboot\n")), "first bytes"},
		{"QuickTime", describe("video/mp4", []byte("\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  ")), "first bytes"},
		{"Matroska", describe("video/webm", []byte("\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska and more bytes")), "first bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, dir, nil)
			if err := put(s, tt.c); !errors.Is(err, media.ErrWrongContent) {
				t.Errorf("error %v, want ErrWrongContent", err)
			}
			if err := put(s, tt.c); !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one about %q", err, tt.says)
			}
			if left := files(t, dir); len(left) != 0 {
				t.Errorf("leaves %v", left)
			}
			if _, ok := s.Ready(tt.c.File); ok {
				t.Error("and is ready")
			}
		})
	}
}

func TestPutThatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, nil)
	p := picture(1)
	broken := io.MultiReader(bytes.NewReader(p.raw[:20]), iotest.ErrReader(errors.New("line dropped")))
	if err := s.Put(context.Background(), broken, p.File); err == nil || errors.Is(err, media.ErrWrongContent) {
		t.Errorf("a dropped line: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Put(ctx, bytes.NewReader(p.raw), p.File); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if left := files(t, dir); len(left) != 0 {
		t.Errorf("leaves %v", left)
	}
	if err := put(s, p); err != nil {
		t.Errorf("then whole: %v", err)
	}
}

func TestTouchedFileIsHashedAgain(t *testing.T) {
	p := film(3000)
	other := describe(p.Type, append(bytes.Clone(p.raw[:len(p.raw)-1]), '!'))
	tests := []struct {
		name  string
		touch func(path string) error
		want  error
	}{
		{"swapped for one of the same length and date", func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.WriteFile(path+"x", other.raw, 0o444); err != nil {
				return err
			}
			if err := os.Chtimes(path+"x", info.ModTime(), info.ModTime()); err != nil {
				return err
			}
			return os.Rename(path+"x", path)
		}, media.ErrWrongContent},
		{"written over in place, date set back", func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			if err := os.Chmod(path, 0o644); err != nil {
				return err
			}
			if err := os.WriteFile(path, other.raw, 0o644); err != nil {
				return err
			}
			return os.Chtimes(path, info.ModTime(), info.ModTime())
		}, media.ErrWrongContent},
		{"cut off", func(path string) error { return os.Truncate(path, 30) }, media.ErrWrongContent},
		{"removed", os.Remove, fs.ErrNotExist},
		{"a link to the right bytes", func(path string) error {
			return errors.Join(os.Rename(path, path+"x"), os.Symlink(path+"x", path))
		}, media.ErrWrongContent},
		{"the same bytes, a new date", func(path string) error { return os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)) }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := openStore(t, t.TempDir(), nil)
			if err := put(s, p); err != nil {
				t.Fatal(err)
			}
			path, _ := s.Ready(p.File)
			if err := tt.touch(path); err != nil {
				t.Fatal(err)
			}
			if _, ok := s.Ready(p.File); ok {
				t.Error("still ready")
			}
			if _, err := s.Verified(context.Background(), p.File); !errors.Is(err, tt.want) {
				t.Errorf("Verified says %v, want %v", err, tt.want)
			}
			if tt.want == nil {
				return
			}
			if err := put(s, p); err != nil {
				t.Fatalf("cannot be replaced: %v", err)
			}
			if _, ok := s.Ready(p.File); !ok {
				t.Error("not ready after it was replaced")
			}
		})
	}
}

func TestOpenStoreRemovesParts(t *testing.T) {
	dir := t.TempDir()
	p := picture(1)
	for name, raw := range map[string][]byte{p.SHA256 + ".12.part": p.raw[:9], "x.part": nil, p.SHA256: p.raw} {
		if err := os.WriteFile(filepath.Join(dir, name), raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openStore(t, dir, nil)
	if left := files(t, dir); len(left) != 1 || left[0] != p.SHA256 {
		t.Errorf("left: %v", left)
	}
}

func TestStoreLimits(t *testing.T) {
	a, b := film(3000), film(6000)
	tests := []struct {
		name string
		edit func(*media.StoreOptions)
	}{
		{"total", func(o *media.StoreOptions) { o.Total = a.Size + b.Size - 1 }},
		{"reserve", func(o *media.StoreOptions) {
			free := a.Size + b.Size + 999
			o.Reserve = 1000
			o.Free = func(dir string) (int64, error) {
				used := int64(0)
				for _, name := range files(t, dir) {
					info, err := os.Stat(filepath.Join(dir, name))
					if err != nil {
						return 0, err
					}
					used += info.Size()
				}
				return free - used, nil
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := openStore(t, dir, tt.edit)
			if err := put(s, a); err != nil {
				t.Fatal(err)
			}
			if err := put(s, b); !errors.Is(err, media.ErrStoreFull) {
				t.Errorf("over the limit: %v", err)
			}
			if left := files(t, dir); len(left) != 1 {
				t.Errorf("left: %v", left)
			}
			freed, err := s.Collect(map[string]bool{b.SHA256: true})
			if err != nil || freed != a.Size {
				t.Errorf("collected %d bytes, %v", freed, err)
			}
			if _, ok := s.Ready(a.File); ok {
				t.Error("ready after it was collected")
			}
			if err := put(s, b); err != nil {
				t.Errorf("after collecting: %v", err)
			}
		})
	}
}

// Two files that fit one at a time must not pass side by side: room is claimed before it is used.
func TestRoomIsClaimed(t *testing.T) {
	a, b := film(3000), film(6000)
	s := openStore(t, t.TempDir(), func(o *media.StoreOptions) { o.Total = b.Size + 1 })
	slow, feed := io.Pipe()
	done := make(chan error)
	go func() { done <- s.Put(context.Background(), slow, a.File) }()
	if _, err := feed.Write(a.raw[:10]); err != nil {
		t.Fatal(err)
	}
	if err := put(s, b); !errors.Is(err, media.ErrStoreFull) {
		t.Errorf("beside another: %v", err)
	}
	if freed, err := s.Collect(nil); freed != 0 || err != nil {
		t.Errorf("collected %d bytes of a file being written, %v", freed, err)
	}
	if _, err := feed.Write(a.raw[10:]); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(feed.Close(), <-done); err != nil {
		t.Fatal(err)
	}
	if err := put(s, b); !errors.Is(err, media.ErrStoreFull) {
		t.Errorf("after the other: %v", err)
	}
}

func TestPutOfOneFileByMany(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, nil)
	p := picture(1)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := put(s, p); err != nil {
				t.Error(err)
			}
			if _, err := s.Verified(context.Background(), p.File); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if left := strings.Join(files(t, dir), " "); left != p.SHA256 {
		t.Errorf("left: %s", left)
	}
}
