package gpio

import (
	"testing"
	"unsafe"
)

// TestLayoutIsTheKernels holds the sizes that were measured against the kernel's own header. It is inside the package
// because nothing of this is to be seen from outside.
func TestLayoutIsTheKernels(t *testing.T) {
	for _, tt := range []struct {
		name      string
		got, want uintptr
	}{
		{"gpiochip_info", unsafe.Sizeof(chipInfo{}), 68},
		{"gpio_v2_line_info", unsafe.Sizeof(lineInfo{}), 256},
		{"gpio_v2_line_config", unsafe.Sizeof(lineConfig{}), 272},
		{"gpio_v2_line_request", unsafe.Sizeof(lineRequest{}), 592},
		{"gpio_v2_line_values", unsafe.Sizeof(lineValues{}), 16},
		{"gpio_v2_line_event", unsafe.Sizeof(lineEvent{}), eventBytes},
		{"the fd in a request", unsafe.Offsetof(lineRequest{}.fd), 588},
		{"the flags of a line", unsafe.Offsetof(lineInfo{}.flags), 72},
		{"GPIO_GET_CHIPINFO_IOCTL", getChipInfo, 0x8044B401},
		{"GPIO_V2_GET_LINEINFO_IOCTL", getLineInfo, 0xC100B405},
		{"GPIO_V2_GET_LINE_IOCTL", getLine, 0xC250B407},
		{"GPIO_V2_LINE_GET_VALUES_IOCTL", getValues, 0xC010B40E},
		{"GPIO_V2_LINE_SET_VALUES_IOCTL", setValues, 0xC010B40F},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %#x, not %#x", tt.name, tt.got, tt.want)
		}
	}
}
