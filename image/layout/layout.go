// Package layout is the disk of a controller: its partitions, what lies where, and what the kernel is told. What builds
// the image, what starts it, and what updates it go by this one table.
package layout

import "fmt"

// A Slot is one of the two places a version can be in. The zero Slot is none.
type Slot string

// The slots.
const (
	A Slot = "A"
	B Slot = "B"
)

// Other is the slot that s is not.
func (s Slot) Other() Slot {
	switch s {
	case A:
		return B
	case B:
		return A
	}
	return ""
}

// A Role is what a partition is for.
type Role string

// The roles. All but ESP and Data exist once a slot.
const (
	ESP  Role = "ESP"  // the boot loader at the removable path: FAT32
	Env  Role = "ENV"  // the slot's boot environment, apart, so that writing a slot never erases it: FAT16
	Boot Role = "BOOT" // the signed kernel image of the slot: FAT32
	Root Role = "ROOT" // erofs with its dm-verity tree behind it, read-only
	Data Role = "DATA" // journal, content, keys, /var: ext4, the last, grown at the first boot
)

// MiB is the unit of sizes and the alignment of partitions, in bytes.
const MiB = 1 << 20

// A Partition is a line of the table.
type Partition struct {
	Number int // from 1, in the order on disk
	Role   Role
	Slot   Slot   // none for ESP and DATA
	GUID   string // the partition's own, PARTUUID in /dev/disk: fixed, since the tables of all controllers are alike
	Type   string // GPT partition type
	Bytes  int64  // a multiple of MiB
}

// Label is the partition's name in the table, and the file system's where it has one. EFI Boot Guard takes it as the
// volume in a kernel's path.
func (p Partition) Label() string {
	if p.Slot == "" {
		return string(p.Role)
	}
	return fmt.Sprintf("%s-%s", p.Role, p.Slot)
}

// Type GUIDs: the ESP's by UEFI 2.10 §5.3.3; "Linux filesystem data" and "basic data" by the Discoverable Partitions
// Specification. Root partitions are not of the discoverable root type: nothing but our initrd may mount one.
const (
	typeESP   = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
	typeLinux = "0fc63daf-8483-4772-8e79-3d69d8477de4"
	typeBasic = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
)

// Partitions is the table. A root slot of 1.5 GiB holds a tree of about 1 GiB uncompressed and its growth over years;
// a FAT of 16 MiB still has clusters of 1 KiB and more, below which an environment's rename was torn in one of 13 cuts.
func Partitions() []Partition {
	return []Partition{
		{1, ESP, "", "8b1d7e0a-1d5c-4b0e-9a51-62616e670001", typeESP, 64 * MiB},
		{2, Env, A, "8b1d7e0a-1d5c-4b0e-9a51-62616e670002", typeBasic, 16 * MiB},
		{3, Env, B, "8b1d7e0a-1d5c-4b0e-9a51-62616e670003", typeBasic, 16 * MiB},
		{4, Boot, A, "8b1d7e0a-1d5c-4b0e-9a51-62616e670004", typeBasic, 160 * MiB},
		{5, Boot, B, "8b1d7e0a-1d5c-4b0e-9a51-62616e670005", typeBasic, 160 * MiB},
		{6, Root, A, "8b1d7e0a-1d5c-4b0e-9a51-62616e670006", typeLinux, 1536 * MiB},
		{7, Root, B, "8b1d7e0a-1d5c-4b0e-9a51-62616e670007", typeLinux, 1536 * MiB},
		{8, Data, "", "8b1d7e0a-1d5c-4b0e-9a51-62616e670008", typeLinux, 256 * MiB},
	}
}

// Find returns the partition of a role and slot, and false where the table has none.
func Find(role Role, slot Slot) (Partition, bool) {
	for _, p := range Partitions() {
		if p.Role == role && p.Slot == slot {
			return p, true
		}
	}
	return Partition{}, false
}

// Start is where a partition of a table begins on the disk, in bytes: the first at 1 MiB, the others in the table's order
// without a gap. It is false where the table has no such partition.
func Start(table []Partition, role Role, slot Slot) (int64, bool) {
	at := int64(MiB)
	for _, p := range table {
		if p.Role == role && p.Slot == slot {
			return at, true
		}
		at += p.Bytes
	}
	return 0, false
}

// Names of files, and what the kernel and the parts of the system say to one another.
const (
	Kernel  = "/bangtin.efi"  // on a boot partition: kernel, initrd and command line, signed as one
	RootArg = "bangtin.root=" // on the kernel's command line: the root hash of the slot's dm-verity tree, in hex
	EndArg  = "bangtin.end"   // the last word of the kernel's command line: what follows it was not signed
	Init    = "/init"         // in the initrd: its program
	Modules = "/modules"      // in the initrd: the kernel's modules that reach the root, loaded in the order of their names
	// DisplayModules are loaded beside them: a display that is slow to answer keeps no disk waiting.
	DisplayModules = "/modules/display"
	Slate          = "/slate.png" // in the initrd, where there is one: what the display shows until something better does
	DataDir        = "/data"      // where the data partition is mounted
	// What the start of the system says of itself lies in a folder of root's alone, from the initrd on.
	BootRun   = "/run/bangtin/boot"
	SlotRun   = BootRun + "/slot"   // holds the slot that runs, A or B
	DiskRun   = BootRun + "/disk"   // holds the kernel's name of the disk that the root is on, such as nvme0n1
	RescueRun = BootRun + "/rescue" // is there while what is written to data is not kept
)

// Loader is the boot loader's path on the ESP, where firmware looks for it that was told nothing: the removable path of UEFI
// 2.10 §3.5.1.1, for an architecture by Debian's name, amd64 or arm64. It is empty for any other.
func Loader(arch string) string {
	switch arch {
	case "amd64":
		return "/EFI/BOOT/BOOTX64.EFI"
	case "arm64":
		return "/EFI/BOOT/BOOTAA64.EFI"
	}
	return ""
}
