package enrol

import (
	"net/netip"
	"sync"
	"time"
)

// One address may guess maxGuesses times a window. A hundred thousand addresses then guess 1.4e9 times in the 24
// hours of a code, out of 1.2e18. The table holds maxGuessers; when more guess within one window it begins anew,
// because to be shut out by a crowd would be worse than a few more guesses.
const (
	maxGuesses  = 10
	maxGuessers = 4096
	guessWindow = time.Minute
)

// guesses counts wrong codes by address. Safe for concurrent use.
type guesses struct {
	now func() time.Time

	mu    sync.Mutex
	since time.Time
	wrong map[netip.Prefix]int
}

// mayGuess tells whether the address has guesses left.
func (g *guesses) mayGuess(remote string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.now(); now.Sub(g.since) >= guessWindow || now.Before(g.since) || len(g.wrong) > maxGuessers {
		g.since, g.wrong = now, map[netip.Prefix]int{}
	}
	return g.wrong[network(remote)] < maxGuesses
}

func (g *guesses) guessedWrong(remote string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wrong[network(remote)]++
}

// network is the address, or the /64 that one holder of IPv6 has. What is no address counts together.
func network(remote string) netip.Prefix {
	a, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	ip := a.Addr().Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
