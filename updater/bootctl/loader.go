package bootctl

import "bangtin/image/layout"

// A Choice is what EFI Boot Guard does with two environments.
type Choice struct {
	Boots  layout.Slot // none where neither environment is whole: what it starts then is chance
	Writes layout.Slot // the slot whose environment it writes before, or none
	Env    Env         // what it writes
}

// Choose says what EFI Boot Guard 0.19 does with the two files, as env/fatvars.c has it. A file that is not there is
// nil. It judges a file by size and checksum alone, and so does this.
func Choose(a, b []byte) Choice {
	slots := [2]layout.Slot{layout.A, layout.B}
	var envs [2]Env
	var valid [2]bool
	for i, file := range [2][]byte{a, b} {
		env, err := Decode(file)
		envs[i], valid[i] = env, err == nil
	}
	if !valid[0] && !valid[1] {
		return Choice{}
	}
	// Index 0 is what the loader starts from, even where that file is torn.
	var latest, before int
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
	c := Choice{Boots: slots[latest], Env: envs[latest]}
	switch {
	case envs[latest].InProgress:
		c.Boots = slots[before]
	case envs[latest].State == Testing:
		c.Boots, c.Writes = slots[before], slots[latest]
		c.Env.State, c.Env.Revision = Failed, 0
	case envs[latest].State == Installed:
		c.Writes = slots[latest]
		c.Env.State = Testing
	}
	if c.Writes == "" {
		c.Env = Env{}
	}
	if a, b := slots[0], slots[1]; c.Boots == a && !valid[0] || c.Boots == b && !valid[1] {
		c.Boots = ""
	}
	return c
}
