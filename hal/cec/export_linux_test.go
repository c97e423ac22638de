package cec

import (
	"log/slog"
	"unsafe"
)

// Claimed tells whether one who opens the adapter as name finds it claimed for itself.
func Claimed(path, name string) (bool, error) {
	a, err := openAdapter(path, name, slog.New(slog.DiscardHandler))
	if err != nil {
		return false, err
	}
	defer a.(*device).release()
	place, err := a.addresses()
	return place.ours && place.logical != 0, err
}

// Layout is the size of each of the kernel's structures, and the offsets of their fields, as this package has them.
func Layout() map[string]uintptr {
	var (
		c kernelCaps
		l kernelLogAddrs
		m kernelMsg
		e kernelEvent
	)
	return map[string]uintptr{
		"caps": unsafe.Sizeof(c), "caps.name": unsafe.Offsetof(c.Name), "caps.available": unsafe.Offsetof(c.Available),
		"caps.capabilities": unsafe.Offsetof(c.Capabilities), "caps.version": unsafe.Offsetof(c.Version),
		"log_addrs": unsafe.Sizeof(l), "log_addrs.mask": unsafe.Offsetof(l.Mask), "log_addrs.version": unsafe.Offsetof(l.CECVersion),
		"log_addrs.num": unsafe.Offsetof(l.Count), "log_addrs.vendor": unsafe.Offsetof(l.Vendor), "log_addrs.flags": unsafe.Offsetof(l.Flags),
		"log_addrs.osd": unsafe.Offsetof(l.OSDName), "log_addrs.prim": unsafe.Offsetof(l.Primary), "log_addrs.type": unsafe.Offsetof(l.Type),
		"log_addrs.alldev": unsafe.Offsetof(l.AllDevices), "log_addrs.features": unsafe.Offsetof(l.Features),
		"msg": unsafe.Sizeof(m), "msg.rx_ts": unsafe.Offsetof(m.ReceivedAt), "msg.len": unsafe.Offsetof(m.Length),
		"msg.timeout": unsafe.Offsetof(m.Timeout), "msg.sequence": unsafe.Offsetof(m.Sequence), "msg.flags": unsafe.Offsetof(m.Flags),
		"msg.msg": unsafe.Offsetof(m.Bytes), "msg.reply": unsafe.Offsetof(m.Reply), "msg.rx_status": unsafe.Offsetof(m.Received),
		"msg.tx_status": unsafe.Offsetof(m.Sent), "msg.arb": unsafe.Offsetof(m.ArbitrationLost), "msg.nack": unsafe.Offsetof(m.NACKs),
		"msg.low": unsafe.Offsetof(m.LowDrive), "msg.err": unsafe.Offsetof(m.Errors),
		"event": unsafe.Sizeof(e), "event.type": unsafe.Offsetof(e.Type), "event.flags": unsafe.Offsetof(e.Flags), "event.union": unsafe.Offsetof(e.Value),
	}
}

// Ioctls are the numbers in use.
func Ioctls() map[string]uint32 {
	return map[string]uint32{
		"ADAP_G_CAPS": ioctlCaps, "ADAP_G_PHYS_ADDR": ioctlPhysical, "ADAP_S_PHYS_ADDR": ioctlSetPhysical,
		"ADAP_G_LOG_ADDRS": ioctlLogical, "ADAP_S_LOG_ADDRS": ioctlSetLogical, "TRANSMIT": ioctlTransmit,
		"RECEIVE": ioctlReceive, "DQEVENT": ioctlEvent, "G_MODE": ioctlMode, "S_MODE": ioctlSetMode,
	}
}
