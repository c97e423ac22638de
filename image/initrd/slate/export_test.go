package slate

import "unsafe"

// Layout is the size of each of the kernel's structures, and the offsets of their fields, as this package has them.
func Layout() map[string]uintptr {
	var v variable
	var x fixed
	return map[string]uintptr{
		"sizeof(struct fb_var_screeninfo)": unsafe.Sizeof(v), "offsetof(struct fb_var_screeninfo, xoffset)": unsafe.Offsetof(v.X),
		"offsetof(struct fb_var_screeninfo, bits_per_pixel)": unsafe.Offsetof(v.Bits), "offsetof(struct fb_var_screeninfo, red)": unsafe.Offsetof(v.Red),
		"offsetof(struct fb_var_screeninfo, green)": unsafe.Offsetof(v.Green), "offsetof(struct fb_var_screeninfo, blue)": unsafe.Offsetof(v.Blue),
		"offsetof(struct fb_var_screeninfo, activate)": unsafe.Offsetof(v.Activate),
		"sizeof(struct fb_fix_screeninfo)":             unsafe.Sizeof(x), "offsetof(struct fb_fix_screeninfo, visual)": unsafe.Offsetof(x.Visual),
		"offsetof(struct fb_fix_screeninfo, line_length)": unsafe.Offsetof(x.Stride),
		"FBIOGET_VSCREENINFO":                             getVariable, "FBIOPUT_VSCREENINFO": putVariable, "FBIOGET_FSCREENINFO": getFixed,
		"KDSETMODE": setMode, "KD_GRAPHICS": graphics,
		"FB_ACTIVATE_NOW | FB_ACTIVATE_FORCE": activateNow,
	}
}
