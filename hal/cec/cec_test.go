package cec_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"bangtin/hal"
	"bangtin/hal/cec"

	"github.com/google/go-cmp/cmp"
)

// within runs a test with a driver of a bus's TV in virtual time.
func within(t *testing.T, f func(t *testing.T, b *cec.Bus, p *cec.Panel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := cec.NewBus()
		p := cec.NewOn(b, cec.Config{OSDName: "Bang Tin"})
		t.Cleanup(func() { p.Close() }) // never fails
		f(t, b, p)
	})
}

func command(t *testing.T, p *cec.Panel, on bool) {
	t.Helper()
	if err := p.SetPower(t.Context(), on); err != nil {
		t.Fatalf("SetPower(%v): %v", on, err)
	}
}

// reads checks one reading; an error that is wanted goes with PowerUnknown.
func reads(t *testing.T, p *cec.Panel, want hal.Power, wantErr error) {
	t.Helper()
	power, err := p.Power(t.Context())
	if power != want || !errors.Is(err, wantErr) {
		t.Errorf("Power is %v with error %v, want %v with %v", power, err, want, wantErr)
	}
}

// sent prints what went out since the bus began, with the time after the first message in seconds.
func sent(b *cec.Bus) []string {
	var lines []string
	all := b.Sent()
	for _, s := range all {
		lines = append(lines, fmt.Sprintf("%.0f %v", s.At.Sub(all[0].At).Seconds(), s))
	}
	return lines
}

// TestAnotherTV does not inherit what its forerunner's maker is known for, whether it refuses to name its own or says nothing.
func TestAnotherTV(t *testing.T) {
	for _, shy := range []bool{false, true} {
		within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
			b.Vendor(0x0000F0)
			reads(t, p, hal.PowerUnknown, hal.ErrUnsupported)
			b.Physical(0xFFFF)
			time.Sleep(time.Minute)
			b.Vendor(0)
			b.Set(cec.Shy, shy)
			b.Physical(0x2000)
			time.Sleep(time.Minute)
			for range 2 {
				p.Power(t.Context()) // which asks
			}
			reads(t, p, hal.PowerOff, nil)
		})
	}
}

// TestAMakerIsAskedAgainAfterAWake: a TV that was asleep may not have told it.
func TestAMakerIsAskedAgainAfterAWake(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		b.Vendor(0x0000F0)
		b.Set(cec.Shy, true)
		for range 5 {
			reads(t, p, hal.PowerOff, nil)
		}
		b.Set(cec.Shy, false)
		reads(t, p, hal.PowerOff, nil)
		command(t, p, true)
		time.Sleep(time.Minute)
		reads(t, p, hal.PowerUnknown, hal.ErrUnsupported)
	})
}

func TestWakeByMaker(t *testing.T) {
	const (
		view   = "4→0 04"
		source = "4→f 82 10 00"
	)
	for name, c := range map[string]struct {
		vendor uint32
		deaf   bool // to wakes
		want   []string
	}{
		"any":                   {0x123456, false, []string{"0 " + view, "0 " + source, "3 " + source, "7 " + source}},
		"none":                  {0, false, []string{"0 " + view, "0 " + source, "3 " + source, "7 " + source}},
		"LG":                    {0x00E091, false, []string{"0 " + view, "3 " + source, "7 " + source}},
		"Philips":               {0x00903E, true, []string{"0 " + view, "0 " + source, "3 " + source, "5 " + view, "5 " + source, "8 " + source}},
		"Panasonic":             {0x008045, true, []string{"0 " + view, "0 " + source, "3 " + source, "7 " + source, "15 " + source}},
		"Philips that is awake": {0x00903E, false, []string{"0 " + view, "0 " + source, "3 " + source, "5 " + source, "8 " + source}},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
				b.Vendor(c.vendor)
				b.Set(cec.Disobeys, c.deaf)
				if name == "Philips that is awake" {
					b.Remote(true)
					time.Sleep(10 * time.Second)
				}
				p.Power(t.Context()) // introduces the TV
				command(t, p, true)
				time.Sleep(time.Minute)
				if diff := cmp.Diff(c.want, sent(b)); diff != "" {
					t.Errorf("sent (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestWokenTVIsAskedUntilItIsOn(t *testing.T) {
	for name, c := range map[string]struct {
		disobeys bool
		want     int
	}{"obeys": {false, 1}, "disobeys": {true, 11}} { // at 10, 12, … 30 s
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
				b.Set(cec.Disobeys, c.disobeys)
				command(t, p, true)
				time.Sleep(time.Minute)
				if b.Asked() != c.want {
					t.Errorf("asked %d times, want %d", b.Asked(), c.want)
				}
			})
		})
	}
}

