package flash_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"bangtin/internal/flash"
)

const (
	block = 4096
	mib   = 1 << 20
)

// sample is an image of 5 MiB and 100 bytes with its map: the table, a piece from the first MiB into the third, one block
// alone, and a last block that is a part of one.
func sample(t testing.TB) (image []byte, table string) {
	t.Helper()
	image = make([]byte, 5*mib+100)
	random := rand.NewChaCha8([32]byte{1})
	var ranges strings.Builder
	mapped := 0
	for _, r := range [][2]int{{0, 4}, {200, 700}, {900, 900}, {1279, 1280}} {
		from, to := r[0]*block, min((r[1]+1)*block, len(image))
		if _, err := random.Read(image[from:to]); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("%d-%d", r[0], r[1])
		if r[0] == r[1] {
			name = fmt.Sprint(r[0])
		}
		fmt.Fprintf(&ranges, "    <Range chksum=\"%s\"> %s </Range>\n", sum(image[from:to]), name)
		mapped += r[1] - r[0] + 1
	}
	return image, seal(fmt.Sprintf(`<?xml version="1.0" ?>
<bmap version="2.0">
  <ImageSize> %d </ImageSize>
  <BlockSize> %d </BlockSize>
  <BlocksCount> 1281 </BlocksCount>
  <MappedBlocksCount> %d </MappedBlocksCount>
  <ChecksumType> sha256 </ChecksumType>
  <BmapFileChecksum> %s </BmapFileChecksum>
  <BlockMap>
%s  </BlockMap>
</bmap>
`, len(image), block, mapped, zeros(), ranges.String()))
}

func zeros() string { return strings.Repeat("0", 64) }

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// seal puts in the map's own checksum.
func seal(table string) string { return strings.Replace(table, zeros(), sum([]byte(table)), 1) }

