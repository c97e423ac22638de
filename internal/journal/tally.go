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

// Effective returns what segments, in the order in which they were recorded, say in the end: each Void cuts its
// [From, To) out of the segments before it, which may split one, and is itself left out. What was recorded after
// a Void counts, also within its time. A Void that ends before it begins takes nothing back.
func Effective(segments []Segment) []Segment {
	var kept []Segment
	for _, s := range segments {
		switch {
		case s.State != Void:
			kept = append(kept, s)
		case s.From < s.To:
			kept = without(kept, s)
		}
	}
	return kept
}

// without returns what of segments lies before or behind void.
func without(segments []Segment, void Segment) []Segment {
	var rest []Segment
	for _, s := range segments {
		before, behind := s, s
		before.To = min(s.To, void.From)
		behind.From = max(s.From, void.To)
		for _, piece := range []Segment{before, behind} {
			if piece.From < piece.To {
				rest = append(rest, piece)
			}
		}
	}
	return rest
}

// Tally adds up what of segments is Effective within [from, to), both in UTC seconds; what lies outside is cut
// off. The segments must be in the order in which they were recorded. Apart from what a Void takes back they
// must not overlap: each counts for itself.
func Tally(segments []Segment, from, to int64) Totals {
	t := Totals{Lost: map[Cause]int64{}}
	for _, s := range Effective(segments) {
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
