package debian

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// sources are the archives of the suite, from the places this machine has its own packages from. Where apt has no lists, it
// fetches them first: without them it cannot tell which archive is whose.
func sources(ctx context.Context) ([]string, error) {
	all, err := knownSources(ctx)
	if err == nil {
		return all, nil
	}
	if err := Run(exec.CommandContext(ctx, "apt-get", "update", "-qq")); err != nil {
		return nil, err
	}
	return knownSources(ctx)
}

func knownSources(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(COMPONENT) $(CODENAME) $(REPO_URI)",
		"Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("cannot ask apt for its mirrors: %w", err)
	}
	return pickSources(string(out))
}

// pickSources makes the sources of the suite, its updates and its security archive from the mirrors that apt uses for
// whatever release this machine runs. Without the security archive it fails: nothing that is made here may be older than
// known holes.
func pickSources(targets string) ([]string, error) {
	find := func(label, ending string) string {
		for line := range strings.Lines(targets) {
			f := strings.Fields(line)
			if len(f) == 5 && f[0] == "Debian" && f[1] == label && f[2] == "main" && strings.HasSuffix(f[3], ending) &&
				(ending != "" || !strings.Contains(f[3], "-")) {
				return f[4]
			}
		}
		return ""
	}
	main, security := find("Debian", ""), find("Debian-Security", "-security")
	if main == "" || security == "" {
		return nil, fmt.Errorf("cannot find Debian's main archive and its security archive among what apt has here:\n%s", targets)
	}
	return []string{
		fmt.Sprintf("deb %s %s main non-free-firmware", main, Suite),
		fmt.Sprintf("deb %s %s-updates main non-free-firmware", main, Suite),
		fmt.Sprintf("deb %s %s-security main non-free-firmware", security, Suite),
	}, nil
}

// settings are this machine's for fetching packages: proxies, certificates, how old a list may be.
func settings(ctx context.Context) ([]byte, error) {
	var all bytes.Buffer
	for _, name := range []string{"http", "https", "Check-Valid-Until", "Check-Date", "Retries"} {
		out, err := exec.CommandContext(ctx, "apt-config", "dump", "Acquire::"+name).Output()
		if err != nil {
			return nil, fmt.Errorf("cannot ask apt for its settings: %w", err)
		}
		all.Write(out)
	}
	return all.Bytes(), nil
}
