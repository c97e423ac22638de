package command

import (
	"context"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

// SystemBus is where systemd-logind is found.
const SystemBus = "unix:path=/run/dbus/system_bus_socket"

// logindWithin bounds the whole conversation with the bus.
const logindWithin = 30 * time.Second

// Logind starts the machine anew through systemd-logind, which ends every service in good order first.
type Logind struct {
	Address string // of the bus: SystemBus
}

// Reboot implements [Machine]. Where the bus, logind or the permission is missing, it says so and nothing happens.
func (l Logind) Reboot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, logindWithin)
	defer cancel()
	bus, err := dbus.Connect(l.Address, dbus.WithContext(ctx))
	if err != nil {
		return fmt.Errorf("cannot reach the system bus: %w", err)
	}
	defer bus.Close()
	const askNobody = false // no dialog for a password
	logind := bus.Object("org.freedesktop.login1", "/org/freedesktop/login1")
	if err := logind.CallWithContext(ctx, "org.freedesktop.login1.Manager.Reboot", 0, askNobody).Err; err != nil {
		return fmt.Errorf("cannot reboot: %w", err)
	}
	return nil
}
