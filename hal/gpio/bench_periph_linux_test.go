package gpio_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/driver/driverreg"
	"periph.io/x/conn/v3/gpio"
	"periph.io/x/host/v3/gpioioctl"
)

func theirs() context.Context { return context.Background() }

// periph does with periph's driver what this package does without it, and prints what comes of it.
func periph() int {
	if _, err := driverreg.Init(); err != nil {
		fmt.Println(err)
		return 1
	}
	chip := gpioioctl.Chips[0]
	relay, door := chip.ByName("RELAY"), chip.ByName("DOOR")
	pin := func() string {
		b, _ := os.ReadFile(os.Getenv("BANGTIN_GPIO_VALUE"))
		return strings.TrimSpace(string(b))
	}
	// An active-low relay with the pin low is closed; the pull-up opens it.
	if err := relay.Out(gpio.Low); err != nil {
		fmt.Println(err)
		return 1
	}
	closed := pin()
	relay.Read()
	fmt.Printf("closed %s, after Read %s\n", closed, pin())

	if err := door.In(gpio.PullDown, gpio.BothEdges); err != nil {
		fmt.Println(err)
		return 1
	}
	began := time.Now()
	if edge := door.WaitForEdge(-1); time.Since(began) < time.Second {
		fmt.Printf("WaitForEdge(-1) %v at once\n", edge)
	}
	if err := os.WriteFile(os.Getenv("BANGTIN_GPIO_LIVE"), []byte("0"), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Printf("edge of a chip that is gone: %v\n", door.WaitForEdge(time.Second))
	fmt.Printf("level of a chip that is gone: %v\n", door.Read())
	if err := os.WriteFile(os.Getenv("BANGTIN_GPIO_LIVE"), []byte("1"), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	known := len(gpioioctl.Chips)
	if _, err := driverreg.Init(); err != nil {
		fmt.Println(err)
	}
	fmt.Printf("Init again found %d chips more\n", len(gpioioctl.Chips)-known)
	chip.Close()
	var st unix.Stat_t
	fmt.Printf("closed the chip, file 0: %v\n", unix.Fstat(0, &st))
	if err := os.WriteFile(os.Getenv("BANGTIN_GPIO_LIVE"), []byte("0"), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}
