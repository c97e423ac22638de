package main

import (
	"context"
	"fmt"
	"path/filepath"
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

// cec shows a display whose panel is reached by CEC alone: a television in standby that is plugged in once the display
// runs.
func (b *bench) cec(ctx context.Context) error {
	r, a, err := b.startInside(ctx, "cec", b.world.siteFile("/data/bangtin", "/run/bangtin", outside, panelCEC))
	if err != nil {
		return err
	}
	defer r.cut()
	if err := b.somethingShown(ctx, r); err != nil {
		return r.explain("cec", err)
	}
	if _, err := a.run(ctx, stepLimit, plug); err != nil {
		return err
	}
	tv := television{a}
	ask := func() (peer.State, error) { return tv.power(ctx) }
	began := time.Now()
	b.note("cec", "a television in standby is lit by CEC: its own answer, and the state at Mosquitto: on air, the panel read back", r.explain("lit", b.lit(ctx, ask)))
	b.figure("on air %.0f s after it was plugged in", time.Since(began).Seconds())
	heard := map[peer.State]func(context.Context, time.Duration) error{peer.Off: b.world.dark, peer.On: b.world.onAir}
	for _, t := range turns() {
		err := b.turn(ctx, t, ask)
		if err == nil {
			err = heard[t.state](ctx, stepLimit)
		}
		b.note("cec", fmt.Sprintf("it is %s by the department's order: its own answer, and the state at Mosquitto", t.state), r.explain("turn", err))
	}
	said, err := a.run(ctx, stepLimit, "journalctl -b --no-pager -o short-monotonic")
	_ = writeText(filepath.Join(b.out, "cec.journal"), fmt.Sprint(said, err))
	return nil
}

// lit waits until the centre hears that the display is on air, and asks the panel.
func (b *bench) lit(ctx context.Context, ask func() (peer.State, error)) error {
	if err := b.world.onAir(ctx, stepLimit); err != nil {
		return err
	}
	now, err := ask()
	if err == nil && now != peer.On {
		err = fmt.Errorf("it is %s", now)
	}
	return err
}