func TestStandbyIsSentOnceAndEndsAWake(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		command(t, p, true)
		time.Sleep(time.Second)
		command(t, p, false)
		time.Sleep(time.Minute)
		want := []string{"0 4→0 04", "0 4→f 82 10 00", "2 4→0 36"}
		if diff := cmp.Diff(want, sent(b)); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		if b.Lit() {
			t.Error("the TV is lit")
		}
	})
}

func TestCloseEndsAWakeAndLeavesThePanel(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		command(t, p, true)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		before := len(b.Sent())
		time.Sleep(time.Minute)
		if len(b.Sent()) != before || !b.Lit() {
			t.Errorf("%d messages after Close, lit %v", len(b.Sent())-before, b.Lit())
		}
	})
}

func TestTextViewOnWhereImageViewOnIsRefused(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		b.Set(cec.NoView, true)
		command(t, p, true)
		time.Sleep(10 * time.Second)
		reads(t, p, hal.PowerOn, nil)
	})
}

func TestWithoutPhysicalAddressOnlyAWakePasses(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		b.Physical(0xFFFF)
		reads(t, p, hal.PowerUnknown, hal.ErrSilent)
		if err := p.SetPower(t.Context(), false); !errors.Is(err, hal.ErrSilent) {
			t.Errorf("standby: %v, want ErrSilent", err)
		}
		command(t, p, true)
		time.Sleep(6 * time.Second)
		b.Physical(0x2000) // the TV is up and shows its EDID
		time.Sleep(30 * time.Second)
		reads(t, p, hal.PowerOn, nil)
		want := []string{"0 f→0 04", "7 4→f 82 20 00"}
		if diff := cmp.Diff(want, sent(b)); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

// TestCloseLeavesAReaderThatHangs to the kernel.
func TestCloseLeavesAReaderThatHangs(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		reads(t, p, hal.PowerOff, nil)
		b.Set(cec.Held, true)
		start := time.Now()
		if err := p.Close(); err != nil || time.Since(start) > time.Second {
			t.Errorf("Close: %v after %v", err, time.Since(start))
		}
		time.Sleep(2 * time.Minute) // until it is back
	})
}

func TestLostPhysicalAddressIsWaitedFor(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		reads(t, p, hal.PowerOff, nil)
		b.Physical(0xFFFF)
		time.AfterFunc(1500*time.Millisecond, func() { b.Physical(0x1000) })
		reads(t, p, hal.PowerOff, nil)

		b.Physical(0xFFFF)
		synctest.Wait()
		start := time.Now()
		reads(t, p, hal.PowerUnknown, hal.ErrSilent)
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("gave up after %v, want 2 s", took)
		}
		start = time.Now()
		reads(t, p, hal.PowerUnknown, hal.ErrSilent)
		if took := time.Since(start); took != 0 {
			t.Errorf("waited %v again", took)
		}
	})
}

func TestDroppedEventsAreMadeUpFor(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		b.Set(cec.Eventless, true)
		reads(t, p, hal.PowerOff, nil)
		b.Physical(0xFFFF)
		reads(t, p, hal.PowerUnknown, hal.ErrSilent)
		b.Physical(0x3000)
		command(t, p, true)
		if got := sent(b)[1]; got != "0 4→f 82 30 00" {
			t.Errorf("sent %s, want the new address", got)
		}
	})
}

