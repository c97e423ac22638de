package main

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"bangtin/hal/haltest/peer"
)

// A television is one that this repository has no part in: cec-follower of v4l-utils, at the first of the two adapters
// that the kernel's vivid imitates; the second leads to it. Both are Debian's, and a locked-down kernel takes the module
// for Debian's signature. The image has them anyway: the module in the kernel's package, v4l-utils for technicians.
type television struct{ inside *agent }

// plug makes the television, in standby, and then its cable: until then the second adapter has no physical address.
// What the input is connected to by 2 is the first output (seen on 6.12, as in hal/cec's tests on the bench).
const plug = `set -eu
modprobe vivid n_devs=1
cec-ctl -s -d /dev/cec0 --tv >/dev/null
systemd-run -q --unit=bench-television cec-follower -d /dev/cec0 --standby
capture=$(grep -lx vivid-000-vid-cap /sys/class/video4linux/video*/name)
v4l2-ctl -d /dev/$(basename ${capture%/name}) -c hdmi_000_0_is_connected_to=2`

// told is what cec-ctl of v4l-utils 1.30 prints of an answer.
var told = regexp.MustCompile(`pwr-state: (\S+)`)

// power asks it, as the display does and past the display.
func (t television) power(ctx context.Context) (peer.State, error) {
	said, err := t.inside.run(ctx, stepLimit, "cec-ctl -s -d /dev/cec1 --to 0 --give-device-power-status")
	if err != nil {
		return "", err
	}
	answer := told.FindStringSubmatch(said)
	if answer == nil {
		return "", fmt.Errorf("the television does not answer: %s", said)
	}
	switch answer[1] {
	case "on":
		return peer.On, nil
	case "standby":
		return peer.Off, nil
	}
	return peer.State(answer[1]), nil
}

// cec shows a display whose panel is reached by CEC alone: a television in standby that is plugged in once the programme
// is on the screen.
func (b *bench) cec(ctx context.Context) error {
	before := b.world.connections()
	r, a, err := b.startInside(ctx, "cec", b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelCEC))
	if err != nil {
		return err
	}
	defer r.cut()
	defer b.keepLog(ctx, r, a)
	r.power = television{a}.power
	b.note("cec", "on the screen: a page of the programme", r.explain("programme", b.somethingShown(ctx, r)))
	if _, err := a.run(ctx, stepLimit, plug); err != nil {
		return err
	}
	plugged := time.Now()
	b.note("cec", "a television in standby is lit by CEC: its own answer, and the state at Mosquitto: on air, the panel read back", r.explain("lit", b.onAirSince(ctx, r, before)))
	b.figure("on air %.0f s after it was plugged in", time.Since(plugged).Seconds())
	for _, t := range turns() {
		hears := b.world.onAir
		if t.state == peer.Off {
			hears = b.world.dark
		}
		err := b.turn(ctx, r, t)
		if err == nil {
			err = hears(ctx, stepLimit)
		}
		b.note("cec", fmt.Sprintf("it is %s by the department's order: its own answer, and the state at Mosquitto", t.state), r.explain("turn", err))
	}
	return nil
}
