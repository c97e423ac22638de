package mapper_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"bangtin/image/initrd/mapper"
)

// TestHeaders: sizes, places and numbers are those of the kernel's own header.
func TestHeaders(t *testing.T) {
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("needs a C compiler with the kernel's headers:", err)
	}
	var r unix.DmIoctl
	var s unix.DmTargetSpec
	var source, want strings.Builder
	source.WriteString("#include <stddef.h>\n#include <stdio.h>\n#include <sys/ioctl.h>\n#include <linux/dm-ioctl.h>\nint main(void) {\n")
	for _, v := range []struct {
		c    string
		ours uint64
	}{
		{"sizeof(struct dm_ioctl)", uint64(unsafe.Sizeof(r))},
		{"sizeof(struct dm_ioctl)", unix.SizeofDmIoctl},
		{"offsetof(struct dm_ioctl, data_size)", uint64(unsafe.Offsetof(r.Data_size))},
		{"offsetof(struct dm_ioctl, data_start)", uint64(unsafe.Offsetof(r.Data_start))},
		{"offsetof(struct dm_ioctl, target_count)", uint64(unsafe.Offsetof(r.Target_count))},
		{"offsetof(struct dm_ioctl, flags)", uint64(unsafe.Offsetof(r.Flags))},
		{"offsetof(struct dm_ioctl, dev)", uint64(unsafe.Offsetof(r.Dev))},
		{"offsetof(struct dm_ioctl, name)", uint64(unsafe.Offsetof(r.Name))},
		{"sizeof(((struct dm_ioctl *)0)->name)", uint64(len(r.Name))},
		{"offsetof(struct dm_ioctl, uuid)", uint64(unsafe.Offsetof(r.Uuid))},
		{"sizeof(struct dm_target_spec)", unix.SizeofDmTargetSpec},
		{"sizeof(struct dm_target_spec)", uint64(unsafe.Sizeof(s))},
		{"offsetof(struct dm_target_spec, length)", uint64(unsafe.Offsetof(s.Length))},
		{"offsetof(struct dm_target_spec, target_type)", uint64(unsafe.Offsetof(s.Target_type))},
		{"sizeof(((struct dm_target_spec *)0)->target_type)", unix.DM_MAX_TYPE_NAME},
		{"DM_DEV_CREATE", unix.DM_DEV_CREATE},
		{"DM_TABLE_LOAD", unix.DM_TABLE_LOAD},
		{"DM_DEV_SUSPEND", unix.DM_DEV_SUSPEND},
		{"DM_DEV_REMOVE", unix.DM_DEV_REMOVE},
		{"DM_READONLY_FLAG", unix.DM_READONLY_FLAG},
		{"DM_VERSION_MAJOR", unix.DM_VERSION_MAJOR},
	} {
		fmt.Fprintf(&source, "printf(\"%%s %%llu\\n\", %q, (unsigned long long)(%s));\n", v.c, v.c)
		fmt.Fprintf(&want, "%s %d\n", v.c, v.ours)
	}
	source.WriteString("}\n")
	program := filepath.Join(t.TempDir(), "sizes")
	if err := os.WriteFile(program+".c", []byte(source.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(compiler, "-o", program, program+".c").CombinedOutput(); err != nil {
		t.Fatalf("cannot compile: %v\n%s", err, out)
	}
	got, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want.String() {
		t.Errorf("the kernel's header:\n%sours:\n%s", got, want.String())
	}
}

// TestCreateRefuses: what does not fit the kernel's structures is refused before the kernel is asked.
func TestCreateRefuses(t *testing.T) {
	c, err := mapper.Open(os.DevNull) // which knows no requests: ENOTTY
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, test := range []struct{ name, device, kind, table, reason string }{
		{"no device mapper", "root", "verity", "", "inappropriate ioctl"},
		{"no name", "", "verity", "", "name of 0 bytes"},
		{"long name", strings.Repeat("n", 128), "verity", "", "name of 128 bytes"},
		{"long kind", "root", strings.Repeat("k", 16), "", "kind of 16"},
		{"long table", "root", "verity", strings.Repeat("t", 4001), "table of 4001"},
	} {
		_, err := c.Create(test.device, mapper.Target{Kind: test.kind, Sectors: 8, Table: test.table})
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, want one about %q", test.name, err, test.reason)
		}
	}
	if _, err := mapper.Open(filepath.Join(t.TempDir(), "control")); err == nil {
		t.Error("a device mapper that is not there was opened")
	}
}