func TestForgottenLogicalAddressIsClaimedAgain(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		reads(t, p, hal.PowerOff, nil)
		time.Sleep(time.Minute)
		b.Forget()
		reads(t, p, hal.PowerOff, nil)
		if b.Claims() != 2 {
			t.Errorf("claimed %d times, want 2", b.Claims())
		}
		b.Set(cec.Forgets, true)
		b.Forget()
		start := time.Now()
		reads(t, p, hal.PowerUnknown, hal.ErrSilent)
		if took := time.Since(start); took > 4*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestKernelIsNotAskedWhatItDoesByItself(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		reads(t, p, hal.PowerOff, nil)
		for range 5 {
			b.Physical(0xFFFF)
			time.Sleep(time.Minute)
			b.Physical(0x1000)
			reads(t, p, hal.PowerOff, nil)
		}
		if b.Claims() != 1 {
			t.Errorf("claimed %d times, want once", b.Claims())
		}
	})
}

func TestErrorsSayWhy(t *testing.T) {
	for name, c := range map[string]struct {
		fault             cec.Fault
		set, power        error
		setMay, powerTake time.Duration
	}{
		"nobody acknowledges": {cec.Deaf, hal.ErrSilent, hal.ErrSilent, time.Second, time.Second},
		"no answers":          {cec.Mute, nil, hal.ErrSilent, 2 * time.Second, 3 * time.Second},
		"feature abort":       {cec.Refuses, hal.ErrRefused, hal.ErrRefused, time.Second, time.Second},
		"unknown status":      {cec.Odd, nil, hal.ErrSilent, 2 * time.Second, 3 * time.Second},
		"no results":          {cec.Swallows, hal.ErrSilent, hal.ErrSilent, 4100 * time.Millisecond, 4100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
				reads(t, p, hal.PowerOff, nil)
				b.Set(c.fault, true)
				start := time.Now()
				reads(t, p, hal.PowerUnknown, c.power)
				if took := time.Since(start); took > c.powerTake {
					t.Errorf("Power took %v", took)
				}
				start = time.Now()
				if err := p.SetPower(t.Context(), false); !errors.Is(err, c.set) {
					t.Errorf("SetPower: %v, want %v", err, c.set)
				}
				if took := time.Since(start); took > c.setMay {
					t.Errorf("SetPower took %v", took)
				}
			})
		})
	}
}

func TestAMakerWhoseWordProvesNothing(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		b.Vendor(0x0000F0) // Samsung
		reads(t, p, hal.PowerUnknown, hal.ErrUnsupported)
		command(t, p, true)
		time.Sleep(time.Minute)
		reads(t, p, hal.PowerUnknown, hal.ErrUnsupported)
		if !b.Lit() {
			t.Error("the TV was not woken")
		}
	})
}

func TestTheTVsOwnRemote(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		command(t, p, true)
		time.Sleep(8 * time.Second)
		reads(t, p, hal.PowerOn, nil)
		b.Remote(false)
		time.Sleep(time.Second)
		reads(t, p, hal.PowerCooling, nil) // the TV says "on" still
		time.Sleep(20 * time.Second)
		reads(t, p, hal.PowerOff, nil)
		b.Remote(true)
		time.Sleep(20 * time.Second)
		reads(t, p, hal.PowerOn, nil)
		if strings.Contains(fmt.Sprint(sent(b)), "10 4→") {
			t.Errorf("sent %v, want no more of the wake after the remote's standby", sent(b))
		}
	})
}

