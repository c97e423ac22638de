package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"

	"bangtin/internal/centre"
	"bangtin/internal/centre/depot"
	"bangtin/internal/centre/store"
	"bangtin/internal/fleet/department"
	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
	"bangtin/internal/watchdog"
)

// A server is the running centre.
type server struct {
	cfg      *Config
	dir      string
	log      *slog.Logger
	registry *prometheus.Registry
	store    *store.Store
	centre   *centre.Centre
	link     *department.Link
	trust    *trustFile
	people   *depot.People
	depot    *depot.Depot
}

// serve runs the centre until ctx ends.
func (m *Main) serve(ctx context.Context) (err error) {
	cfg, err := readConfig(below(m.dir, "center.toml"))
	if err != nil {
		return err
	}
	s := &server{cfg: cfg, dir: m.dir, log: m.logger(), registry: prometheus.NewRegistry()}
	if s.store, err = store.Open(ctx, store.Options{
		Path: below(m.dir, "center.db"), MaxBytes: cfg.MaxDatabase * mebibyte, Displays: cfg.MaxDisplays,
		Daily: cfg.Daily * mebibyte, Fault: m.Fault,
	}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.store.Close()) }()
	if err := s.assemble(ctx); err != nil {
		return err
	}
	if err := s.run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *server) assemble(ctx context.Context) error {
	signer, err := readSigner(below(s.dir, "keys", "centre.key"))
	if err != nil {
		return err
	}
	metrics, err := centre.NewMetrics(s.registry)
	if err != nil {
		return fmt.Errorf("cannot count: %w", err)
	}
	if err := errors.Join(s.registry.Register(collectors.NewGoCollector()),
		s.registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))); err != nil {
		return fmt.Errorf("cannot count: %w", err)
	}
	s.trust = newTrustFile(below(s.dir, "trust.json"), s.log)
	office := pki.OpenOffice(below(s.dir, "pki"), time.Now)
	build, err := buildTime()
	if err != nil {
		return err
	}
	if !s.cfg.kept() {
		s.log.Warn("nobody keeps this machine's clock: displays are not told the time until NTP does")
	}
	began := time.Now()
	s.centre, err = centre.New(ctx, centre.Config{
		Plan: s.cfg.plan, Displays: s.cfg.MaxDisplays, Enrolled: office.Enrolled, Signer: signer, Trust: s.trust.Document, Store: s.store,
		Send:   func(topic string, payload []byte) { s.link.Send(topic, payload) },
		Retain: func(topic string, payload []byte) { s.link.Retain(topic, payload) },
		Mono:   func() time.Duration { return time.Since(began) }, Wall: time.Now, Kept: s.cfg.kept, Built: build, Metrics: metrics, Log: s.log,
	})
	if err != nil {
		return err
	}
	s.link, err = department.New(department.Config{
		URL: s.cfg.Broker, ClientID: "centre", Session: true, Filters: centre.Filters(), Now: time.Now, Log: s.log,
		Files: pki.Files{
			CA: below(s.dir, "pki", "ca.pem"), Certificate: below(s.dir, "pki", "centre.pem"), Key: below(s.dir, "pki", "centre.key"),
		},
		Receive: s.centre.Receive, Connected: s.centre.Connected, Disconnected: s.centre.Disconnected,
	})
	if err != nil {
		return err
	}
	return s.openDepot(office)
}

// reserve is what uploads leave free of the disk, in bytes: the database needs room first.
const reserve = 2 << 30

func (s *server) openDepot(office *pki.Office) (err error) {
	s.people, err = depot.NewPeople(depot.PeopleFiles{
		Displays: below(s.dir, "pki", "ca.pem"), Operators: below(s.dir, "pki", "department.pem"), Revoked: below(s.dir, "pki", "crl.pem"),
		Certificate: below(s.dir, "pki", "server.pem"), Key: below(s.dir, "pki", "server.key"),
	}, time.Now)
	if err != nil {
		return err
	}
	enroller := enrol.NewServer(enrol.Config{
		Office: office, Codes: enrol.OpenCodes(below(s.dir, "enrol"), time.Now),
		Trust: s.trust.Envelope, Now: time.Now, Log: s.log,
	})
	s.depot, err = depot.New(depot.Config{
		Content: below(s.dir, "content"), Uploads: below(s.dir, "uploads"), People: s.people, Enroller: enroller.Handler(),
		Reserve: reserve, Log: s.log,
	})
	return err
}

// run has every part work until ctx ends or one of them cannot.
func (s *server) run(ctx context.Context) error {
	listener, err := net.Listen("tcp", s.cfg.Metrics)
	if err != nil {
		return fmt.Errorf("cannot offer metrics: %w", err)
	}
	front, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return errors.Join(fmt.Errorf("cannot serve content: %w", err), listener.Close())
	}
	gate := depot.NewGate(netutil.LimitListener(front, maxConnections), s.people)
	front = tls.NewListener(gate, s.people.TLS())
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.centre.Run(ctx) })
	group.Go(func() error { return s.link.Run(ctx) })
	group.Go(func() error { return s.trust.Run(ctx) })
	group.Go(func() error { return s.reload(ctx) })
	group.Go(func() error { return watchdog.Run(ctx, ready(), s.late, s.log) })
	group.Go(func() error { return serveHTTP(ctx, listener, s.metricsServer()) })
	group.Go(func() error { return serveHTTP(ctx, front, s.contentServer(gate)) })
	return group.Wait()
}

// ready is so at once: the centre works without its broker and with a full database too.
func ready() <-chan struct{} {
	now := make(chan struct{})
	close(now)
	return now
}

// stillness is how long a loop of the centre may stand: a transaction on a slow disk may take seconds.
const stillness = time.Minute

func (s *server) late() string { return s.centre.Late(stillness) }

// reload heeds SIGHUP: the database's limit is set to what the configuration says now, so that a full one need not wait
// for a restart. Everything else is read at the start.
func (s *server) reload(ctx context.Context) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-hangup:
		case <-ctx.Done():
			return ctx.Err()
		}
		cfg, err := readConfig(below(s.dir, "center.toml"))
		if err == nil {
			err = s.store.Limit(ctx, cfg.MaxDatabase*mebibyte)
		}
		if err != nil {
			s.log.Error("cannot heed the new configuration", "err", err)
		}
	}
}

func (s *server) metricsServer() *http.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second}))
	return &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second,
		IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// maxConnections of the HTTPS server; more wait until one ends.
const maxConnections = 1024

// contentServer has no limit on the time of a whole transfer: the depot gives each as long as bytes move.
func (s *server) contentServer(gate *depot.Gate) *http.Server {
	return &http.Server{
		Handler: s.depot.Handler(), ConnState: gate.State, ReadHeaderTimeout: 15 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// farewell is how long a request may still take when the centre stops.
const farewell = 2 * time.Second

// serveHTTP serves until ctx ends.
func serveHTTP(ctx context.Context, l net.Listener, server *http.Server) error {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("cannot serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		return errors.Join(ctx.Err(), server.Close())
	}
	return ctx.Err()
}
