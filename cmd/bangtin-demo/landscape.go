package main

import (
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
)

// landscape draws the sample picture: sunrise over the Seven Mountains of An Giang, rice fields, and sugar palms.
func landscape(w, h int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	horizon := 0.62
	for y := range h {
		v := float64(y) / float64(h)
		for x := range w {
			img.SetRGBA(x, y, scenery(float64(x)/float64(w), v, horizon))
		}
	}
	for _, p := range []struct{ x, size float64 }{{0.08, 0.42}, {0.17, 0.34}, {0.80, 0.30}, {0.88, 0.38}, {0.95, 0.26}} {
		palm(img, p.x, horizon+0.10, p.size)
	}
	return img
}

// scenery is the colour at u from left to right and v from top to bottom, both from 0 to 1.
func scenery(u, v, horizon float64) color.RGBA {
	if v > horizon {
		return field(u, (v-horizon)/(1-horizon))
	}
	sky := blend(color.RGBA{38, 62, 122, 255}, color.RGBA{255, 190, 120, 255}, math.Pow(v/horizon, 1.6))
	du, dv := (u-0.58)*1.78, v-0.40
	sun := math.Hypot(du, dv)
	sky = blend(sky, color.RGBA{255, 236, 190, 255}, math.Max(0, 0.75-sun*2.4))
	if sun < 0.055 {
		sky = color.RGBA{255, 244, 214, 255}
	}
	for i, far := range []float64{1, 0.55, 0.15} {
		n := float64(i)
		ridge := horizon - 0.05 - 0.10*far - 0.045*math.Sin(u*(7+3*n)+n*2.1) - 0.025*math.Sin(u*(19+5*n)+n)
		if v > ridge {
			sky = blend(color.RGBA{30, 52, 66, 255}, color.RGBA{140, 134, 160, 255}, far)
		}
	}
	return sky
}

// field is the rice, in rows that run to the horizon.
func field(u, depth float64) color.RGBA {
	row := math.Sin((u - 0.55) / (0.04 + depth) * 26)
	green := blend(color.RGBA{168, 176, 84, 255}, color.RGBA{34, 92, 46, 255}, math.Sqrt(depth))
	if row > 0.55 {
		green = blend(green, color.RGBA{240, 214, 150, 255}, 0.22*(1-depth))
	}
	return green
}

// palm draws the outline of a sugar palm (thốt nốt) standing at u, v.
func palm(img *image.RGBA, u, v, size float64) {
	b := img.Bounds()
	h := float64(b.Dy())
	foot, top := v*h, (v-size)*h
	cx, r := u*float64(b.Dx()), size*h*0.16
	dark := color.RGBA{22, 34, 30, 255}
	for y := int(top); y < int(foot); y++ {
		half := r * (0.07 + 0.05*(float64(y)-top)/(foot-top))
		for x := int(cx - half); x <= int(cx+half); x++ {
			img.SetRGBA(x, y, dark)
		}
	}
	for y := int(top - r); y < int(top+r); y++ {
		for x := int(cx - r); x < int(cx+r); x++ {
			dx, dy := (float64(x)-cx)/r, (float64(y)-top)/r
			if math.Hypot(dx, dy) < 0.72+0.26*math.Abs(math.Sin(math.Atan2(dy, dx)*9)) {
				img.SetRGBA(x, y, dark)
			}
		}
	}
}

func blend(a, b color.RGBA, t float64) color.RGBA {
	t = math.Min(1, math.Max(0, t))
	mix := func(x, y uint8) uint8 { return uint8(float64(x)*(1-t) + float64(y)*t) }
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

func writePNG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, img); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
