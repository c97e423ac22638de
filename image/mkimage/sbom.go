package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"bangtin/image/debian"
)

// A goModule is a part of our programs.
type goModule struct{ path, version, sum, dir string }

// stdlib is what package URLs call Go's own library.
const stdlib = "stdlib"

// goModules reads what is built into the programs, Go's own library too, sorted by path.
func goModules(ctx context.Context, programs ...string) ([]goModule, error) {
	seen := map[string]goModule{}
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, fmt.Errorf("cannot tell what is in %s: %w", program, err)
		}
		seen[stdlib] = goModule{path: stdlib, version: strings.TrimPrefix(info.GoVersion, "go")}
		for _, d := range info.Deps {
			if d.Replace != nil {
				d = d.Replace
			}
			seen[d.Path] = goModule{path: d.Path, version: d.Version, sum: d.Sum}
		}
	}
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-json", "all").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot list the modules: %w", err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if known, ok := seen[m.Path]; ok {
			known.dir = m.Dir
			seen[m.Path] = known
		}
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot find Go: %w", err)
	}
	if known, ok := seen[stdlib]; ok {
		known.dir = strings.TrimSpace(string(root))
		seen[stdlib] = known
	}
	var all []goModule
	for _, m := range seen {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b goModule) int { return cmp.Compare(a.path, b.path) })
	return all, nil
}

// The parts of SPDX 2.3 that are used (https://spdx.github.io/spdx-spec/v2.3/).
type spdxDocument struct {
	SPDXVersion       string             `json:"spdxVersion"`
	DataLicense       string             `json:"dataLicense"`
	SPDXID            string             `json:"SPDXID"`
	Name              string             `json:"name"`
	DocumentNamespace string             `json:"documentNamespace"`
	CreationInfo      spdxCreation       `json:"creationInfo"`
	Packages          []spdxPackage      `json:"packages"`
	Relationships     []spdxRelationship `json:"relationships"`
}

type spdxCreation struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	SPDXID           string         `json:"SPDXID"`
	Name             string         `json:"name"`
	VersionInfo      string         `json:"versionInfo"`
	Supplier         string         `json:"supplier"`
	DownloadLocation string         `json:"downloadLocation"`
	FilesAnalyzed    bool           `json:"filesAnalyzed"`
	LicenseConcluded string         `json:"licenseConcluded"`
	LicenseDeclared  string         `json:"licenseDeclared"`
	CopyrightText    string         `json:"copyrightText"`
	SourceInfo       string         `json:"sourceInfo,omitempty"`
	Comment          string         `json:"comment,omitempty"`
	Checksums        []spdxChecksum `json:"checksums,omitempty"`
	ExternalRefs     []spdxRef      `json:"externalRefs,omitempty"`
}

type spdxChecksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type spdxRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type spdxRelationship struct {
	Element string `json:"spdxElementId"`
	Type    string `json:"relationshipType"`
	Related string `json:"relatedSpdxElement"`
}

const (
	noAssertion = "NOASSERTION"
	imageID     = "SPDXRef-image"
)

// sbom says what the image is made of. What is the same gives the same document: its time is the build's, its
// namespace a hash of what is in it.
func sbom(version, arch string, epoch int64, debs []debPackage, modules []goModule) spdxDocument {
	doc := spdxDocument{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", Name: "bangtin-" + version + "-" + arch,
		CreationInfo:  spdxCreation{time.Unix(epoch, 0).UTC().Format(time.RFC3339), []string{"Tool: mkimage-" + version}},
		Packages:      []spdxPackage{part(imageID, "bangtin", version, "NOASSERTION")},
		Relationships: []spdxRelationship{{"SPDXRef-DOCUMENT", "DESCRIBES", imageID}},
	}
	add := func(p spdxPackage) {
		doc.Packages = append(doc.Packages, p)
		doc.Relationships = append(doc.Relationships, spdxRelationship{imageID, "CONTAINS", p.SPDXID})
	}
	for _, d := range debs {
		p := part("SPDXRef-deb-"+spdxID(d.Name)+"-"+spdxID(d.Arch), d.Name, d.Version, "Organization: Debian")
		p.SourceInfo = "built from Debian's source package " + d.Source
		p.Comment = d.Changed
		p.Checksums = []spdxChecksum{{"SHA256", d.SHA256}}
		p.ExternalRefs = []spdxRef{{"PACKAGE-MANAGER", "purl",
			"pkg:deb/debian/" + purl(d.Name) + "@" + purl(d.Version) + "?arch=" + d.Arch + "&distro=" + debian.Suite}}
		add(p)
	}
	for _, m := range modules {
		p := part("SPDXRef-go-"+spdxID(m.path), m.path, m.version, noAssertion)
		p.ExternalRefs = []spdxRef{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + m.path + "@" + purl(m.version)}}
		add(p)
	}
	h := sha256.New()
	for _, p := range doc.Packages {
		fmt.Fprintln(h, p.SPDXID, p.VersionInfo, p.Checksums)
	}
	doc.DocumentNamespace = "https://bangtin.invalid/spdx/" + doc.Name + "/" + hex.EncodeToString(h.Sum(nil)[:16])
	return doc
}

