package main

import (
	"errors"
	"os"
	"strings"
	"testing"

	"bangtin/image/layout"
	"bangtin/updater/bootctl"
)

// TestAnUpdate is RAUC's words in the order of an update that ends well, and what starts meanwhile.
func TestAnUpdate(t *testing.T) {
	d := newDisk(t, 7)
	for _, step := range []struct {
		words         string
		primary, a, b string // what is printed then
		starts        started
	}{
		{words: "set-state B bad", primary: "A", a: "good", b: "bad", starts: started{slot: layout.A, volume: layout.A}},
		{words: "set-primary B", primary: "B", a: "good", b: "bad", starts: started{layout.B, layout.B, true}},
		{words: "set-state B good", primary: "B", a: "good", b: "good", starts: started{slot: layout.B, volume: layout.B}},
		{words: "set-state B good", primary: "B", a: "good", b: "good", starts: started{slot: layout.B, volume: layout.B}},
		{words: "set-state A bad", primary: "B", a: "bad", b: "good", starts: started{slot: layout.B, volume: layout.B}},
	} {
		if out := d.do(strings.Fields(step.words)...); out != "" {
			t.Errorf("%s prints %q", step.words, out)
		}
		if p, a, b := d.do("get-primary"), d.do("get-state", "A"), d.do("get-state", "B"); p != step.primary+"\n" || a != step.a+"\n" || b != step.b+"\n" {
			t.Errorf("after %s: primary %q, A %q, B %q", step.words, p, a, b)
		}
		if s := d.starts(); s != step.starts {
			t.Errorf("after %s starts %+v, expected %+v", step.words, s, step.starts)
		}
		if got := d.do("get-current"); got != string(step.starts.slot)+"\n" {
			t.Errorf("after %s runs %q", step.words, got)
		}
	}
	if got := d.read(layout.B); got.Watchdog != 60 || got.Revision != 8 {
		t.Errorf("the slot that ran had a watchdog of 60 s and revision 7, the new one has %+v", got)
	}
}

// TestATrialThatNobodyConfirms: the next start gives it up.
func TestATrialThatNobodyConfirms(t *testing.T) {
	d := newDisk(t, 1)
	d.do("set-primary", "B")
	d.starts()
	if p, b := d.do("get-primary"), d.do("get-state", "B"); p != "A\n" || b != "bad\n" {
		t.Errorf("in the trial: primary %q, B %q", p, b)
	}
	for _, words := range []string{"set-state A bad", "set-primary A", "set-primary B"} {
		if _, _, err := d.command(strings.Fields(words)...); err == nil {
			t.Errorf("in a trial %s was done", words)
		}
	}
	if s := d.starts(); s != (started{slot: layout.A, volume: layout.A}) {
		t.Errorf("after it: %+v", s)
	}
	if _, _, err := d.command("set-state", "B", "good"); err == nil {
		t.Error("a slot that failed and does not run was confirmed")
	}
	if out := d.do("set-state", "A", "good"); out != "" {
		t.Error(out)
	}
}

// TestBackAfterACommit: the slot that runs is given up, as the warm-up was bad; the older one starts for good.
func TestBackAfterACommit(t *testing.T) {
	d := newDisk(t, 7)
	d.label(layout.B, bootctl.Label(layout.B))
	d.env(layout.B, bootctl.Env{Kernel: bootctl.KernelPath(layout.B), Revision: 8})
	d.runs(layout.B)
	d.do("set-state", "B", "bad")
	if s := d.starts(); s != (started{slot: layout.A, volume: layout.A}) {
		t.Errorf("%+v", s)
	}
	// The last that is left stays.
	if _, _, err := d.command("set-state", "A", "bad"); err == nil {
		t.Error("both were given up")
	}
	if s := d.starts(); s.slot != layout.A {
		t.Errorf("%+v", s)
	}
}

// TestATrialIsCalledOff: the target was withdrawn before the dark hours came.
func TestATrialIsCalledOff(t *testing.T) {
	d := newDisk(t, 7)
	before := d.file(d.envFile(layout.A))
	d.do("set-primary", "B")
	d.do("set-primary", "A")
	if s := d.starts(); s != (started{slot: layout.A, volume: layout.A}) {
		t.Errorf("%+v", s)
	}
	d.do("set-primary", "A")
	if string(d.file(d.envFile(layout.A))) != string(before) {
		t.Error("the environment of the slot that runs was written")
	}
}

