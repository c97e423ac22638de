package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"bangtin/media"
)

const (
	maxAttempts = 5       // for one file
	maxRemark   = 1 << 10 // bytes of what a server says about a refusal
	maxReturned = 1 << 20 // bytes of a screenshot or a report
	slowest     = 64 << 10
)

// A depot is the centre's content server.
type depot struct {
	url    string
	client *http.Client
	retry  time.Duration // before the second attempt; doubled each time
}

func (p *Program) openDepot(c *access) (*depot, error) {
	config, err := c.files.ClientConfig(p.Now)
	if err != nil {
		return nil, err
	}
	return &depot{url: c.Content, retry: p.Patience.defaults().Retry, client: &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: config, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: 2 * time.Minute, MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// A refusal of the depot is one that asking again does not change.
type depotRefusal struct{ status, remark string }

func (r *depotRefusal) Error() string { return "the server answers " + r.status + ": " + r.remark }

// there reports whether the depot has the file.
func (d *depot) there(ctx context.Context, f media.File) (bool, error) {
	found := false
	err := d.try(ctx, func(ctx context.Context) error {
		answer, err := d.do(ctx, http.MethodHead, f.SHA256, nil, 0)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		switch {
		case answer.StatusCode == http.StatusOK && answer.ContentLength == f.Size:
			found = true
			return nil
		case answer.StatusCode == http.StatusOK:
			return &depotRefusal{answer.Status, fmt.Sprintf("it has %d bytes under this name, not %d", answer.ContentLength, f.Size)}
		case answer.StatusCode == http.StatusNotFound:
			return nil
		}
		return refusalOf(answer)
	})
	return found, err
}

// put brings a file that was checked. The server hashes it too, and takes it whole or not at all.
func (d *depot) put(ctx context.Context, path string, f media.File) error {
	return d.try(ctx, func(ctx context.Context) error {
		file, err := os.Open(path)
		if err != nil {
			return &depotRefusal{"nothing", err.Error()}
		}
		defer file.Close()
		ctx, cancel := context.WithTimeout(ctx, 5*time.Minute+time.Duration(f.Size/slowest)*time.Second)
		defer cancel()
		answer, err := d.do(ctx, http.MethodPut, f.SHA256, io.LimitReader(file, f.Size), f.Size)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode == http.StatusCreated || answer.StatusCode == http.StatusOK {
			return nil
		}
		return refusalOf(answer)
	})
}

// get returns what a display has left for a command. missing is true while there is nothing.
func (d *depot) get(ctx context.Context, name string) (raw []byte, missing bool, err error) {
	err = d.try(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		answer, err := d.do(ctx, http.MethodGet, name, nil, 0)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if missing = answer.StatusCode == http.StatusNotFound; missing {
			return nil
		}
		if answer.StatusCode != http.StatusOK {
			return refusalOf(answer)
		}
		if raw, err = io.ReadAll(io.LimitReader(answer.Body, maxReturned+1)); err == nil && len(raw) > maxReturned {
			err = &depotRefusal{answer.Status, "but the file is too large"}
		}
		return err
	})
	return raw, missing, err
}

func (d *depot) do(ctx context.Context, method, name string, body io.Reader, size int64) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, d.url+name, body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = size
	return d.client.Do(request)
}

// try makes up to maxAttempts attempts, with pauses in between, and stops at a refusal.
func (d *depot) try(ctx context.Context, attempt func(context.Context) error) error {
	for n, pause := 1, d.retry; ; n, pause = n+1, 2*pause {
		err := attempt(ctx)
		if _, refused := errors.AsType[*depotRefusal](err); err == nil || refused || n == maxAttempts {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// refusalOf tells an answer that will stay the same from one that may pass: a server error or too much at once.
func refusalOf(answer *http.Response) error {
	remark, err := io.ReadAll(io.LimitReader(answer.Body, maxRemark))
	if err != nil {
		return err
	}
	said := &depotRefusal{visible(answer.Status), visible(strings.TrimSpace(string(remark)))}
	if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode/100 == 5 && answer.StatusCode != http.StatusInsufficientStorage {
		return errors.New(said.Error())
	}
	return said
}
