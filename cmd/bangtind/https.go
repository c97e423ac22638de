package main

import (
	"errors"

	"bangtin/internal/pki"
	"bangtin/media/fetch"
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
		URL: d.site.Content.URL, Client: fetch.NewClient(d.dialer().DialContext), Library: d.library, Store: d.store, Log: d.log,
	})
}

// dialer opens every connection of this display to the department.
func (d *display) dialer() pki.Dialer {
	return pki.Dialer{Files: certificateFiles(d.site), Now: d.clock.Sure, Floor: d.clock.Floor}
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
