package depot

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	maxRequests       = 512         // at once
	maxRequestsPerson = 8           // of one person at once
	patience          = time.Minute // for the next bytes of a body, either way
)

// Config says what a Depot serves. All but Enroller is required.
type Config struct {
	Content string // folder of files named by their SHA-256; made where it is missing
	Uploads string // folder with a folder for each display; made where it is missing
	People  *People
	// Enroller answers POST /enrol and POST /renew. Without one nobody can.
	Enroller http.Handler
	// Reserve is how many bytes of the disk an upload must leave free.
	Reserve int64
	Log     *slog.Logger
}

// A Depot serves content and takes uploads.
type Depot struct {
	cfg    Config
	blocks sync.Mutex // block lists are computed one at a time: each is a whole file read

	mu   sync.Mutex
	busy map[string]int // requests at work, by person
	all  int
}

// New makes the folders and removes what interrupted uploads left.
func New(cfg Config) (*Depot, error) {
	if cfg.Content == "" || cfg.Uploads == "" || cfg.People == nil || cfg.Log == nil {
		return nil, errors.New("cannot open the depot: a required part is missing")
	}
	for _, dir := range []string{cfg.Content, cfg.Uploads} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("cannot open the depot: %w", err)
		}
	}
	d := &Depot{cfg: cfg, busy: map[string]int{}}
	for _, pattern := range []string{filepath.Join(cfg.Content, draftPattern), filepath.Join(cfg.Uploads, "*", draftPattern)} {
		left, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("cannot open the depot: %w", err)
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("cannot open the depot: %w", err)
			}
		}
	}
	return d, nil
}

// Handler serves all paths.
func (d *Depot) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /content/{name}", d.guarded(d.get, either))
	mux.Handle("PUT /content/{name}", d.guarded(d.put, operator))
	mux.Handle("PUT /content/upload/{name}", d.guarded(d.putUpload, display))
	mux.Handle("GET /content/upload/{device}/{name}", d.guarded(d.getUpload, operator))
	if d.cfg.Enroller != nil {
		mux.Handle("POST /enrol", d.stranger(d.cfg.Enroller))
		mux.Handle("POST /renew", d.stranger(d.cfg.Enroller))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusNotFound, errors.New("cannot find it"))
	})
	return mux
}

// may says whether a person may do something.
type may func(Person) bool

func either(Person) bool     { return true }
func operator(p Person) bool { return p.Operator }
func display(p Person) bool  { return !p.Operator }

// guarded lets a request through that comes from somebody who may.
func (d *Depot) guarded(do func(http.ResponseWriter, *http.Request, Person), allowed may) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		person, err := d.cfg.People.Who(r)
		if err == nil && !allowed(person) {
			err = fmt.Errorf("%s may not", person.Name)
		}
		if err != nil {
			d.cfg.Log.Debug("request refused", "path", r.URL.Path, "from", r.RemoteAddr, "err", err)
			fail(w, http.StatusForbidden, fmt.Errorf("cannot do that: %w", err))
			return
		}
		d.bounded(person.Name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { do(w, r, person) })).ServeHTTP(w, r)
	})
}

// stranger lets through whoever comes; who that is, the address alone tells.
func (d *Depot) stranger(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if err != nil {
			fail(w, http.StatusBadRequest, errors.New("cannot do that: it is not known who asks"))
			return
		}
		d.bounded(host, next).ServeHTTP(w, r)
	})
}

// bounded lets only so many requests work at once, and gives each time as long as bytes move.
func (d *Depot) bounded(person string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.begin(person) {
			w.Header().Set("Retry-After", "30")
			fail(w, http.StatusServiceUnavailable, errors.New("cannot do that now: too many requests"))
			return
		}
		defer d.end(person)
		control := http.NewResponseController(w)
		r.Body = &slowBody{ReadCloser: r.Body, control: control}
		next.ServeHTTP(&slowWriter{ResponseWriter: w, control: control}, r)
	})
}

func (d *Depot) begin(person string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all >= maxRequests || d.busy[person] >= maxRequestsPerson {
		return false
	}
	d.all++
	d.busy[person]++
	return true
}

func (d *Depot) end(person string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.busy[person]--; d.busy[person] == 0 {
		delete(d.busy, person)
	}
}

// fail answers with a reason on one line.
func fail(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	body, jerr := json.Marshal(map[string]string{"error": strings.ReplaceAll(err.Error(), "\n", " ")})
	if jerr == nil {
		_, _ = w.Write(append(body, '\n')) // whoever does not listen does not hear
	}
}

var (
	hexSHA256  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	uploadName = regexp.MustCompile(`^[a-z0-9-]{8,64}\.(jpg|json)$`)
)
