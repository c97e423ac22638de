package bootctl

import "bangtin/image/layout"

// A Choice is what EFI Boot Guard does with two environments.
type Choice struct {
	Boots    layout.Slot // none where neither environment is whole: what it starts then is chance
	Writes   layout.Slot // the slot whose environment it writes before, or none
	State    State       // what it writes of it
	Revision uint32      // and its revision
}

// Choose says what EFI Boot Guard 0.19 does with the two files, as env/fatvars.c has it. A file that is not there is
// nil. The loader takes a file that is long enough and whose sum is right, whatever stands in it, and so does this.
func Choose(a, b []byte) Choice {
	slots := [2]layout.Slot{layout.A, layout.B}
	var envs [2]Env
	var valid [2]bool
	for i, file := range [2][]byte{a, b} {
		if valid[i] = whole(file); valid[i] {
			envs[i] = numbers(file)
		}
	}
	latest, before := rank(envs, valid)
	c := Choice{Boots: slots[latest]}
	switch {
	case envs[latest].InProgress:
		c.Boots = slots[before]
	case envs[latest].State == Testing:
		c.Boots, c.Writes, c.State = slots[before], slots[latest], Failed
	case envs[latest].State == Installed:
		c.Writes, c.State, c.Revision = slots[latest], Testing, envs[latest].Revision
	}
	if c.Boots == layout.A && !valid[0] || c.Boots == layout.B && !valid[1] {
		c.Boots = ""
	}
	if a == nil || b == nil {
		c.Writes, c.State, c.Revision = "", OK, 0 // with one file alone it writes none
	}
	return c
}

// rank finds the newest environment and the one before it. Both begin as the first, even where that is torn.
func rank(envs [2]Env, valid [2]bool) (latest, before int) {
	var latestRevision, beforeRevision uint32
	for i, env := range envs {
		switch {
		case !valid[i]:
		case env.Revision > latestRevision:
			before, beforeRevision = latest, latestRevision
			latest, latestRevision = i, env.Revision
		case env.Revision > beforeRevision:
			before, beforeRevision = i, env.Revision
		}
	}
	return latest, before
}
