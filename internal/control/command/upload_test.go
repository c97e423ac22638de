package command_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/control/command"
)

func TestUpload(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("x"), 1<<20+1)
	for _, test := range []struct {
		name    string
		answers []int // one after the other
		size    int
		puts    int32
		fails   string
	}{
		{"new", []int{201}, 1 << 20, 1, ""},
		{"there already", []int{200}, 10, 1, ""},
		{"the server is away for a moment", []int{503, 201}, 10, 2, ""},
		{"the server is away", []int{500, 502, 503, 201}, 10, 3, "answers 503"},
		{"not allowed", []int{403, 201}, 10, 1, "answers 403"},
		{"sent elsewhere", []int{302, 201}, 10, 1, "answers 302"},
		{"too large", []int{201}, 1<<20 + 1, 0, "1048577 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var puts atomic.Int32
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, err := io.ReadAll(r.Body)
				if err != nil || r.Method != http.MethodPut || r.URL.Path != "/content/upload/abc.jpg" || len(got) != test.size || r.Header.Get("Content-Type") != "image/jpeg" {
					t.Errorf("%s %s with %d bytes, %v, %v", r.Method, r.URL, len(got), r.Header, err)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.answers[puts.Add(1)-1])
				io.WriteString(w, strings.Repeat("why\n", 10000))
			}))
			defer server.Close()
			u := &command.Uploader{URL: server.URL + "/content/", Client: server.Client()}
			err := u.Send(t.Context(), "abc.jpg", content[:test.size])
			if puts.Load() != test.puts {
				t.Errorf("%d requests, want %d", puts.Load(), test.puts)
			}
			switch {
			case test.fails == "" && err != nil:
				t.Error(err)
			case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
				t.Errorf("the error is %v, want one about %q", err, test.fails)
			case err != nil && len(err.Error()) > 700:
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// A server that never answers costs three tries of two minutes.
func TestUploadToAServerThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		u := &command.Uploader{URL: "https://centre.example/content/", Client: &http.Client{Transport: silent{}}}
		err := u.Send(t.Context(), "abc.json", []byte("{}"))
		if took := time.Since(began); err == nil || took != 3*2*time.Minute+2*5*time.Second {
			t.Errorf("%v after %s", err, took)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began = time.Now()
		if err := u.Send(ctx, "abc.json", []byte("{}")); err == nil || time.Since(began) > 2*time.Second {
			t.Errorf("it does not end with its context: %v", err)
		}
	})
}

type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
