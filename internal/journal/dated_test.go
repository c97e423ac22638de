package journal_test

import (
	"testing"
	"time"

	"bangtin/internal/journal"
)

func TestDated(t *testing.T) {
	guess := noon.AddDate(0, -1, 0)
	stamp := func(mono time.Duration, trust journal.TimeTrust) journal.Stamp {
		return journal.Stamp{Boot: "boot-1", Mono: mono, Wall: guess.Add(mono), Trust: trust}
	}
	clock := func(boot string, mono time.Duration, wall time.Time, trust journal.TimeTrust) journal.Clock {
		return journal.Clock{Boot: boot, Mono: mono, Wall: wall, Trust: trust}
	}
	synced := clock("boot-1", time.Hour, noon, journal.Synchronised)
	signed := clock("boot-1", 2*time.Hour, noon.Add(4*time.Hour), journal.Signed) // NTP was three hours slow
	later := clock("boot-1", 3*time.Hour, noon.Add(6*time.Hour), journal.Signed)
	other := clock("boot-2", time.Hour, noon.AddDate(1, 0, 0), journal.Signed)
	for _, tt := range []struct {
		name   string
		stamp  journal.Stamp
		clocks []journal.Clock
		want   time.Time
		trust  journal.TimeTrust
	}{
		{"no clock", stamp(time.Minute, journal.Untrusted), nil, guess.Add(time.Minute), journal.Untrusted},
		{"another run's", stamp(time.Minute, journal.Untrusted), []journal.Clock{other}, guess.Add(time.Minute), journal.Untrusted},
		{"untrusted", stamp(time.Minute, journal.Untrusted), []journal.Clock{other, synced}, noon.Add(-59 * time.Minute), journal.Synchronised},
		{"floored", stamp(59*time.Minute, journal.Floored), []journal.Clock{synced}, noon.Add(-time.Minute), journal.Synchronised},
		{"the clock's own moment", stamp(time.Hour, journal.Floored), []journal.Clock{synced}, noon, journal.Synchronised},
		{"after it", stamp(61*time.Minute, journal.Floored), []journal.Clock{synced}, guess.Add(61 * time.Minute), journal.Floored},
		{"as trusted as it", stamp(time.Minute, journal.Synchronised), []journal.Clock{synced}, guess.Add(time.Minute), journal.Synchronised},
		{"the most trusted", stamp(time.Minute, journal.Untrusted), []journal.Clock{synced, signed}, noon.Add(2*time.Hour + time.Minute), journal.Signed},
		{"in whatever order", stamp(time.Minute, journal.Untrusted), []journal.Clock{later, signed, synced}, noon.Add(2*time.Hour + time.Minute), journal.Signed},
		{"the first of equals", stamp(time.Minute, journal.Untrusted), []journal.Clock{signed, later}, noon.Add(2*time.Hour + time.Minute), journal.Signed},
		{"an unknown word", stamp(time.Minute, "guessed"), []journal.Clock{synced}, noon.Add(-59 * time.Minute), journal.Synchronised},
	} {
		if got, trust := journal.Dated(tt.stamp, tt.clocks); !got.Equal(tt.want) || trust != tt.trust {
			t.Errorf("%s: got %s %s, want %s %s", tt.name, got, trust, tt.want, tt.trust)
		}
	}
}
