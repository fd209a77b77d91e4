// Package chart draws what cmd/compare has measured, one SVG file for each measure.
package chart

import (
	"bytes"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/reprise-go/reprise/bench/peers/report"
)

// A Chart shows one measure of several contestants, a line for each, on a logarithmic axis: the
// median as a mark and the spread as a bar.
type Chart struct {
	File   string // its name, without a directory
	Title  string
	Format func(v float64) string // a value with its unit
	Points []Point
}

// A Point is one contestant's figure.
type Point struct {
	Name   string
	Figure report.Figure
	Kind   Kind
}

// Kind says how a contestant is marked: by shape as well as by colour.
type Kind uint8

const (
	Peer   Kind = iota // a hollow circle
	ByHand             // a triangle
	Ours               // a filled square
)

var looks = map[Kind]draw.GlyphStyle{
	Peer:   {Color: color.RGBA{90, 90, 90, 255}, Radius: vg.Points(4), Shape: draw.RingGlyph{}},
	ByHand: {Color: color.RGBA{160, 80, 0, 255}, Radius: vg.Points(5), Shape: draw.PyramidGlyph{}},
	Ours:   {Color: color.RGBA{0, 70, 170, 255}, Radius: vg.Points(4), Shape: draw.BoxGlyph{}},
}

// Write draws the chart into a file of the directory.
func (c Chart) Write(dir string) error {
	svg, err := c.svg()
	if err != nil {
		return fmt.Errorf("chart %s: %w", c.File, err)
	}
	return os.WriteFile(filepath.Join(dir, c.File), svg, 0o644)
}

func (c Chart) svg() ([]byte, error) {
	points := slices.SortedFunc(slices.Values(c.Points), func(a, b Point) int {
		return -compare(a.Figure.Median, b.Figure.Median) // the axis goes up, and the least is to be at the top
	})
	p := plot.New()
	p.BackgroundColor = nil
	p.Title.Text = c.Title
	for _, style := range []*draw.TextStyle{&p.Title.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		style.Font.Variant, style.Font.Size = "Sans", vg.Points(10)
	}
	p.Title.TextStyle.Font.Size = vg.Points(12)
	p.Title.Padding = vg.Points(8)
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = ticks(c.Format)
	grid := plotter.NewGrid()
	grid.Horizontal.Width = 0
	grid.Vertical.Color = color.Gray{220}
	p.Add(grid)
	var names []string
	p.X.Min, p.X.Max = math.Inf(1), 0
	for i, pt := range points {
		if pt.Figure.Runs == 0 || pt.Figure.Low <= 0 {
			return nil, fmt.Errorf("%s has no positive figure", pt.Name)
		}
		names = append(names, pt.Name)
		p.X.Min, p.X.Max = min(p.X.Min, pt.Figure.Low/1.3), max(p.X.Max, pt.Figure.High*1.3)
		if err := c.add(p, i, pt); err != nil {
			return nil, err
		}
	}
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.6, float64(len(points))-0.4
	p.X.Max *= math.Pow(p.X.Max/p.X.Min, 0.2) // room for the last value
	return render(p, vg.Length(len(points)))
}

// render draws a plot of so many lines. A browser that does not have the font takes one that may be
// wider: hence the margins.
func render(p *plot.Plot, lines vg.Length) ([]byte, error) {
	width, height := 18*vg.Centimeter, lines*0.65*vg.Centimeter+2.4*vg.Centimeter
	canvas := vgsvg.New(width, height)
	canvas.SetColor(color.White)
	canvas.Fill(vg.Rectangle{Max: vg.Point{X: width, Y: height}}.Path())
	p.Draw(draw.Crop(draw.New(canvas), vg.Points(14), vg.Points(-6), vg.Points(4), vg.Points(-8)))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(
		b.Bytes(),
		[]byte("font-family:Liberation Sans"),
		[]byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif"),
	), nil
}

// add draws one contestant on the line with that number.
func (c Chart) add(p *plot.Plot, line int, pt Point) error {
	f, at := pt.Figure, plotter.XYs{{X: pt.Figure.Median, Y: float64(line)}}
	mark, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	mark.GlyphStyle = looks[pt.Kind]
	bar, err := plotter.NewXErrorBars(struct {
		plotter.XYer
		plotter.XErrorer
	}{at, plotter.XErrors{{Low: f.Median - f.Low, High: f.High - f.Median}}})
	if err != nil {
		return err
	}
	bar.Color = looks[pt.Kind].Color
	value, err := plotter.NewLabels(plotter.XYLabels{
		XYs: plotter.XYs{{X: f.High, Y: float64(line)}}, Labels: []string{c.Format(f.Median)},
	})
	if err != nil {
		return err
	}
	value.Offset = vg.Point{X: vg.Points(8), Y: vg.Points(-4)}
	value.TextStyle[0].Font.Variant, value.TextStyle[0].Font.Size = "Sans", vg.Points(9)
	p.Add(bar, mark, value)
	return nil
}

// ticks are 1, 2 and 5 times the powers of ten, or the powers alone where there are many, labelled
// with their unit.
type ticks func(v float64) string

func (format ticks) Ticks(least, most float64) (t []plot.Tick) {
	steps := []float64{1, 2, 5}
	if most/least > 200 {
		steps = steps[:1]
	}
	for power := math.Pow(10, math.Floor(math.Log10(least))); power <= most; power *= 10 {
		for _, s := range steps {
			if v := power * s; v >= least && v <= most {
				t = append(t, plot.Tick{Value: v, Label: format(v)})
			}
		}
	}
	return t
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Duration prints nanoseconds in a unit that suits them.
func Duration(ns float64) string {
	switch {
	case ns >= 1e9:
		return digits(ns/1e9) + " s"
	case ns >= 1e6:
		return digits(ns/1e6) + " ms"
	case ns >= 1e3:
		return digits(ns/1e3) + " µs"
	}
	return digits(ns) + " ns"
}

// Count prints a number with k for thousands and M for millions.
func Count(n float64) string {
	switch {
	case n >= 1e6:
		return digits(n/1e6) + " M"
	case n >= 1e3:
		return digits(n/1e3) + " k"
	}
	return digits(n)
}

// Bytes prints a number of bytes.
func Bytes(n float64) string { return digits(n) + " B" }

// digits prints three significant digits.
func digits(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
