package main_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"

	"bangtin/internal/fleet/brokertest"
	"bangtin/internal/wire"
)

// TestCommandReachesTheLine measures how long a signed command takes from its publication to the first byte of it on the
// serial line, beside what no display could do without: the same bytes through the same broker to a second client, and one
// fsync on the same disk. The commands come at any moment of the panel's polling. BANGTIN_COMMANDS says how many;
// `make bench-command` takes 200. That each of them reaches the line, once, is what can fail.
func TestCommandReachesTheLine(t *testing.T) {
	t.Parallel()
	n := 2
	if v, err := strconv.Atoi(os.Getenv("BANGTIN_COMMANDS")); err == nil {
		n = v
	}
	panel := startPeer(t, "--warmup", "0", "--trace")
	c := newCommanded(t)
	c.site.driver, c.site.port = "mdc", panel.port
	c.inbox(c.approved(10))
	r := c.start()
	c.until("on air", playing(10))
	c.until("connected", func(*wire.State) bool {
		heard, err := c.centre.Heard(device)
		return err == nil && len(heard.States) > 0
	})
	beside := newBeside(t, c)
	rest := 5 * time.Second // as long as the panel's poll
	if n < 10 {
		rest = 0
	}
	var way, free, resting, round, sync []time.Duration
	for i := range n {
		wish := wire.PowerArgs{State: wire.WishOff, Reason: "đo"}
		if i%2 == 0 {
			until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
			wish.Until = &until
		} else {
			wish.State = wire.WishSchedule
		}
		cmd, raw := c.order(wire.DoPower, wish)
		round, sync = append(round, beside.roundTrip(raw)), append(sync, beside.fsync())
		last, sent := panel.forget(), time.Now()
		c.publish(raw)
		took := panel.commanded(t, i%2 == 1).Sub(sent)
		if way = append(way, took); sent.Sub(last) < lineRest {
			resting = append(resting, took)
		} else {
			free = append(free, took)
		}
		if a := c.final(cmd.ID); a.Status != wire.Done {
			t.Fatalf("command %d: %+v", i, a)
		}
		if more := panel.orders(); len(more) > 0 {
			t.Errorf("command %d came again: %s", i, more)
		}
		time.Sleep(rand.N(rest + 1))
	}
	r.stop()
	both := make([]time.Duration, n)
	for i := range both {
		both[i] = round[i] + sync[i]
	}
	report(t, "command to serial line", way, both)
	report(t, "… line free", free, both)
	report(t, "… line resting after poll", resting, both)
	report(t, "MQTT round trip", round, both)
	report(t, "fsync", sync, both)
	report(t, "round trip and fsync", both, both)
}

