package command

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	maxUpload    = 1 << 20         // bytes
	uploadWithin = 2 * time.Minute // a megabyte over a link of 70 kbit/s
	uploadTries  = 3
	uploadAgain  = 5 * time.Second // the link of a border gate is often away for a moment
)

// An Uploader puts files below the address of the content. It follows no redirect.
type Uploader struct {
	URL    string       // https, ends in a slash
	Client *http.Client // shows the display's certificate
}

// Send implements [Sender]. It tries a few times and takes at most uploadTries × (uploadWithin + uploadAgain).
func (u *Uploader) Send(ctx context.Context, name string, content []byte) error {
	if len(content) > maxUpload {
		return fmt.Errorf("cannot upload %s: %d bytes, more than %d", name, len(content), maxUpload)
	}
	for try := 1; ; try++ {
		final, err := u.put(ctx, name, content)
		if err == nil || final || try == uploadTries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(uploadAgain):
		}
	}
}

// put is one attempt; final tells that another one will not fare better.
func (u *Uploader) put(ctx context.Context, name string, content []byte) (final bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, uploadWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, u.URL+"upload/"+name, bytes.NewReader(content))
	if err != nil {
		return true, fmt.Errorf("cannot upload %s: %w", name, err)
	}
	r.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(name, ".jpg") {
		r.Header.Set("Content-Type", "image/jpeg")
	}
	client := *u.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		return false, fmt.Errorf("cannot upload %s: %w", name, err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return true, nil
	}
	// What a server says is for people, and no more than a line of it.
	said, _ := io.ReadAll(io.LimitReader(answer.Body, 200))
	err = fmt.Errorf("cannot upload %s: the server answers %d %.200q", name, answer.StatusCode, said)
	return answer.StatusCode < http.StatusInternalServerError && answer.StatusCode != http.StatusTooManyRequests, err
}
