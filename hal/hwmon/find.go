package hwmon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A place says which folder of a sysfs class is meant. The kernel numbers them anew at each boot, and while it runs.
type place struct {
	class  string // below the root: "class/hwmon"
	label  string // the file that tells what it is: "name"
	value  string // what that file must say
	device string
}

// find opens the one folder that fits. None is an error, and so are two: which of them is meant is not guessed.
//
// It looks anew each time. That costs a few reads of the kernel's own memory, and no chip is asked.
func (p place) find(root string) (folder, error) {
	class := filepath.Join(root, p.class)
	entries, err := list(class)
	if err != nil {
		return folder{}, err
	}
	var found folder
	var twins []string
	for _, entry := range entries {
		f, err := openFolder(filepath.Join(class, entry))
		if err != nil {
			continue // it went away since, or is a file
		}
		if !p.fits(f) {
			f.close()
			continue
		}
		if twins = append(twins, entry); len(twins) > 1 {
			f.close()
			continue
		}
		found = f
	}
	switch len(twins) {
	case 0:
		return folder{}, fmt.Errorf("cannot find %s in %s", p, class)
	case 1:
		return found, nil
	}
	found.close()
	return folder{}, fmt.Errorf("cannot tell which of %s is %s: the device path is needed", strings.Join(twins, ", "), p)
}

func (p place) String() string {
	if p.device == "" {
		return fmt.Sprintf("%q", p.value)
	}
	return fmt.Sprintf("%q at %s", p.value, p.device)
}

// fits tells whether the folder is the one meant. One that cannot be read is not.
func (p place) fits(f folder) bool {
	value, err := f.word(p.label)
	if err != nil || value != p.value {
		return false
	}
	if p.device == "" {
		return true
	}
	device, err := filepath.EvalSymlinks(filepath.Join(f.path, "device"))
	return err == nil && (device == p.device || strings.HasSuffix(device, "/"+strings.TrimPrefix(p.device, "/")))
}

// list returns the names in a folder, sorted.
func list(path string) ([]string, error) {
	d, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot list %s: %w", path, errors.Unwrap(err))
	}
	defer d.Close()
	names, err := d.Readdirnames(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("cannot list %s: %w", path, err)
	}
	if len(names) > maxEntries {
		return nil, fmt.Errorf("cannot list %s: more than %d entries", path, maxEntries)
	}
	slices.Sort(names)
	return names, nil
}

// checkWord refuses what cannot be the content of a label, or would leave its folder.
func checkWord(what, s string) error {
	if s == "" || len(s) >= maxNumber || strings.ContainsAny(s, "/\n\x00") {
		return fmt.Errorf("%q is no %s", s, what)
	}
	return nil
}
