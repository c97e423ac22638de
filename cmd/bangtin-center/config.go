package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"bangtin/internal/centre"
	"bangtin/internal/centre/store"
	"bangtin/internal/wire"
)

// DefaultDir is where `bangtin center init` puts the centre.
const DefaultDir = "/var/lib/bangtin-center"

const (
	maxConfig = 64 << 10 // bytes
	mebibyte  = 1 << 20
)

// A Config is center.toml with its defaults filled in.
type Config struct {
	Listen      string              `toml:"listen"`       // address of the HTTPS server, for displays and operators
	Metrics     string              `toml:"metrics"`      // loopback address of /metrics
	Broker      string              `toml:"broker"`       // tls://host:port, the department's listener
	Windows     []string            `toml:"windows"`      // when every display owes a picture
	Timezone    string              `toml:"timezone"`     // of the windows
	WindowsOf   map[string][]string `toml:"windows_of"`   // displays that have their own
	MaxDisplays int                 `toml:"max_displays"` // that may speak
	MaxDatabase int64               `toml:"max_database"` // MiB; 0 is no limit but the disk's
	Daily       int64               `toml:"daily"`        // MiB of records that one display may fill in a day

	// Time says who keeps the machine's clock: "kernel" is NTP or PTP, as the kernel knows; "trusted" is somebody that the
	// kernel does not know of, such as a hypervisor.
	Time string `toml:"time"`

	plan centre.Plan
}

// readConfig reads a file that is written by hand: a key that does not exist is an error, because a misspelled setting
// would otherwise be silently ignored.
func readConfig(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	c, err := parseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", path, err)
	}
	return c, nil
}

func parseConfig(text []byte) (*Config, error) {
	if len(text) > maxConfig {
		return nil, fmt.Errorf("more than %d bytes", maxConfig)
	}
	c := &Config{
		Listen: ":8443", Metrics: "127.0.0.1:9464", Windows: []string{"07:00-11:00", "14:00-18:00"},
		Timezone: "Asia/Ho_Chi_Minh", Time: timeKernel, MaxDisplays: store.DefaultDisplays, Daily: store.DefaultDaily / mebibyte,
	}
	meta, err := toml.Decode(string(text), c)
	if err != nil {
		return nil, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("key %q does not exist", unknown[0].String())
	}
	return c, c.check()
}

func (c *Config) check() error {
	if u, err := url.Parse(c.Broker); err != nil || u.Scheme != "tls" || u.Hostname() == "" || u.Port() == "" {
		return fmt.Errorf("broker %q is not of the form tls://host:port", c.Broker)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fmt.Errorf("listen %q is not of the form host:port: %w", c.Listen, err)
	}
	host, _, err := net.SplitHostPort(c.Metrics)
	if err != nil {
		return fmt.Errorf("metrics %q is not of the form host:port: %w", c.Metrics, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("metrics %q is not a loopback address: it asks nobody who they are", c.Metrics)
	}
	switch {
	case c.MaxDisplays < 1 || c.MaxDisplays > 100_000:
		return errors.New("max_displays is not 1 to 100000")
	case c.MaxDatabase != 0 && c.MaxDatabase < 1 || c.MaxDatabase > 1<<34:
		return errors.New("max_database is not 1 MiB or more, or 0 for no limit")
	case c.Time != timeKernel && c.Time != timeTrusted:
		return fmt.Errorf("time %q is not %q or %q", c.Time, timeKernel, timeTrusted)
	case c.Daily < 1 || c.Daily > 1<<20:
		return errors.New("daily is not 1 to 1048576 MiB")
	}
	return c.checkPlan()
}

func (c *Config) checkPlan() error {
	location, err := time.LoadLocation(c.Timezone)
	// "" and "Local" load too, and would be whatever the machine is set to.
	if err != nil || c.Timezone == "" || c.Timezone == "Local" {
		return fmt.Errorf("timezone %q is not a time zone: write one such as %q", c.Timezone, "Asia/Ho_Chi_Minh")
	}
	windows, err := centre.ParseWindows(c.Windows)
	if err != nil {
		return fmt.Errorf("windows: %w", err)
	}
	c.plan = centre.Plan{Location: location, Windows: windows, Of: map[string][]centre.Window{}}
	for device, texts := range c.WindowsOf {
		if err := wire.CheckDevice(device); err != nil {
			return fmt.Errorf("windows_of: %w", err)
		}
		if c.plan.Of[device], err = centre.ParseWindows(texts); err != nil {
			return fmt.Errorf("windows_of.%s: %w", device, err)
		}
	}
	return nil
}

// below is a path in the centre's folder.
func below(dir string, parts ...string) string {
	return filepath.Join(append([]string{dir}, parts...)...)
}

// oneLine keeps an error on the one line that a log or a script expects.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", " ") }