func part(id, name, version, supplier string) spdxPackage {
	return spdxPackage{
		SPDXID: id, Name: name, VersionInfo: version, Supplier: supplier, DownloadLocation: noAssertion,
		LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, CopyrightText: noAssertion,
	}
}

// spdxID makes a name one that an identifier may have: letters, digits, . and -. What it may not have is spelt as hex, so
// that two names do not become one.
func spdxID(name string) string {
	return regexp.MustCompile(`[^A-Za-z0-9.]`).ReplaceAllStringFunc(name, func(s string) string {
		return "-" + hex.EncodeToString([]byte(s))
	})
}

// purl escapes what a package URL may not have in a name or version.
func purl(s string) string {
	return strings.NewReplacer("%", "%25", "+", "%2B", ":", "%3A", "~", "~").Replace(s)
}

// writeDocuments writes what there is to know of the image: the bill of materials, the packages, the licences.
func (b *build) writeDocuments(ctx context.Context) error {
	modules, err := goModules(ctx, b.made("bangtind"), b.made("bangtin"), b.made("init"))
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(sbom(b.version, b.arch, b.epoch, b.packages, modules), "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.artefact(".spdx.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(b.artefact(".packages"), []byte(formatLock(b.packages)), 0o644); err != nil {
		return err
	}
	licences, err := os.ReadFile(b.made("licences.debian"))
	if err != nil {
		return err
	}
	ours, err := moduleLicences(modules)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.made("licences"), slices.Concat(licences, ours), 0o644); err != nil {
		return err
	}
	if err := b.tool(ctx, "zstd", "-q", "-19", "-f", "/mnt/licences"); err != nil {
		return err
	}
	return copyFile(b.artefact(".licences.zst"), b.made("licences.zst"), 0o644)
}

// compress makes the file that is flashed, and the map of what in it is to be written.
func (b *build) compress(ctx context.Context) error {
	// Whatever the umask, time or sparseness: the file is that of a disk with these bytes.
	if err := b.tool(ctx, "bmaptool", "create", "-o", "/mnt/disk.bmap", "/mnt/disk.img"); err != nil {
		return err
	}
	if err := copyFile(b.artefact(".bmap"), b.made("disk.bmap"), 0o644); err != nil {
		return err
	}
	// The root is compressed already: a higher level takes minutes and saves next to nothing.
	if err := b.tool(ctx, "zstd", "-q", "-3", "-T0", "-f", "-o", "/mnt/disk.img.zst", "/mnt/disk.img"); err != nil {
		return err
	}
	to := b.artefact(".img.zst")
	if err := copyFile(to, b.made("disk.img.zst"), 0o644); err != nil {
		return err
	}
	return b.measure("img.zst", to)
}

// writeChecksums writes a line for each file that is handed over, as sha256sum -c reads them.
func (b *build) writeChecksums(context.Context) error {
	var text strings.Builder
	for _, name := range slices.Clone(b.artefacts) {
		sum, err := hashOf(filepath.Join(b.out, name))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s  %s\n", sum, name)
	}
	return os.WriteFile(b.artefact(".sha256"), []byte(text.String()), 0o644)
}
