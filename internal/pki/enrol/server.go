package enrol

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"bangtin/internal/pki"
)

// Config says what a Server serves. All are required.
type Config struct {
	Office *pki.Office
	Codes  *Codes
	Trust  func() ([]byte, error) // the trust document's envelope, as it is now
	Now    func() time.Time
	Log    *slog.Logger
}

// A Server answers POST /enrol and POST /renew. The connection's TLS must ask for a client certificate, and need not
// have verified it.
type Server struct {
	cfg     Config
	guesses *guesses
}

// NewServer returns a Server.
func NewServer(cfg Config) *Server {
	return &Server{cfg: cfg, guesses: &guesses{now: cfg.Now}}
}

// Handler serves both paths and nothing else.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /enrol", s.enrol)
	mux.HandleFunc("POST /renew", s.renew)
	return mux
}

// Enrol certifies the request against the code and returns the whole answer. It is what POST /enrol does, for the
// tool that signs a request from a stick.
func (s *Server) Enrol(code, csr string) (*Answer, error) {
	c, err := ParseCode(code)
	if err != nil {
		return nil, ErrUnknown
	}
	r, err := pki.ParseRequest([]byte(csr))
	if err != nil {
		return nil, err
	}
	if err := CheckDevice(r.CommonName); err != nil {
		return nil, err
	}
	ca, err := s.cfg.Office.Displays()
	if err != nil {
		return nil, &internalError{err}
	}
	if ca.Pin() != c.pin {
		return nil, ErrUnknown
	}
	document, err := s.cfg.Trust()
	if err != nil {
		return nil, &internalError{fmt.Errorf("cannot read the trust document: %w", err)}
	}
	certificate, err := s.cfg.Codes.Use(c, r, s.cfg.Office.CertifyDisplay)
	if errors.Is(err, ErrUnknown) || errors.Is(err, ErrOther) {
		return nil, err
	}
	if err != nil {
		return nil, &internalError{err}
	}
	return &Answer{Certificate: string(certificate), CA: string(ca.PEM()), Trust: document}, nil
}

// internalError is the centre's own trouble, which is told to its log and not to strangers.
type internalError struct{ error }

func (e *internalError) Unwrap() error { return e.error }

func (s *Server) enrol(w http.ResponseWriter, r *http.Request) {
	if !s.guesses.mayGuess(r.RemoteAddr) {
		s.refuse(w, r, http.StatusTooManyRequests, errors.New("cannot enrol: too many wrong codes from this address; wait a minute"))
		return
	}
	in, ok := s.read(w, r)
	if !ok {
		return
	}
	answer, err := s.Enrol(in.Code, in.CSR)
	var trouble *internalError
	switch {
	case errors.As(err, &trouble):
		s.trouble(w, r, err)
	case errors.Is(err, ErrUnknown):
		s.guesses.guessedWrong(r.RemoteAddr)
		s.refuse(w, r, http.StatusForbidden, fmt.Errorf("cannot enrol: %w", err))
	case errors.Is(err, ErrOther):
		s.refuse(w, r, http.StatusForbidden, fmt.Errorf("cannot enrol: %w", err))
	case err != nil:
		s.refuse(w, r, http.StatusBadRequest, err)
	default:
		s.cfg.Log.Info("a display was enrolled", "from", r.RemoteAddr)
		s.answer(w, http.StatusOK, answer)
	}
}

func (s *Server) renew(w http.ResponseWriter, r *http.Request) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		s.refuse(w, r, http.StatusForbidden, errors.New("cannot renew: no certificate was shown"))
		return
	}
	in, ok := s.read(w, r)
	if !ok {
		return
	}
	if in.Code != "" {
		s.refuse(w, r, http.StatusBadRequest, errors.New("cannot renew: a renewal has no code"))
		return
	}
	request, err := pki.ParseRequest([]byte(in.CSR))
	if err == nil {
		err = CheckDevice(request.CommonName)
	}
	if err != nil {
		s.refuse(w, r, http.StatusBadRequest, err)
		return
	}
	certificate, err := s.cfg.Office.Renew(r.TLS.PeerCertificates[0], request)
	var refusal *pki.Refusal
	switch {
	case errors.Is(err, pki.ErrTooMany):
		s.refuse(w, r, http.StatusTooManyRequests, fmt.Errorf("cannot renew: %w", err))
	case errors.As(err, &refusal):
		s.refuse(w, r, http.StatusForbidden, fmt.Errorf("cannot renew: %w", err))
	case err != nil:
		s.trouble(w, r, err)
	default:
		s.cfg.Log.Info("a display's certificate was renewed", "device", request.CommonName)
		s.answer(w, http.StatusOK, Answer{Certificate: string(certificate)})
	}
}

func (s *Server) read(w http.ResponseWriter, r *http.Request) (request, bool) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		err = fmt.Errorf("cannot read the request: %w", err)
	}
	var in request
	if err == nil {
		in, err = readRequest(raw)
	}
	if err != nil {
		s.refuse(w, r, http.StatusBadRequest, err)
		return request{}, false
	}
	return in, true
}

type problem struct {
	Error string `json:"error"`
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	s.cfg.Log.Info("refused", "path", r.URL.Path, "from", r.RemoteAddr, "err", err)
	s.answer(w, status, problem{err.Error()})
}

func (s *Server) trouble(w http.ResponseWriter, r *http.Request, err error) {
	s.cfg.Log.Error("cannot certify", "path", r.URL.Path, "err", err)
	s.answer(w, http.StatusInternalServerError, problem{"cannot certify anybody now: see the centre's log"})
}

func (s *Server) answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		s.cfg.Log.Info("an answer did not arrive", "err", err)
	}
}
