package main

import (
	"path/filepath"
	"testing"
)

// TestAnImageWithoutAKeyIsNoRelease: its files take no release's place.
func TestAnImageWithoutAKeyIsNoRelease(t *testing.T) {
	release := &build{out: "out", version: "1.4.0", arch: "amd64", key: "key.pem"}
	trial := &build{out: "out", version: "1.4.0", arch: "amd64", flavour: ".bench"}
	for want, got := range map[string]string{
		"bangtin-1.4.0-amd64.img.zst":        release.artefact(".img.zst"),
		"bangtin-1.4.0-test-amd64.bench.img": trial.artefact(".img"),
	} {
		if got != filepath.Join("out", want) {
			t.Errorf("%s, expected %s", got, want)
		}
	}
	if len(trial.artefacts) != 1 || trial.artefacts[0] != "bangtin-1.4.0-test-amd64.bench.img" {
		t.Errorf("the checksums are of %v", trial.artefacts)
	}
}
