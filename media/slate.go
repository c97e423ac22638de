package media

import _ "embed"

// The picture is plain on purpose: no text that could be wrong, no emblem that could be misused, nothing that looks
// like a fault. It was made by ImageMagick:
//
//	convert -size 1920x1080 -depth 8 gradient:'#12324a'-'#1d4c6b' -dither None \
//	    -define png:compression-level=9 -define png:exclude-chunks=all -strip slate.png
//
//go:embed slate.png
var slate string

// SlateSHA256 is the hash of SlatePNG in lower-case hex.
const SlateSHA256 = "a15a3dfd670e79abd89fed91b0912c5c00a0f6702939d65cfa47d98b6dd7d850"

// SlatePNG is the safe picture that is part of the program: a PNG of 1920 x 1080, a few kilobytes. The caller may keep
// and change the slice.
func SlatePNG() []byte { return []byte(slate) }
