package fetch_test

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"bangtin/media/fetch"
)

func TestContentRange(t *testing.T) {
	for _, s := range []string{"bytes 0-0/1", "bytes 5-9/10", "bytes 0-2147483647/2147483648"} {
		from, to, total, ok := fetch.ParseContentRange(s)
		if !ok || fmt.Sprintf("bytes %d-%d/%d", from, to-1, total) != s {
			t.Errorf("%q: %d %d %d %v", s, from, to, total, ok)
		}
	}
	for _, s := range []string{
		"", "bytes", "bytes ", "bytes 0-0", "bytes 0-1/1", "bytes 2-1/5", "bytes */5", "bytes 0-1/*", "Bytes 0-0/1", "bytes=0-0/1",
		"bytes 00-0/1", "bytes 0-01/5", "bytes +0-1/5", "bytes -0-1/5", "bytes 0- 1/5", " bytes 0-1/5", "bytes 0-1/5 ", "bytes 0-1/5/6",
		"bytes 0-1/9999999999999999", "bytes 0-18446744073709551616/18446744073709551617", "bytes 0x0-1/5", "bytes 0-1,3-4/5", "bytes ٠-1/5",
	} {
		if _, _, _, ok := fetch.ParseContentRange(s); ok {
			t.Errorf("%q was read", s)
		}
	}
}

func TestStrongETag(t *testing.T) {
	for tag, strong := range map[string]bool{
		`"a"`: true, `"` + strings.Repeat("x", 198) + `"`: true,
		`"` + strings.Repeat("x", 199) + `"`: false, ``: false, `""`: false, `W/"a"`: false, `"a`: false, `a"`: false, `"`: false,
		`"a"b"`: false, `"a b"`: false, "\"a\x7f\"": false, `"é"`: false,
	} {
		if got := fetch.StrongETag(http.Header{"Etag": {tag}}); (got == tag && tag != "") != strong {
			t.Errorf("%s: %q", tag, got)
		}
	}
}

// FuzzAnswer holds the judgement to what a body is taken for: an answer that passes says exactly what was asked.
func FuzzAnswer(f *testing.F) {
	f.Add(int64(0), int64(10), int64(10), "", 200, int64(10), "ETag: \"a\"")
	f.Add(int64(5), int64(10), int64(10), `"a"`, 206, int64(5), "Content-Range: bytes 5-9/10\nETag: \"a\"")
	f.Add(int64(5), int64(10), int64(10), `"a"`, 206, int64(5), "Content-Range: bytes 5-9/10\nETag: \"b\"\nContent-Encoding: gzip")
	f.Add(int64(5), int64(10), int64(10), "", 206, int64(5), "Content-Range: bytes 5-9/10\nContent-Range: bytes 0-4/10")
	f.Add(int64(5), int64(10), int64(10), "", 416, int64(0), "Content-Range: bytes */10")
	f.Fuzz(func(t *testing.T, from, to, total int64, etag string, status int, length int64, lines string) {
		if from < 0 || to <= from || total < to {
			t.Skip("nobody asks for that")
		}
		h := http.Header{}
		for line := range strings.Lines(lines) {
			if key, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				h.Add(textproto.TrimString(key), textproto.TrimString(value))
			}
		}
		if tag := fetch.StrongETag(h); tag != "" && (tag != h.Get("ETag") || strings.ContainsAny(tag, "\r\n\x00 ")) {
			t.Errorf("tag %q of %q", tag, h.Get("ETag"))
		}
		ranged := from > 0 || to < total
		if fetch.Judge(from, to, total, etag, status, h, length, false) != nil {
			if !ranged && status == 200 && length == total && h["Content-Encoding"] == nil {
				t.Error("a plain whole answer was refused")
			}
			return
		}
		if length != to-from || status != map[bool]int{false: 200, true: 206}[ranged] {
			t.Errorf("status %d and %d bytes pass for %d to %d of %d", status, length, from, to, total)
		}
		if ranged && h.Get("Content-Range") != fmt.Sprintf("bytes %d-%d/%d", from, to-1, total) {
			t.Errorf("%q passes for %d to %d of %d", h.Get("Content-Range"), from, to, total)
		}
		if fetch.Judge(from, to, total, etag, status, h, length, true) == nil {
			t.Error("a coded body passes")
		}
	})
}

func TestRuns(t *testing.T) {
	list := func(s string) []byte {
		var out []byte
		for _, c := range []byte(s) {
			out = append(out, strings.Repeat(string(c), 32)...)
		}
		return out
	}
	for _, tt := range []struct{ a, b, want string }{
		{"", "", "[]"}, {"aaaa", "aaaa", "[]"}, {"aaaa", "baaa", "[[0 1]]"}, {"aaaa", "aaab", "[[3 4]]"}, {"aaaa", "abba", "[[1 3]]"},
		{"aaaaa", "babba", "[[0 1] [2 4]]"}, {"aa", "bb", "[[0 2]]"},
	} {
		if got := fmt.Sprint(fetch.Runs(list(tt.a), list(tt.b))); got != tt.want {
			t.Errorf("%s and %s: %s, want %s", tt.a, tt.b, got, tt.want)
		}
	}
}
