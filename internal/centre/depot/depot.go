package depot

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	maxRequests       = 512 // at once
	maxRequestsPerson = 8   // of one person at once

	// Of strangers, apart from the others: in all, of one address, and the time for the body of each.
	maxStrangerRequests = 16
	maxRequestsStranger = 4
	strangerBody        = 30 * time.Second

	patience = time.Minute // for the next bytes of a body, either way
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

	known, strangers *budget
}

// A budget is how many requests may be at work. Safe for concurrent use.
type budget struct {
	most, mostEach int

	mu   sync.Mutex
	busy map[string]int // requests at work, by person
	all  int
}

func newBudget(most, each int) *budget {
	return &budget{most: most, mostEach: each, busy: map[string]int{}}
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
	d := &Depot{
		cfg: cfg, known: newBudget(maxRequests, maxRequestsPerson), strangers: newBudget(maxStrangerRequests, maxRequestsStranger),
	}
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
		d.known.bounded(person.Name, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			control := http.NewResponseController(w)
			r.Body = &slowBody{ReadCloser: r.Body, control: control}
			do(&slowWriter{ResponseWriter: w, control: control}, r, person)
		})).ServeHTTP(w, r)
	})
}

// stranger lets through whoever comes; who that is, the address alone tells.
func (d *Depot) stranger(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		control := http.NewResponseController(w)
		if err := control.SetReadDeadline(time.Now().Add(strangerBody)); err != nil {
			fail(w, http.StatusInternalServerError, errors.New("cannot do that: the connection cannot be bounded"))
			return
		}
		d.strangers.bounded(addressOf(r.RemoteAddr), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(&slowWriter{ResponseWriter: w, control: control}, r)
		})).ServeHTTP(w, r)
	})
}

// bounded lets only so many requests work at once.
func (b *budget) bounded(person string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !b.begin(person) {
			w.Header().Set("Retry-After", "30")
			fail(w, http.StatusServiceUnavailable, errors.New("cannot do that now: too many requests"))
			return
		}
		defer b.end(person)
		next.ServeHTTP(w, r)
	})
}

func (b *budget) begin(person string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all >= b.most || b.busy[person] >= b.mostEach {
		return false
	}
	b.all++
	b.busy[person]++
	return true
}

func (b *budget) end(person string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all--
	if b.busy[person]--; b.busy[person] == 0 {
		delete(b.busy, person)
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