func parsed(t testing.TB, table string) *flash.Map {
	t.Helper()
	m, err := flash.ParseMap([]byte(table))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// medium is memory that misbehaves on command. What is written is there after Flush, but for what bad changes.
type medium struct {
	data   []byte
	full   int64                // writes behind it fail; 0 for none
	bad    int64                // this byte reads back as another; 0 for none
	writes func(at int64) error // asked before each write
}

func (m *medium) WriteAt(p []byte, at int64) (int, error) {
	if m.writes != nil {
		if err := m.writes(at); err != nil {
			return 0, err
		}
	}
	if m.full > 0 && at+int64(len(p)) > m.full {
		return 0, errors.New("no space left on device")
	}
	return copy(m.data[at:], p), nil
}

func (m *medium) ReadAt(p []byte, at int64) (int, error) {
	n := copy(p, m.data[at:])
	if m.bad >= at && m.bad < at+int64(n) && m.bad > 0 {
		p[m.bad-at] ^= 1
	}
	return n, nil
}

func (m *medium) Flush() error { return nil }

// used is a medium that holds something else.
func used(size int) *medium { return &medium{data: bytes.Repeat([]byte{0xa5}, size)} }

func TestWrite(t *testing.T) {
	image, table := sample(t)
	m := parsed(t, table)
	to := used(6 * mib)
	var wrote, read, all int64
	err := flash.Write(context.Background(), to, bytes.NewReader(image), m,
		func(done, of int64) { wrote, all = done, of }, func(done, _ int64) { read = done })
	if err != nil {
		t.Fatal(err)
	}
	if wrote != m.Mapped() || read != m.Mapped() || all != m.Mapped() {
		t.Errorf("written %d, read back %d, of %d: want %d", wrote, read, all, m.Mapped())
	}
	for _, r := range m.Ranges {
		if !bytes.Equal(to.data[r.Start:r.Start+r.Bytes], image[r.Start:r.Start+r.Bytes]) {
			t.Errorf("the %d bytes from %d on are others", r.Bytes, r.Start)
		}
	}
	if !bytes.Equal(to.data[:mib], image[:mib]) {
		t.Error("the first MiB is another: what is in no range must be empty there")
	}
	if to.data[4*mib] != 0xa5 || to.data[len(image)] != 0xa5 {
		t.Error("written where nothing is mapped")
	}
}

// Whatever goes wrong, and whenever: the medium has no table of partitions, the old one neither.
func TestWhatIsCutOffIsNoDisk(t *testing.T) {
	image, table := sample(t)
	m := parsed(t, table)
	other := bytes.Clone(image)
	other[300*block]++
	for name, c := range map[string]struct {
		image  io.Reader
		change func(*medium)
		want   error
	}{
		"image of another map": {image: bytes.NewReader(other), want: flash.ErrImage},
		"image cut":            {image: bytes.NewReader(image[:4*mib]), want: flash.ErrImage},
		"image longer":         {image: bytes.NewReader(append(bytes.Clone(image), 0)), want: flash.ErrImage},
		"medium full":          {image: bytes.NewReader(image), change: func(m *medium) { m.full = 3 * mib }},
		"medium forgets":       {image: bytes.NewReader(image), change: func(m *medium) { m.bad = 2*mib + 7 }, want: flash.ErrMedium},
	} {
		t.Run(name, func(t *testing.T) {
			to := used(6 * mib)
			if c.change != nil {
				c.change(to)
			}
			err := flash.Write(context.Background(), to, c.image, m, nil, nil)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if !bytes.Equal(to.data[:mib], make([]byte, mib)) {
				t.Error("there is something in the first MiB")
			}
		})
	}
}

func TestWriteStoppedAtEachWrite(t *testing.T) {
	image, table := sample(t)
	m := parsed(t, table)
	for stop := 1; ; stop++ {
		to := used(6 * mib)
		ctx, cancel := context.WithCancel(context.Background())
		writes, last := 0, int64(-1)
		to.writes = func(at int64) error {
			if writes++; writes == stop {
				cancel()
			}
			last = at
			return nil
		}
		err := flash.Write(ctx, to, bytes.NewReader(image), m, nil, nil)
		cancel()
		if writes < stop {
			if stop < 5 || err != nil {
				t.Fatalf("%d writes in all, %v", writes, err)
			}
			return
		}
		if last == 0 && writes > 1 { // the head was being written: that is the end
			if err != nil {
				t.Errorf("stopped in the last write: %v", err)
			}
			continue
		}
		if !errors.Is(err, context.Canceled) {
			t.Errorf("stopped at write %d: %v", stop, err)
		}
		if !bytes.Equal(to.data[:mib], make([]byte, mib)) {
			t.Errorf("stopped at write %d: there is something in the first MiB", stop)
		}
	}
}

func TestHeadThatReadsBackAsAnother(t *testing.T) {
	image, table := sample(t)
	to := used(6 * mib)
	to.bad = 513
	if err := flash.Write(context.Background(), to, bytes.NewReader(image), parsed(t, table), nil, nil); !errors.Is(err, flash.ErrMedium) {
		t.Errorf("%v, want ErrMedium", err)
	}
}

func TestParseMapRefuses(t *testing.T) {
	_, table := sample(t)
	open := strings.Replace(table, strings.TrimSpace(between(table, "<BmapFileChecksum>", "<")), zeros(), 1)
	for name, c := range map[string]struct{ old, new, want string }{
		"version":    {`version="2.0"`, `version="1.4"`, "2.0"},
		"kind":       {" sha256 ", " sha1 ", "sha256"},
		"order":      {" 200-700 ", " 3-503 ", "begins before"},
		"outside":    {" 1279-1280 ", " 1279-1290 ", "no range"},
		"backwards":  {" 200-700 ", " 700-200 ", "no range"},
		"negative":   {" 900 ", " -900 ", "no range"},
		"no hash":    {`chksum="`, `chksum="zz`, "no SHA-256"},
		"block":      {" 4096 ", " 4097 ", "BlockSize"},
		"size":       {"<ImageSize> ", "<ImageSize> 9999999999", "ImageSize"},
		"sum":        {"<MappedBlocksCount> ", "<MappedBlocksCount> 1", "MappedBlocksCount"},
		"no ranges":  {"<Range", "<Rang", "block map"},
		"no element": {"</bmap>", "", "block map"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(open, c.old, c.new, 1)
			if changed == open {
				t.Fatal("nothing was changed")
			}
			if _, err := flash.ParseMap([]byte(seal(changed))); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := flash.ParseMap([]byte(strings.Replace(table, "200-700", "200-701", 1))); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("changed without its checksum: %v", err)
	}
	if _, err := flash.ParseMap(make([]byte, flash.MaxMap+1)); err == nil {
		t.Error("a file without end was read")
	}
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

// FuzzParseMap: whatever the bytes, a map that is read has ranges in order, inside the image.
func FuzzParseMap(f *testing.F) {
	_, table := sample(f)
	f.Add([]byte(table))
	f.Add([]byte(`<bmap version="2.0"><BlockMap><Range chksum="00">0</Range></BlockMap></bmap>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Its own checksum is put in, or nothing would be reached.
		if old := strings.TrimSpace(between(string(data), "<BmapFileChecksum>", "<")); len(old) == 64 {
			data = []byte(seal(strings.ReplaceAll(string(data), old, zeros())))
		}
		m, err := flash.ParseMap(data)
		if err != nil {
			return
		}
		var end int64
		for _, r := range m.Ranges {
			if r.Start < end || r.Bytes <= 0 || r.Start+r.Bytes > m.Size {
				t.Fatalf("%+v of %d bytes after %d", r, m.Size, end)
			}
			end = r.Start + r.Bytes
		}
	})
}
