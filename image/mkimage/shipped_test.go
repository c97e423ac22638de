package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestWhatTheWorkshopGivesIsNamed: loader and stub are in the bill of materials, in the licences and in the package set,
// and it is said of the loader that it was changed.
func TestWhatTheWorkshopGivesIsNamed(t *testing.T) {
	workshop, work := t.TempDir(), t.TempDir()
	b := &build{workshop: workshop, work: work, arch: "arm64"}
	put := func(path, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stanza := func(name, arch string) string {
		return "Package: " + name + "\nStatus: install ok installed\nArchitecture: " + arch + "\nVersion: 1\n\n"
	}
	status := filepath.Join(workshop, "var/lib/dpkg/status")
	put(status, stanza("zstd", "amd64")+stanza("efibootguard", "amd64")+stanza("systemd-boot-efi", "arm64"))
	if _, err := b.fromWorkshop(); err == nil {
		t.Error("the loader of another architecture is taken for this one's")
	}
	put(status, stanza("zstd", "amd64")+stanza("efibootguard", "arm64")+stanza("efibootguard", "amd64")+stanza("systemd-boot-efi", "arm64"))
	found, err := b.fromWorkshop()
	if err != nil || len(found) != 2 {
		t.Fatalf("%v, %v", found, err)
	}
	b.packages = append(found, debPackage{Name: "bash", Version: "5", Arch: "arm64"})
	for i := range b.packages {
		b.packages[i].SHA256 = strings.Repeat("a", 64)
	}
	slices.SortFunc(b.packages, byName)
	for _, p := range b.packages {
		root := b.tree()
		if p.Workshop {
			root = workshop
		}
		put(filepath.Join(root, "usr/share/doc", p.Name, "copyright"), "licence of "+p.Name)
	}
	put(filepath.Join(b.tree(), "usr/share/common-licenses/GPL-2"), "GPL")
	if err := b.gatherLicences(); err != nil {
		t.Fatal(err)
	}
	spdx, err := json.Marshal(sbom("1", b.arch, 0, b.packages, nil))
	if err != nil {
		t.Fatal(err)
	}
	licences := read(t, b.made("licences.debian"))
	for what, text := range map[string]string{"licences": licences, "bill": string(spdx), "set": formatLock(b.packages)} {
		for _, name := range []string{"bash", "efibootguard", "systemd-boot-efi"} {
			if !strings.Contains(text, name) {
				t.Errorf("%s: nothing of %s", what, name)
			}
		}
		if strings.Contains(text, "zstd") {
			t.Errorf("%s: a tool that is not shipped", what)
		}
		if changed := strings.Contains(text, "texts that is in it was emptied") && strings.Contains(text, "Watchdog is disabled."); changed != (what != "set") {
			t.Errorf("%s: that the loader was changed is said: %v", what, changed)
		}
	}
	if !strings.Contains(licences, "licence of efibootguard\nChanged by us: ") {
		t.Errorf("the licences say:\n%s", licences)
	}
}