func TestFollower(t *testing.T) {
	for name, c := range map[string]struct {
		said []byte
		want []string
	}{
		"give power status":        {[]byte{0x04, 0x8F}, []string{"4→0 90 00"}},
		"unknown":                  {[]byte{0x04, 0x41, 0x05}, []string{"4→0 00 41 00"}},
		"unknown to all":           {[]byte{0x0F, 0x32, 1, 2, 3}, nil},
		"unknown from nobody":      {[]byte{0xF4, 0x41, 0x05}, nil},
		"feature abort":            {[]byte{0x04, 0x00, 0x44, 0}, nil},
		"late answer":              {[]byte{0x04, 0x90, 0}, nil},
		"poll":                     {[]byte{0x04}, nil},
		"key":                      {[]byte{0x04, 0x44, 0x01}, nil},
		"standby":                  {[]byte{0x04, 0x36}, []string{"4→f 90 01"}},
		"stream path to us":        {[]byte{0x0F, 0x86, 0x10, 0x00}, []string{"4→f 82 10 00"}},
		"stream path to others":    {[]byte{0x0F, 0x86, 0x20, 0x00}, nil},
		"cut stream path":          {[]byte{0x0F, 0x86, 0x10}, nil},
		"request of active source": {[]byte{0x0F, 0x85}, nil}, // we are not
		"vendor command":           {[]byte{0x04, 0x89, 0x01}, []string{"4→0 00 89 00"}},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
				reads(t, p, hal.PowerOff, nil)
				b.Say(c.said...)
				time.Sleep(time.Second)
				var got []string
				for _, s := range b.Sent() {
					got = append(got, s.String())
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("sent (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestFollowerOfItsOwnStandby(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		command(t, p, true)
		time.Sleep(time.Minute)
		b.Say(0x0F, 0x85) // we are the active source
		b.Say(0x0F, 0x36)
		b.Say(0x0F, 0x85) // we no longer are
		b.Say(0x04, 0x8F)
		b.Say(0x04, 0x44, 0x6D) // power on
		b.Say(0x04, 0x8F)
		time.Sleep(time.Second)
		want := []string{"4→f 82 10 00", "4→f 90 01", "4→0 90 01", "4→f 90 00", "4→0 90 00"}
		var got []string
		for _, s := range b.Sent()[4:] {
			got = append(got, s.String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

func TestHandshakeOfLG(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		b.Vendor(0x00E091)
		reads(t, p, hal.PowerOff, nil)
		b.Say(0x04, 0x89, 0x01)
		time.Sleep(time.Second)
		if diff := cmp.Diff([]string{"0 4→0 89 02 05"}, sent(b)); diff != "" {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
	})
}

// TestALateAnswerIsNotTakenForTheNext has a TV that says "on" so late that the kernel takes it for the answer to a
// question that came after the TV lost its power.
func TestALateAnswerIsNotTakenForTheNext(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		command(t, p, true)
		time.Sleep(time.Minute)
		b.Set(cec.Late, true)
		short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if _, err := p.Power(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Power: %v", err)
		}
		b.Cut()
		time.Sleep(1900 * time.Millisecond)
		reads(t, p, hal.PowerUnknown, hal.ErrSilent)
		b.Set(cec.Late, false)
		time.Sleep(10 * time.Second)
		reads(t, p, hal.PowerOff, nil)
	})
}

// TestALateAnswerEndsNoDoubt has a TV whose "standby" from before the wake arrives after it.
func TestALateAnswerEndsNoDoubt(t *testing.T) {
	within(t, func(t *testing.T, b *cec.Bus, p *cec.Panel) {
		reads(t, p, hal.PowerOff, nil)
		b.Remote(true)
		time.Sleep(20 * time.Second)
		reads(t, p, hal.PowerOn, nil)
		command(t, p, false)
		b.Say(0x04, 0x90, 0x01) // late, and about another time
		reads(t, p, hal.PowerCooling, nil)
		b.Say(0x0F, 0x90, 0x01) // news
		time.Sleep(10 * time.Second)
		reads(t, p, hal.PowerOff, nil)
	})
}
