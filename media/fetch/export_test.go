package fetch

import "net/http"

// ParseContentRange, Judge and StrongETag are what is read of a server's answer.
func ParseContentRange(s string) (from, to, total int64, ok bool) { return parseContentRange(s) }

func StrongETag(h http.Header) string { return strongETag(h) }

// Judge asks for the bytes from one up to but without to.
func Judge(from, to, total int64, etag string, status int, h http.Header, length int64, coded bool) error {
	return ask{from: from, to: to, total: total, etag: etag}.judge(answer{status, h, length, coded})
}

// Runs lists the blocks in which two lists differ, as pairs.
func Runs(a, b []byte) [][2]int {
	var out [][2]int
	for _, r := range differing(a, b) {
		out = append(out, [2]int{r.from, r.to})
	}
	return out
}
