package main

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func sample() ([]debPackage, []goModule) {
	return []debPackage{
			{Name: "libstdc++6", Version: "14.2.0-19", Arch: "amd64", Source: "gcc-14", SHA256: one},
			{Name: "libstdc6", Version: "1:2~rc1+b1", Arch: "all", Source: "libstdc6", SHA256: two},
		}, []goModule{
			{path: "golang.org/x/sys", version: "v0.49.0"},
			{path: "golang.org/x-sys", version: "v0.1.0"},
		}
}

// TestSBOM holds the document against what SPDX 2.3 asks of each part, read back as JSON.
func TestSBOM(t *testing.T) {
	debs, modules := sample()
	text, err := json.Marshal(sbom("1.0", "amd64", 1764000000, debs, modules))
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", "SPDXID": "SPDXRef-DOCUMENT", "name": "bangtin-1.0-amd64"} {
		if doc[key] != want {
			t.Errorf("%s is %v", key, doc[key])
		}
	}
	created := doc["creationInfo"].(map[string]any)["created"]
	if created != "2025-11-24T16:00:00Z" {
		t.Errorf("created %v", created)
	}
	id := regexp.MustCompile(`^SPDXRef-[A-Za-z0-9.-]+$`)
	known := map[string]bool{"SPDXRef-DOCUMENT": true}
	for _, p := range doc["packages"].([]any) {
		p := p.(map[string]any)
		name := p["SPDXID"].(string)
		if !id.MatchString(name) || known[name] {
			t.Errorf("identifier %q is bad, or there twice", name)
		}
		known[name] = true
		for _, key := range []string{"name", "versionInfo", "downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"} {
			if p[key] == "" || p[key] == nil {
				t.Errorf("%s has no %s", name, key)
			}
		}
		if p["filesAnalyzed"] != false {
			t.Errorf("%s says that its files were analysed", name)
		}
	}
	if len(known) != 1+1+len(debs)+len(modules) {
		t.Errorf("%d parts", len(known))
	}
	described := map[string]bool{}
	for _, r := range doc["relationships"].([]any) {
		r := r.(map[string]any)
		if !known[r["spdxElementId"].(string)] || !known[r["relatedSpdxElement"].(string)] {
			t.Errorf("a relationship of what is not there: %v", r)
		}
		described[r["relatedSpdxElement"].(string)] = true
	}
	if len(described) != len(known)-1 {
		t.Errorf("%d of %d parts have a relationship", len(described), len(known)-1)
	}
	for _, want := range []string{`"pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64`, `"pkg:deb/debian/libstdc6@1%3A2~rc1%2Bb1?arch=all`, `"pkg:golang/golang.org/x/sys@v0.49.0"`} {
		if !strings.Contains(strings.ReplaceAll(string(text), `\u0026`, "&"), want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestSBOMOfTheSameIsTheSame(t *testing.T) {
	debs, modules := sample()
	first := sbom("1.0", "amd64", 1764000000, debs, modules)
	if again := sbom("1.0", "amd64", 1764000000, debs, modules); again.DocumentNamespace != first.DocumentNamespace {
		t.Errorf("%s and %s", first.DocumentNamespace, again.DocumentNamespace)
	}
	debs[0].SHA256 = two
	if other := sbom("1.0", "amd64", 1764000000, debs, modules); other.DocumentNamespace == first.DocumentNamespace {
		t.Error("another package's file has the same namespace")
	}
}

// TestGoModules reads a small program of ours, which is built of some.
func TestGoModules(t *testing.T) {
	program := filepath.Join(t.TempDir(), "boottest")
	if out, err := exec.Command("go", "build", "-o", program, "../boottest").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all, err := goModules(t.Context(), program)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]goModule{}
	for _, m := range all {
		found[m.path] = m
	}
	for _, path := range []string{stdlib, "golang.org/x/sys"} {
		if m := found[path]; m.version == "" || m.dir == "" {
			t.Errorf("%s: %+v", path, m)
		}
	}
	licences, err := moduleLicences(all)
	if err != nil || !strings.Contains(string(licences), "The Go Authors") {
		t.Errorf("%d bytes of licences: %v", len(licences), err)
	}
	if _, err := moduleLicences([]goModule{{path: "none", dir: t.TempDir()}}); err == nil {
		t.Error("a module without a licence was taken")
	}
}
