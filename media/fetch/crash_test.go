//go:build linux

package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"crypto/tls"
	"crypto/x509"
	"net"

	"bangtin/media"
	"bangtin/media/fetch"
)

// The child process of TestKilledAtEveryStep: the test binary, told by its environment to be one.
const (
	crashDir  = "BANGTIN_TEST_CRASH_DIR"
	crashAt   = "BANGTIN_TEST_CRASH_AT" // the number of the step at which it kills itself; 0 for never
	crashURL  = "BANGTIN_TEST_CRASH_URL"
	crashRoot = "BANGTIN_TEST_CRASH_ROOT" // the origin's certificate, DER in hex
	crashFile = "BANGTIN_TEST_CRASH_FILE" // SHA-256 and size
)

func TestMain(m *testing.M) {
	if os.Getenv(crashDir) != "" {
		if err := fetchUntilKilled(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fetchUntilKilled is a process that fetches one file and dies at a step.
func fetchUntilKilled() error {
	var at, step int
	var der []byte
	f := media.File{Type: "video/mp4"}
	_, err1 := fmt.Sscan(os.Getenv(crashAt), &at)
	_, err2 := fmt.Sscanf(os.Getenv(crashRoot), "%x", &der)
	_, err3 := fmt.Sscan(os.Getenv(crashFile), &f.SHA256, &f.Size)
	root, err4 := x509.ParseCertificate(der)
	store, err5 := media.OpenStore(media.StoreOptions{Dir: os.Getenv(crashDir), Total: 1 << 30, Reserve: 1 << 20, Fault: func(label string) {
		if step++; step == at {
			fmt.Println("killed at", label)
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	d := &tls.Dialer{Config: &tls.Config{RootCAs: roots}}
	s := newShelf(f)
	fetcher := fetch.New(fetch.Options{
		URL: os.Getenv(crashURL), Library: s, Store: store, Log: slog.New(slog.NewTextHandler(os.Stdout, nil)), Times: quick(),
		Client: fetch.NewClient(func(ctx context.Context, network, address string) (net.Conn, error) {
			return d.DialContext(ctx, network, address)
		}),
	})
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	go func() { <-s.heard; stop() }()
	if err := fetcher.Run(ctx); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("not fetched: %w, %s", err, fetcher.Trouble())
	}
	return nil
}

// Killed with SIGKILL at every write there is, the next process ends with the file whole and takes only what was not
// there.
func TestKilledAtEveryStep(t *testing.T) {
	c := film(dice(30), 9<<20+5)
	o := newOrigin(t, c)
	var labels []string
	for at := 1; ; at++ {
		dir := t.TempDir()
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), crashDir+"="+dir, crashAt+"="+fmt.Sprint(at), crashURL+"="+o.URL+"/content/",
			crashRoot+"="+fmt.Sprintf("%x", o.Certificate().Raw), crashFile+"="+fmt.Sprint(c.SHA256, " ", c.Size))
		out, err := child.CombinedOutput()
		if err == nil {
			break
		}
		label, ok := strings.CutPrefix(strings.TrimSpace(string(out)), "killed at ")
		if !ok {
			t.Fatalf("step %d: %v: %s", at, err, out)
		}
		labels = append(labels, label)
		t.Run(fmt.Sprintf("%d %s", at, label), func(t *testing.T) { survived(t, o, dir, label, c) })
	}
	// The first write and those after each 4 MiB, which are fsynced, and the four of the end.
	if got := strings.Join(labels, " "); got != strings.Repeat("content.write content.part ", 2)+
		"content.write content.sync content.rename content.dirsync content.done" {
		t.Errorf("killed at %s", got)
	}
}

func survived(t *testing.T, o *origin, dir, label string, c content) {
	var held int64
	for _, name := range parts(t, dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		held = info.Size()
	}
	r := newRig(t, o, dir, c.File)
	if r.store.Has(c.File) {
		if _, err := r.store.Verified(t.Context(), c.File); err != nil {
			t.Error(err)
		}
		r.has(c)
		return
	}
	if err := r.ends(c); err != nil {
		t.Fatal(err)
	}
	if got := r.fetcher.Taken(); got != c.Size-held {
		t.Errorf("took %d bytes, %d were there", got, held)
	}
	if strings.HasSuffix(label, "sync") && held != c.Size {
		t.Errorf("%d bytes were there at the end", held)
	}
}
