package main

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"math"
	"regexp"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"lameduck/bench/matrix/record"
)

// The colours are distinguishable by colour-blind people (after Okabe and Ito), and in
// black-and-white print by their lightness.
var (
	ink      = color.NRGBA{0x1b, 0x1f, 0x24, 0xff}
	muted    = color.NRGBA{0x57, 0x60, 0x6a, 0xff}
	faint    = color.NRGBA{0xd0, 0xd7, 0xde, 0xff}
	shade    = color.NRGBA{0xee, 0xf1, 0xf5, 0xff}
	blue     = color.NRGBA{0x00, 0x72, 0xb2, 0xff}
	sky      = color.NRGBA{0x56, 0xb4, 0xe9, 0xff}
	red      = color.NRGBA{0xd5, 0x5e, 0x00, 0xff} // vermillion, for losses
	orange   = color.NRGBA{0xe6, 0x9f, 0x00, 0xff}
	purple   = color.NRGBA{0xaa, 0x4a, 0x8a, 0xff}
	grey     = color.NRGBA{0x8c, 0x95, 0x9f, 0xff}
	darkGrey = color.NRGBA{0x57, 0x60, 0x6a, 0xff}
)

// colourOf returns the colour of a family of strategies.
func colourOf(f record.Family) color.Color {
	switch f {
	case record.Lameduck:
		return blue
	case record.Fixed:
		return sky
	case record.Sleep:
		return orange
	case record.Peer:
		return purple
	case record.Graceful:
		return grey
	}
	return darkGrey
}

// A figure is a picture that is being drawn. Lengths are CSS pixels from the lower left corner.
type figure struct {
	draw.Canvas
	svg           *vgsvg.Canvas
	width, height vg.Length
}

func newFigure(width, height vg.Length) figure {
	// The fonts determine the width of texts. They are as wide as Arial and Helvetica.
	plot.DefaultFont = font.Font{Typeface: "Liberation", Variant: "Sans"}
	svg := vgsvg.NewWith(vgsvg.UseWH(width, height))
	f := figure{draw.New(svg), svg, width, height}
	f.box(0, 0, width, height, color.White)
	return f
}

// textStyle returns the style of text of the given size that starts at its point.
func textStyle(size vg.Length, c color.Color) text.Style {
	return text.Style{
		Color: c, Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign: text.XLeft, YAlign: text.YBottom, Handler: text.Plain{Fonts: font.DefaultCache},
	}
}

func bold(s text.Style) text.Style {
	s.Font.Weight = xfont.WeightBold
	return s
}

func (f figure) write(x, y vg.Length, s text.Style, words string) {
	f.FillText(s, vg.Point{X: x, Y: y}, words)
}

func (f figure) box(x0, y0, x1, y1 vg.Length, c color.Color) {
	f.FillPolygon(c, []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}})
}

func (f figure) line(x0, y0, x1, y1, width vg.Length, c color.Color, dashes ...vg.Length) {
	f.StrokeLine2(draw.LineStyle{Color: c, Width: width, Dashes: dashes}, x0, y0, x1, y1)
}

var (
	svgStart   = regexp.MustCompile(`(?s)^.*?<svg[^>]*>`)
	fontFamily = regexp.MustCompile(`font-family:Liberation Sans;font-variant:normal;`)
)

// finish returns the picture as SVG with an alternative text.
func (f figure) finish(alt string) string {
	var b bytes.Buffer
	f.svg.WriteTo(&b) // cannot fail in memory
	start := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" `+
		`role="img" aria-label="%s">`, f.width, f.height, f.width, f.height, html.EscapeString(alt))
	s := start + svgStart.ReplaceAllString(b.String(), "")
	s = strings.ReplaceAll(s, "font-weight:normal;font-style:normal;", "")
	s = strings.ReplaceAll(s, "font-style:normal;", "")
	return fontFamily.ReplaceAllString(s, "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;")
}

// inline returns the picture for an HTML page, where it needs no namespace.
func inline(svg string) string {
	return strings.Replace(svg, ` xmlns="http://www.w3.org/2000/svg"`, "", 1)
}

// A scale maps values to lengths.
type scale struct {
	from, to float64
	at, end  vg.Length
}

func (s scale) of(v float64) vg.Length {
	v = min(max(v, s.from), s.to)
	return s.at + vg.Length((v-s.from)/(s.to-s.from))*(s.end-s.at)
}

// roundStep returns the smallest of 1, 2 and 5 times a power of ten that is at least v.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= v*(1-1e-9) {
			return m * power
		}
	}
	return 10 * power
}