// TestWhatIsNotWhole: no step is taken from where there is no way back.
func TestWhatIsNotWhole(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*disk)
		words string
		out   string // what it prints where it is no failure
	}{
		"no kernel":               {func(d *disk) { d.must(os.Remove(d.path(layout.Boot, layout.B) + layout.Kernel)) }, "set-primary B", ""},
		"an empty kernel":         {func(d *disk) { d.write(d.path(layout.Boot, layout.B)+layout.Kernel, nil) }, "set-primary B", ""},
		"no label":                {func(d *disk) { d.must(os.Remove(d.labelFile(layout.B))) }, "set-primary B", ""},
		"no boot partition":       {func(d *disk) { d.must(os.RemoveAll(d.path(layout.Boot, layout.B))) }, "set-primary B", ""},
		"nobody knows what runs":  {func(d *disk) { d.must(os.Remove(d.dir + "/slot")) }, "set-primary B", ""},
		"what runs is no slot":    {func(d *disk) { d.runs("C") }, "set-primary B", ""},
		"the other is torn":       {func(d *disk) { d.write(d.envFile(layout.A), make([]byte, bootctl.FileSize)) }, "set-state B bad", ""},
		"the other is gone":       {func(d *disk) { d.must(os.Remove(d.envFile(layout.A))) }, "set-primary B", ""},
		"its file is gone":        {func(d *disk) { d.must(os.Remove(d.envFile(layout.B))) }, "set-primary B", ""},
		"its file is short":       {func(d *disk) { d.write(d.envFile(layout.B), []byte("x")) }, "set-state B bad", ""},
		"torn is bad":             {func(d *disk) { d.write(d.envFile(layout.B), make([]byte, bootctl.FileSize)) }, "get-state B", "bad\n"},
		"a folder gone is bad":    {func(d *disk) { d.must(os.RemoveAll(d.path(layout.Env, layout.B))) }, "get-state B", "bad\n"},
		"with one the loader can": {func(d *disk) { d.must(os.RemoveAll(d.path(layout.Env, layout.B))) }, "get-primary", "A\n"},
		"both are torn": {func(d *disk) {
			d.write(d.envFile(layout.A), make([]byte, bootctl.FileSize))
			d.write(d.envFile(layout.B), make([]byte, bootctl.FileSize))
		}, "get-primary", ""},
	} {
		d := newDisk(t, 7)
		c.spoil(d)
		out, _, err := d.command(strings.Fields(c.words)...)
		if out != c.out || (err == nil) != (c.out != "") {
			t.Errorf("%s: %q, %v", name, out, err)
		}
		if errors.Is(err, errWords) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestATornSlotIsMadeWhole: the environment is not what it is to be made from.
func TestATornSlotIsMadeWhole(t *testing.T) {
	d := newDisk(t, 7)
	d.write(d.envFile(layout.B), make([]byte, bootctl.FileSize))
	d.do("set-state", "B", "bad")
	if got := d.read(layout.B); got.State != bootctl.Failed || got.Revision != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWords(t *testing.T) {
	d := newDisk(t, 7)
	for _, words := range []string{
		"", "get", "get-primary A", "get-state", "get-state C", "get-state a", "get-state A B", "set-primary", "set-primary A B", "set-state A",
		"set-state A better", "set-state good A", "get-current A", "serve A", "status A", "trial-end A", "--help", "-x get-primary",
	} {
		if out, _, err := d.command(strings.Fields(words)...); !errors.Is(err, errWords) || out != "" {
			t.Errorf("%q: %q, %v", words, out, err)
		}
	}
}

func TestStatus(t *testing.T) {
	d := newDisk(t, 7)
	d.do("set-primary", "B")
	want := `slot  runs  starts next  state      revision  watchdog  boot partition
A     yes   no           ok         7         60 s      complete
B     no    on trial     installed  8         60 s      complete
`
	if got := d.do("status"); got != want {
		t.Errorf("%s", got)
	}
	d.must(os.Remove(d.envFile(layout.B)))
	d.must(os.Remove(d.labelFile(layout.B)))
	d.must(os.Remove(d.dir + "/slot"))
	out, said, err := d.command("status")
	want = `slot  runs  starts next  state       revision  watchdog  boot partition
A     no    yes          ok          7         60 s      complete
B     no    no           unreadable  -         -         not to be started
`
	if out != want || err != nil || strings.Count(said, "\n") != 3 {
		t.Errorf("%s%s%v", out, said, err)
	}
}

// TestTrialEnd: a trial that nobody confirmed ends the machine's run, and nothing else does.
func TestTrialEnd(t *testing.T) {
	for name, c := range map[string]struct {
		make    func(*disk)
		restart bool
		fails   bool
	}{
		"no trial":          {make: func(*disk) {}},
		"waits":             {make: func(d *disk) { d.do("set-primary", "B") }},
		"a trial":           {make: func(d *disk) { d.do("set-primary", "B"); d.starts() }, restart: true},
		"confirmed":         {make: func(d *disk) { d.do("set-primary", "B"); d.starts(); d.do("set-state", "B", "good") }},
		"given up":          {make: func(d *disk) { d.do("set-primary", "B"); d.starts(); d.starts() }},
		"cannot be read":    {make: func(d *disk) { d.write(d.envFile(layout.A), nil) }, fails: true},
		"nobody knows":      {make: func(d *disk) { d.must(os.Remove(d.dir + "/slot")) }, fails: true},
		"does not restart":  {make: func(d *disk) { d.do("set-primary", "B"); d.starts() }, restart: true, fails: true},
		"another's testing": {make: func(d *disk) { d.do("set-primary", "B"); d.starts(); d.runs(layout.A) }},
	} {
		d := newDisk(t, 7)
		c.make(d)
		restarted := false
		l := loader{places: below(d.dir), slot: d.dir + "/slot", say: os.Stderr}
		err := l.endTrial(func() error {
			restarted = true
			if c.fails {
				return errors.New("nobody hears")
			}
			return nil
		})
		if restarted != c.restart || (err != nil) != c.fails {
			t.Errorf("%s: restarted %v, %v", name, restarted, err)
		}
	}
}

// TestServe: RAUC is told the slot.
func TestServe(t *testing.T) {
	d := newDisk(t, 7)
	l := loader{places: below(d.dir), slot: d.dir + "/slot", say: os.Stderr}
	for _, slot := range []layout.Slot{layout.A, layout.B} {
		d.runs(slot)
		var got string
		err := l.serve(func(path string, args []string) error { got = path + " " + strings.Join(args[1:], " "); return nil })
		if want := "/usr/bin/rauc --mount=/run/rauc/mnt --override-boot-slot=" + string(slot) + " service"; got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	d.runs("")
	if err := l.serve(func(string, []string) error { t.Error("it was started"); return nil }); err == nil {
		t.Error("nobody knows what runs")
	}
}
