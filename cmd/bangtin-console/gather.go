package main

import (
	"context"
	"slices"
	"time"
)

// askLimit is how long one source may take. The page waits for the slowest.
const askLimit = 2 * time.Second

// An Inquiry is one source of what the page shows. Ask may hang for ever, as a broken disk does: the page does not.
type Inquiry struct {
	Name text // for the page, when it does not answer
	Ask  func(ctx context.Context) func(*Facts)
}

// A gatherer asks all sources at once. One that still hangs is not asked again, so there is never more than one goroutine
// for each.
type gatherer struct {
	inquiries []Inquiry
	answers   []chan func(*Facts) // one deep
	busy      []bool
}

func newGatherer(inquiries []Inquiry) *gatherer {
	g := &gatherer{inquiries: inquiries, answers: make([]chan func(*Facts), len(inquiries)), busy: make([]bool, len(inquiries))}
	for i := range g.answers {
		g.answers[i] = make(chan func(*Facts), 1)
	}
	return g
}

// ask fills in facts what comes in time, and the names of the others.
func (g *gatherer) ask(ctx context.Context, facts *Facts) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	for i := range g.inquiries {
		if g.busy[i] { // what it says of the last round is out of date, and tells that it lives
			select {
			case <-g.answers[i]:
			default:
				continue
			}
		}
		g.busy[i] = true
		go func() { g.answers[i] <- g.inquiries[i].Ask(ctx) }()
	}
	for i := range g.inquiries {
		select {
		case fill := <-g.answers[i]:
			g.take(i, fill, facts)
		case <-ctx.Done():
			select { // who was quick is not lost because another was slow
			case fill := <-g.answers[i]:
				g.take(i, fill, facts)
			default:
				facts.Silent = append(facts.Silent, g.inquiries[i].Name)
			}
		}
	}
	facts.Silent = slices.Clip(facts.Silent)
}

func (g *gatherer) take(i int, fill func(*Facts), facts *Facts) {
	g.busy[i] = false
	if fill != nil {
		fill(facts)
	}
}
