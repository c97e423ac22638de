package depot

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"bangtin/internal/wire"
)

const (
	maxUpload   = 1 << 20 // bytes
	keepUploads = 20      // of one display; the oldest go
)

// putUpload keeps what a display has to show for a command.
func (d *Depot) putUpload(w http.ResponseWriter, r *http.Request, person Person) {
	name := r.PathValue("name")
	if !uploadName.MatchString(name) {
		fail(w, http.StatusNotFound, errors.New("cannot take it: it is named <command id>.jpg or .json"))
		return
	}
	if status, err := d.sizeFits(r.ContentLength, maxUpload); err != nil {
		fail(w, status, err)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, r.ContentLength))
	if err == nil && int64(len(body)) < r.ContentLength {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		fail(w, http.StatusBadRequest, fmt.Errorf("cannot take it: %w", err))
		return
	}
	if !looksLike(name, body) {
		fail(w, http.StatusUnprocessableEntity, errors.New("cannot take it: it is not what its name says"))
		return
	}
	if err := d.keep(person.Name, name, body); err != nil {
		d.cfg.Log.Error("cannot keep an upload", "display", person.Name, "err", err)
		fail(w, http.StatusInternalServerError, errors.New("cannot keep it"))
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// looksLike keeps what is plainly something else from being opened as a picture.
func looksLike(name string, body []byte) bool {
	if strings.HasSuffix(name, ".jpg") {
		return bytes.HasPrefix(body, []byte{0xff, 0xd8, 0xff})
	}
	return bytes.HasPrefix(bytes.TrimSpace(body), []byte{'{'})
}

func (d *Depot) keep(device, name string, body []byte) error {
	dir := filepath.Join(d.cfg.Uploads, device)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	if err := writeDurably(filepath.Join(dir, name), body); err != nil {
		return err
	}
	return dropOldest(dir)
}

// dropOldest leaves keepUploads files. Two uploads at once may each remove the same one.
func dropOldest(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	type aged struct {
		name string
		at   time.Time
	}
	var files []aged
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && uploadName.MatchString(e.Name()) {
			files = append(files, aged{e.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b aged) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.name, b.name)) })
	for len(files) > keepUploads {
		if err := os.Remove(filepath.Join(dir, files[0].name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		files = files[1:]
	}
	return nil
}

// getUpload hands out to an operator what a display uploaded.
func (d *Depot) getUpload(w http.ResponseWriter, r *http.Request, _ Person) {
	device, name := r.PathValue("device"), r.PathValue("name")
	if wire.CheckDevice(device) != nil || !uploadName.MatchString(name) {
		fail(w, http.StatusNotFound, errors.New("cannot find it"))
		return
	}
	f, err := os.Open(filepath.Join(d.cfg.Uploads, device, name))
	if err != nil {
		d.missing(w, err)
		return
	}
	defer f.Close()
	kind := "application/json"
	if strings.HasSuffix(name, ".jpg") {
		kind = "image/jpeg"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, f)
}
