package depot

import (
	"io"
	"net/http"
	"time"
)

// slowBody and slowWriter give a transfer as long as it needs, but not longer than patience without a byte: a whole
// file may take hours over a satellite link, and somebody who does nothing must not hold a place.
type slowBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *slowBody) Read(p []byte) (int, error) {
	if err := b.control.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

type slowWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w *slowWriter) Write(p []byte) (int, error) {
	if err := w.control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *slowWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
