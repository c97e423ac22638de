package cec_test

import (
	"testing"

	"bangtin/hal/cec"

	"github.com/google/go-cmp/cmp"
)

// TestLayoutIsTheKernels compares with the table that was measured on Debian's kernels 6.1 and 6.12
// (reference/hardware-facts.md, "HDMI-CEC").
func TestLayoutIsTheKernels(t *testing.T) {
	want := map[string]uintptr{
		"caps": 76, "caps.name": 32, "caps.available": 64, "caps.capabilities": 68, "caps.version": 72,
		"log_addrs": 92, "log_addrs.mask": 4, "log_addrs.version": 6, "log_addrs.num": 7, "log_addrs.vendor": 8, "log_addrs.flags": 12,
		"log_addrs.osd": 16, "log_addrs.prim": 31, "log_addrs.type": 35, "log_addrs.alldev": 39, "log_addrs.features": 43,
		"msg": 56, "msg.rx_ts": 8, "msg.len": 16, "msg.timeout": 20, "msg.sequence": 24, "msg.flags": 28, "msg.msg": 32, "msg.reply": 48,
		"msg.rx_status": 49, "msg.tx_status": 50, "msg.arb": 51, "msg.nack": 52, "msg.low": 53, "msg.err": 54,
		"event": 80, "event.type": 8, "event.flags": 12, "event.union": 16,
	}
	if diff := cmp.Diff(want, cec.Layout()); diff != "" {
		t.Errorf("(-kernel +ours):\n%s", diff)
	}
}

// TestIoctlNumbers computes each number as asm-generic/ioctl.h does: direction, size, type 'a', number.
func TestIoctlNumbers(t *testing.T) {
	const write, read = 1, 2
	layout := cec.Layout()
	number := func(direction uint32, size uintptr, n uint32) uint32 {
		return direction<<30 | uint32(size)<<16 | 'a'<<8 | n
	}
	want := map[string]uint32{
		"ADAP_G_CAPS": number(read|write, layout["caps"], 0), "ADAP_G_PHYS_ADDR": number(read, 2, 1), "ADAP_S_PHYS_ADDR": number(write, 2, 2),
		"ADAP_G_LOG_ADDRS": number(read, layout["log_addrs"], 3), "ADAP_S_LOG_ADDRS": number(read|write, layout["log_addrs"], 4),
		"TRANSMIT": number(read|write, layout["msg"], 5), "RECEIVE": number(read|write, layout["msg"], 6),
		"DQEVENT": number(read|write, layout["event"], 7), "G_MODE": number(read, 4, 8), "S_MODE": number(write, 4, 9),
	}
	if diff := cmp.Diff(want, cec.Ioctls()); diff != "" {
		t.Errorf("(-kernel +ours):\n%s", diff)
	}
}
