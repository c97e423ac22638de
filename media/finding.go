package media

import (
	"fmt"
	"strings"
)

// A Finding is one thing that is wrong with a playlist, and what to do about it.
type Finding struct {
	Item    string // id of the item, or "#3" where it has none; empty for the playlist itself
	Field   string // as written in JSON, such as "source.document"
	Problem string
	Remedy  string
}

func (f Finding) String() string {
	place := "playlist"
	if f.Item != "" {
		place = fmt.Sprintf("item %q", f.Item)
	}
	return fmt.Sprintf("%s: %s %s; %s", place, f.Field, f.Problem, f.Remedy)
}

// Findings is everything that is wrong with a playlist, as one error.
type Findings []Finding

func (f Findings) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// maxFindings bounds what a hostile playlist can make us keep; nobody mends a hundred faults by one list.
const maxFindings = 100

// A checker collects findings about one item, or about the playlist itself.
type checker struct {
	item  string
	found *Findings
}

func (c checker) add(field, problem, remedy string) {
	if len(*c.found) < maxFindings {
		*c.found = append(*c.found, Finding{Item: c.item, Field: field, Problem: problem, Remedy: remedy})
	}
}
