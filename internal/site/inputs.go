package site

// Inputs are the names of the sockets that panels of this driver can be switched to; nil where nobody can. They are those
// of the drivers in hal.
func (d Driver) Inputs() []string {
	switch d {
	case MDC:
		return []string{"hdmi1", "hdmi2", "hdmi3", "hdmi4", "dp", "dvi"}
	case LG:
		return []string{"hdmi1", "hdmi2", "hdmi3", "dp", "dvi", "vga"}
	case NEC, SICP, Sim:
		return []string{"hdmi1", "hdmi2", "hdmi3", "hdmi4", "dp", "dp2", "dvi", "vga", "ops"}
	}
	return nil
}

func (r *reader) input(d Driver) string {
	const key = "panel.input"
	if r.value(key) == nil {
		return ""
	}
	inputs := d.Inputs()
	if inputs == nil {
		r.wrong(key, "is for panels on a serial line: with panel.driver = %q nobody can ask or switch it; remove it", d)
		return ""
	}
	return r.choice(key, r.text(key, inputs[0]), inputs...)
}
