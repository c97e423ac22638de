package journal

// Totals counts whole seconds of airtime. OnAir + Unverified + the sum of Lost is what was owed and recorded.
type Totals struct {
	OnAir      int64
	Unverified int64
	Lost       map[Cause]int64 // causes with at least one second; never nil
}

// Owed is the sum of all seconds in t.
func (t Totals) Owed() int64 {
	owed := t.OnAir + t.Unverified
	for _, s := range t.Lost {
		owed += s
	}
	return owed
}

// Tally adds up the segments within [from, to), both in UTC seconds; what lies outside is cut off. The segments
// may stand in any order but must not overlap: each counts for itself.
func Tally(segments []Segment, from, to int64) Totals {
	t := Totals{Lost: map[Cause]int64{}}
	for _, s := range segments {
		seconds := min(s.To, to) - max(s.From, from)
		if seconds <= 0 {
			continue
		}
		switch s.State {
		case OnAir:
			t.OnAir += seconds
		case Unverified:
			t.Unverified += seconds
		case Lost:
			t.Lost[s.Cause] += seconds
		}
	}
	return t
}
