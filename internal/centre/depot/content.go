package depot

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"bangtin/media"
)

func (d *Depot) path(name string) string { return filepath.Join(d.cfg.Content, name) }

// get serves a file or its block list.
func (d *Depot) get(w http.ResponseWriter, r *http.Request, _ Person) {
	name := r.PathValue("name")
	hash, isList := strings.CutSuffix(name, media.BlocksSuffix)
	if !hexSHA256.MatchString(hash) {
		fail(w, http.StatusNotFound, errors.New("cannot find it: content is named by its SHA-256"))
		return
	}
	if isList {
		if err := d.ensureBlocks(hash); err != nil {
			d.missing(w, err)
			return
		}
	}
	f, err := os.Open(d.path(name))
	if err != nil {
		d.missing(w, err)
		return
	}
	defer f.Close()
	w.Header().Set("ETag", `"`+name+`"`)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, f)
}

func (d *Depot) missing(w http.ResponseWriter, err error) {
	if errors.Is(err, fs.ErrNotExist) {
		fail(w, http.StatusNotFound, errors.New("cannot find it"))
		return
	}
	d.cfg.Log.Error("cannot serve content", "err", err)
	fail(w, http.StatusInternalServerError, errors.New("cannot read it"))
}

// ensureBlocks computes the block list of a file that has none, as one that was put into the folder by hand.
func (d *Depot) ensureBlocks(hash string) error {
	d.blocks.Lock()
	defer d.blocks.Unlock()
	if _, err := os.Stat(d.path(hash + media.BlocksSuffix)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.Open(d.path(hash))
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := media.Blocks(f)
	if err != nil {
		return err
	}
	return writeDurably(d.path(hash+media.BlocksSuffix), list)
}

// put takes a file from an operator. The name is the proof: what does not hash to it is not kept.
func (d *Depot) put(w http.ResponseWriter, r *http.Request, person Person) {
	hash := r.PathValue("name")
	if !hexSHA256.MatchString(hash) {
		fail(w, http.StatusNotFound, errors.New("cannot take it: content is named by its SHA-256"))
		return
	}
	if _, err := os.Stat(d.path(hash)); err == nil {
		w.Header().Set("Connection", "close") // the body is of no interest
		w.WriteHeader(http.StatusOK)
		return
	}
	if status, err := d.sizeFits(r.ContentLength, media.MaxVideo); err != nil {
		fail(w, status, err)
		return
	}
	status, err := d.receive(hash, r)
	if err != nil {
		d.cfg.Log.Info("content refused", "sha256", hash, "from", person.Name, "err", err)
		fail(w, status, fmt.Errorf("cannot take %s: %w", hash, err))
		return
	}
	d.cfg.Log.Info("content", "sha256", hash, "bytes", r.ContentLength, "from", person.Name)
	w.WriteHeader(http.StatusCreated)
}

func (d *Depot) sizeFits(length, limit int64) (int, error) {
	switch {
	case length < 0:
		return http.StatusLengthRequired, errors.New("cannot take it: say its length")
	case length == 0 || length > limit:
		return http.StatusRequestEntityTooLarge, fmt.Errorf("cannot take it: %d bytes, not 1 to %d", length, limit)
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(d.cfg.Content, &disk); err != nil {
		return http.StatusInternalServerError, fmt.Errorf("cannot measure the disk: %w", err)
	}
	if free := int64(disk.Bavail) * disk.Bsize; free-length < d.cfg.Reserve {
		return http.StatusInsufficientStorage, fmt.Errorf("cannot take it: %d bytes are free", free)
	}
	return 0, nil
}

// receive writes the body to a draft and gives it its name when it is what the name says.
func (d *Depot) receive(hash string, r *http.Request) (status int, err error) {
	draft, err := os.CreateTemp(d.cfg.Content, draftPattern)
	if err != nil {
		return http.StatusInternalServerError, err
	}
	defer os.Remove(draft.Name()) // fails once the file was renamed, as it should
	defer draft.Close()           // twice is harmless
	whole := sha256.New()
	list, err := media.Blocks(io.TeeReader(io.LimitReader(r.Body, r.ContentLength), io.MultiWriter(draft, whole)))
	if err != nil {
		return http.StatusBadRequest, err
	}
	if got := hex.EncodeToString(whole.Sum(nil)); got != hash {
		return http.StatusUnprocessableEntity, fmt.Errorf("its SHA-256 is %s", got)
	}
	if err := writeDurably(d.path(hash+media.BlocksSuffix), list); err != nil {
		return http.StatusInternalServerError, err
	}
	if err := errors.Join(draft.Chmod(0o640), draft.Sync(), draft.Close()); err != nil {
		return http.StatusInternalServerError, err
	}
	if err := os.Rename(draft.Name(), d.path(hash)); err != nil {
		return http.StatusInternalServerError, err
	}
	return 0, syncFolder(d.cfg.Content)
}
