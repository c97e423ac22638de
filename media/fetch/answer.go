package fetch

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

var errPlain = errors.New("content is fetched with TLS alone")

// An ask is a request for the bytes from one up to but without to, of a file of total bytes.
type ask struct {
	name            string // behind the base URL
	from, to, total int64
	etag            string // strong; empty where a change cannot be told
}

func (a ask) ranged() bool { return a.from > 0 || a.to < a.total }

// header is what is sent. If-Range makes a server that has another file now say so at once, by 200.
func (a ask) header() http.Header {
	h := http.Header{"Accept-Encoding": {"identity"}, "User-Agent": {"bangtin"}}
	if a.ranged() {
		h.Set("Range", fmt.Sprintf("bytes=%d-%d", a.from, a.to-1))
		if a.etag != "" {
			h.Set("If-Range", a.etag)
		}
	}
	return h
}

// An answer is what a server says before the body.
type answer struct {
	status int
	header http.Header
	length int64 // of the body; negative for unknown
	coded  bool  // the body is transferred in other form than it has
}

// judge decides by an answer's head whether its body may be what was asked for. Every answer whose length is not
// known beforehand to be the right one is refused, so there is no endless body.
func (a ask) judge(r answer) error {
	switch {
	case r.status == http.StatusOK && a.ranged():
		return errNoRange
	case r.status == http.StatusOK:
	case r.status == http.StatusPartialContent && a.ranged():
		if err := a.right(r.header); err != nil {
			return err
		}
	case r.status == http.StatusRequestedRangeNotSatisfiable && a.ranged():
		return fmt.Errorf("%w: the server has fewer than %d bytes of it", errFoul, a.to)
	case r.status == http.StatusTooManyRequests, r.status == http.StatusRequestTimeout, r.status >= 500:
		return fmt.Errorf("%w: status %d", errServer, r.status)
	case r.status >= 400:
		return fmt.Errorf("%w: status %d", errAbsent, r.status)
	default: // a redirect, among others: who sends us elsewhere is not who we know
		return fmt.Errorf("%w: status %d", errFoul, r.status)
	}
	for _, coding := range r.header["Content-Encoding"] {
		if coding != "" && !strings.EqualFold(coding, "identity") {
			return fmt.Errorf("%w: it is encoded as %.20q", errFoul, coding)
		}
	}
	if r.coded || r.length != a.to-a.from {
		return fmt.Errorf("%w: a body of %d bytes in place of %d", errFoul, r.length, a.to-a.from)
	}
	return nil
}

// right holds the head of a partial answer against what was asked.
func (a ask) right(h http.Header) error {
	if n := len(h["Content-Range"]); n != 1 {
		return fmt.Errorf("%w: %d times Content-Range", errFoul, n)
	}
	from, to, total, ok := parseContentRange(h["Content-Range"][0])
	if !ok || from != a.from || to != a.to || total != a.total {
		return fmt.Errorf("%w: Content-Range %.60q for bytes %d to %d of %d", errFoul, h["Content-Range"][0], a.from, a.to-1, a.total)
	}
	if now := h.Get("ETag"); a.etag != "" && now != "" && now != a.etag {
		return fmt.Errorf("%w: the server's file changed", errFoul)
	}
	return nil
}

// parseContentRange reads "bytes 0-9/10" (RFC 9110, 14.4), and only that; to is one past the last byte. An unknown
// total is not accepted.
func parseContentRange(s string) (from, to, total int64, ok bool) {
	rest, unit := strings.CutPrefix(s, "bytes ")
	span, whole, slash := strings.Cut(rest, "/")
	first, last, dash := strings.Cut(span, "-")
	if !unit || !slash || !dash {
		return 0, 0, 0, false
	}
	from, a := digits(first)
	to, b := digits(last)
	total, c := digits(whole)
	if !a || !b || !c || from > to || to >= total {
		return 0, 0, 0, false
	}
	return from, to + 1, total, true
}

// digits reads a number without sign, blanks or needless zeros; 15 digits are more than any file has.
func digits(s string) (int64, bool) {
	if len(s) < 1 || len(s) > 15 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}

// strongETag is the answer's entity tag if it promises the same bytes (RFC 9110, 8.8.3); empty otherwise.
func strongETag(h http.Header) string {
	const limit = 200
	tag := h.Get("ETag")
	if len(tag) < 3 || len(tag) > limit || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return ""
	}
	for _, c := range []byte(tag[1 : len(tag)-1]) {
		if c < '!' || c == '"' || c > '~' {
			return ""
		}
	}
	return tag
}
