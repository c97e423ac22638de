// Package mpv puts approved clips on the output through one long-lived, supervised mpv, spoken to in JSON over a
// private socket pair. A Player repeats a media.Programme without a gap, brings the picture back when mpv dies or
// hangs, and reports what was seen on the output. It can write the gate's name over the picture and take a screenshot.
// Text items are set in lines here and drawn by libass from four pinned fonts.
package mpv
