package flash

import (
	"errors"
	"testing"
)

// TestAnotherDiskInItsPlace: what was listed is known again by size, numbers and count.
func TestAnotherDiskInItsPlace(t *testing.T) {
	listed := Disk{Path: "/dev/sdb", Bytes: 1000, Device: "8:16", Seq: "17"}
	for _, now := range []Disk{
		{Bytes: 2000, Device: "8:16", Seq: "17"}, {Bytes: 1000, Device: "8:32", Seq: "17"}, {Bytes: 1000, Device: "8:16", Seq: "18"},
	} {
		if err := listed.same(now); !errors.Is(err, ErrSwapped) {
			t.Errorf("%+v: %v", now, err)
		}
	}
	if err := listed.same(Disk{Bytes: 1000, Device: "8:16", Seq: "17"}); err != nil {
		t.Error(err)
	}
}
