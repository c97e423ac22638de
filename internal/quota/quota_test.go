package quota_test

import (
	"testing"
	"testing/synctest"
	"time"

	"bangtin/internal/quota"
)

func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := quota.New(3)
		take := func(tries, want int) {
			t.Helper()
			got := 0
			for range tries {
				if q.Take() {
					got++
				}
			}
			if got != want {
				t.Errorf("%d of %d, want %d", got, tries, want)
			}
		}
		take(2, 2)
		time.Sleep(59 * time.Second)
		take(1000, 1)
		time.Sleep(time.Second) // a minute after the first
		take(1000, 3)
		time.Sleep(time.Hour)
		take(1000, 3) // what was not taken is not saved up
	})
	if quota.New(0).Take() {
		t.Error("there was none")
	}
}
