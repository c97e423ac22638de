package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"bangtin/image/testkey"
)

// makeKeys makes key.pem and cert.pem in a folder, unless a key is there.
func makeKeys(folder, name string) error {
	keyFile := filepath.Join(folder, "key.pem")
	if _, err := os.Stat(keyFile); err == nil {
		return nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return testkey.Make(keyFile, filepath.Join(folder, "cert.pem"), name)
}

// readCertificate reads a certificate's file, PEM, as DER.
func readCertificate(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("%s is no certificate in PEM", file)
	}
	if _, err := x509.ParseCertificate(block.Bytes); err != nil {
		return nil, err
	}
	return block.Bytes, nil
}
