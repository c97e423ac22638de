package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"bangtin/internal/control"
	"bangtin/internal/pki"
	"bangtin/media/fetch"
)

const (
	httpsDial  = 30 * time.Second // TCP and TLS; a satellite link needs seconds
	httpsAlive = 30 * time.Second // between TCP keep-alives
)

// overHTTPS builds what fetches content from the department; nil for a display that gets it through the inbox alone.
func (d *display) overHTTPS() *fetch.Fetcher {
	if d.site.Content == nil {
		return nil
	}
	if d.site.Broker == nil {
		d.degrade("content-unreachable", errors.New("[content] needs the certificate of [broker], which is not there"))
		return nil
	}
	return fetch.New(fetch.Options{
		URL: d.site.Content.URL, Client: httpsClient(certificateFiles(d.site), d.clock), Library: d.library, Store: d.store, Log: d.log,
	})
}

// httpsClient proves with the display's certificate who it is, and believes the department's authority alone. The files are read
// for each connection, so that a renewed certificate is used at the next one.
func httpsClient(files pki.Files, clock *control.Clock) *http.Client {
	return fetch.NewClient(func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, httpsDial)
		defer cancel()
		conf, err := files.ClientConfig(clock.Sure)
		if err != nil {
			return nil, err
		}
		d := tls.Dialer{NetDialer: &net.Dialer{KeepAlive: httpsAlive}, Config: conf} // server name from the address
		return d.DialContext(ctx, network, address)
	})
}

// onTheWay says how files that are missing are to come.
func (d *display) onTheWay() string {
	switch {
	case d.fetcher == nil:
		return "they are awaited in the inbox"
	case d.fetcher.Trouble() != "":
		return "not fetched: " + d.fetcher.Trouble()
	}
	return "they are being fetched from " + d.site.Content.URL
}
