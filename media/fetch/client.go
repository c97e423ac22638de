package fetch

import (
	"context"
	"net"
	"net/http"
	"time"
)

const (
	maxHeader    = 16 << 10    // bytes of an answer's header
	answerWithin = time.Minute // for the header; Times.Idle is sooner
)

// NewClient makes a client whose connections dial opens, with TLS already spoken on them: whom to believe and whom
// to be is decided there, anew for each request. It knows no proxy, speaks HTTP/1.1, where an answer nobody wants ends
// with its connection, keeps no connection on which a server could go on talking, and undoes no compression.
func NewClient(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialTLSContext: dial,
		DialContext: func(context.Context, string, string) (net.Conn, error) {
			return nil, errPlain
		},
		DisableCompression:     true,
		DisableKeepAlives:      true,
		ResponseHeaderTimeout:  answerWithin,
		MaxResponseHeaderBytes: maxHeader,
	}}
}