// report prints a distribution beside another one.
func report(t *testing.T, what string, d, beside []time.Duration) {
	t.Helper()
	if len(d) == 0 {
		return
	}
	p50, p99 := rank(d, 50), rank(d, 99)
	t.Logf("%-26s n %3d  p50 %7.2f ms (%.2f×)  p90 %7.2f ms  p99 %7.2f ms (%.2f×)  max %7.2f ms", what, len(d), ms(p50),
		float64(p50)/float64(rank(beside, 50)), ms(rank(d, 90)), ms(p99), float64(p99)/float64(rank(beside, 99)), ms(rank(d, 100)))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rank is the smallest value that percent of all do not exceed.
func rank(d []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[max(0, (len(sorted)*percent+99)/100-1)]
}

// powerSet is how an MDC command to set 1 that switches begins, in hex: AA 11 01 01, then 00 or 01.
const powerSet = "AA110101"

// lineRest is how long the driver lets a panel rest after an exchange, and a little for the exchange itself. It polls every
// 5 s: one command in fifty comes then, and waits.
const lineRest = 105 * time.Millisecond

// forget drops what the panel said so far, and returns when it heard something last.
func (p *peer) forget() time.Time {
	for len(p.lines) > 0 {
		p.hear(<-p.lines)
	}
	return p.last
}

// commanded waits for the power command and returns when its first byte was there.
func (p *peer) commanded(t *testing.T, on bool) time.Time {
	t.Helper()
	want := powerSet + map[bool]string{false: "00", true: "01"}[on]
	var begun time.Time // of a frame that came in pieces
	got := ""
	for end := time.After(60 * time.Second); ; {
		select {
		case line := <-p.lines:
			at, chunk, ok := p.hear(line)
			if !ok {
				continue
			}
			if got == "" {
				begun = at
			}
			switch got += chunk; {
			case strings.HasPrefix(got, want):
				return begun
			case !strings.HasPrefix(want, got):
				got = ""
			}
		case <-end:
			t.Fatal("no power command reached the line")
		}
	}
}

// orders are the power commands that the panel has heard since.
func (p *peer) orders() []string {
	var all []string
	for len(p.lines) > 0 {
		if _, chunk, ok := p.hear(<-p.lines); ok && strings.HasPrefix(chunk, powerSet) {
			all = append(all, chunk)
		}
	}
	return all
}

// hear reads a line of panelpeer --trace, and notes when that was.
func (p *peer) hear(line string) (time.Time, string, bool) {
	words := strings.Fields(line)
	if len(words) != 3 || words[0] != "heard" {
		return time.Time{}, "", false
	}
	at, err := time.Parse(time.RFC3339Nano, words[1])
	if _, bad := hex.DecodeString(words[2]); err != nil || bad != nil {
		return time.Time{}, "", false
	}
	p.last = at
	return at, words[2], true
}

// A beside does what a command's way is compared with.
type beside struct {
	c       *commanded
	arrived chan time.Time
	file    *os.File
}

const neighbour = "tinh-bien-99" // the other client, which does nothing but listen

func newBeside(t *testing.T, c *commanded) *beside {
	t.Helper()
	b := &beside{c: c, arrived: make(chan time.Time, 1)}
	files, err := c.broker.Issue(neighbour)
	if err != nil {
		t.Fatal(err)
	}
	conf, err := brokertest.ClientTLS(files)
	if err != nil {
		t.Fatal(err)
	}
	client := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(c.broker.URL()).SetClientID(neighbour).SetTLSConfig(conf))
	b.settle(client.Connect())
	t.Cleanup(func() { client.Disconnect(100) })
	b.settle(client.Subscribe("bt/v1/d/"+neighbour+"/cmd/req", 1, func(mqtt.Client, mqtt.Message) { b.arrived <- time.Now() }))
	b.file, err = os.OpenFile(filepath.Join(c.dir, "beside"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.file.Close() })
	return b
}

func (b *beside) settle(token mqtt.Token) {
	b.c.t.Helper()
	if !token.WaitTimeout(10*time.Second) || token.Error() != nil {
		b.c.t.Fatalf("cannot join the broker: %v", token.Error())
	}
}

// roundTrip publishes with QoS 1 and returns how long it took to the other client.
func (b *beside) roundTrip(payload []byte) time.Duration {
	b.c.t.Helper()
	sent := time.Now()
	if err := b.c.centre.Publish("bt/v1/d/"+neighbour+"/cmd/req", false, payload); err != nil {
		b.c.t.Fatal(err)
	}
	select {
	case at := <-b.arrived:
		return at.Sub(sent)
	case <-time.After(10 * time.Second):
		b.c.t.Fatal("nothing reached the other client")
		return 0
	}
}

// fsync appends 4 KiB, the least that a database writes, and returns how long it took until they were safe.
func (b *beside) fsync() time.Duration {
	b.c.t.Helper()
	began := time.Now()
	if _, err := fmt.Fprintf(b.file, "%4096d", 1); err != nil {
		b.c.t.Fatal(err)
	}
	if err := b.file.Sync(); err != nil {
		b.c.t.Fatal(err)
	}
	return time.Since(began)
}
