package testkey_test

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"testing"

	"bangtin/image/testkey"
)

func TestMake(t *testing.T) {
	key, cert := filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "cert")
	if err := testkey.Make(key, cert, "thrown away"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatalf("the certificate is not of the key: %v", err)
	}
	if name := pair.Leaf.Subject.CommonName; name != "thrown away" {
		t.Errorf("it is of %q", name)
	}
	if err := testkey.Make(filepath.Join(t.TempDir(), "none", "key"), cert, "x"); err == nil {
		t.Error("a key was written to a folder that is not there")
	}
}
