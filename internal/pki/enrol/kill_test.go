package enrol_test

import (
	"bufio"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"bangtin/internal/pki"
	"bangtin/internal/pki/enrol"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func pemEncode(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestMain lets the test binary play the centre that TestKill kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("BANGTIN_TEST_VICTIM"); dir != "" {
		if err := work(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(99)
		}
	}
	os.Exit(m.Run())
}

// work enrols one display after the other, and says for each that its certificate has left.
func work(dir string) error {
	office, codes := pki.OpenOffice(dir, time.Now), enrol.OpenCodes(dir, time.Now)
	ca, err := office.Displays()
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		name := fmt.Sprintf("display-%d", n%100)
		code, _, err := codes.Make(name, ca.Pin())
		if err != nil {
			return err
		}
		fmt.Println("code", name, code)
		key, _, err := pki.NewKey()
		if err != nil {
			return err
		}
		if _, err := codes.Use(code, &pki.Request{CommonName: name, Key: &key.PublicKey}, office.CertifyDisplay); err != nil {
			return err
		}
		fmt.Println("left", name, code)
	}
}

// Killed at any moment, the centre gives no second certificate for a code whose first has left, and one whose code
// was told and not used is still good, or was used up by the certificate that never left.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	office, err := pki.NewOffice(dir, []string{"localhost"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for round := range 12 {
		told, gone := victim(t, dir, 1+round%5, time.Duration(round)*700*time.Microsecond)
		codes := enrol.OpenCodes(dir, time.Now)
		for name, code := range told {
			if name == "" {
				continue
			}
			key, _, err := pki.NewKey()
			if err != nil {
				t.Fatal(err)
			}
			_, err = codes.Use(code, &pki.Request{CommonName: name, Key: &key.PublicKey}, office.CertifyDisplay)
			if gone[name] == code {
				left++
				if !errors.Is(err, enrol.ErrUnknown) {
					t.Errorf("%s: used a second time after a kill: %v", name, err)
				}
			} else if err != nil && !errors.Is(err, enrol.ErrUnknown) {
				t.Errorf("%s: the codes are damaged: %v", name, err)
			}
		}
	}
	if left == 0 {
		t.Error("no certificate ever left, so nothing was shown")
	}
}

// victim runs work, kills it soon after some certificates left, and returns the codes told and those used.
func victim(t *testing.T, dir string, after int, then time.Duration) (told, gone map[string]enrol.Code) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "BANGTIN_TEST_VICTIM="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told, gone = map[string]enrol.Code{}, map[string]enrol.Code{}
	killed := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word := strings.Fields(lines.Text())
		code, err := enrol.ParseCode(word[2])
		if err != nil {
			t.Fatal(err)
		}
		if word[0] == "code" {
			told[word[1]] = code
		} else {
			gone[word[1]] = code
		}
		if len(gone) >= after && !killed {
			killed = true
			time.Sleep(then) // places the kill; nothing is asserted about time
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == 99 {
		t.Fatalf("the victim was not killed: %v", err)
	}
	return told, gone
}
