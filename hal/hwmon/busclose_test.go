package hwmon_test

import (
	"testing"
	"testing/synctest"
	"time"

	"periph.io/x/conn/v3/physic"

	"bangtin/hal/hwmon"
)

// A heldBus is an adapter whose transfers the kernel holds until it is let go.
type heldBus struct{ letGo, closed chan struct{} }

func (b heldBus) String() string { return "held" }

func (b heldBus) Tx(uint16, []byte, []byte) error {
	<-b.letGo
	return nil
}

func (b heldBus) SetSpeed(physic.Frequency) error { return nil }

func (b heldBus) Close() error {
	close(b.closed)
	return nil
}

// TestABusThatHangsIsLeft by Close, and closed when the transfer is back.
func TestABusThatHangsIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := heldBus{make(chan struct{}), make(chan struct{})}
		bus := hwmon.BusOver(inner)
		done := make(chan error, 1)
		go func() { done <- bus.Tx(0x40, nil, nil) }()
		synctest.Wait()
		began := time.Now()
		if err := bus.Close(); err == nil || time.Since(began) != 2*time.Second {
			t.Errorf("Close: %v after %v, want an error after 2 s", err, time.Since(began))
		}
		close(inner.letGo)
		<-done
		<-inner.closed
		if err := bus.Tx(0x40, nil, nil); err == nil {
			t.Error("a closed bus was used")
		}
	})
}
