package main

import (
	"testing"
)

// From nothing to a display, an operator and the centre on the real broker with the configuration as written.
func TestCentreFromNothing(t *testing.T) {
	f := newField(t)
	f.serve()
	operator := f.operator("truc-ban")
	f.startBroker()
	display := f.join(f.display("tinh-bien-01"), f.ports[0], "x", "bt/v1/d/tinh-bien-01/cmd/req")
	centre := f.join(f.centreFiles(), f.ports[1], "centre", "bt/v1/d/+/conn")
	o := f.join(operator, f.ports[1], "operator-1")
	f.say(o, "bt/v1/d/tinh-bien-01/cmd/req", "order")
	f.say(display, "bt/v1/d/tinh-bien-01/conn", "here")
	f.until("the order arrives", func() bool { return display.has("bt/v1/d/tinh-bien-01/cmd/req order") })
	f.until("the birth arrives", func() bool { return centre.has("bt/v1/d/tinh-bien-01/conn here") })
}
