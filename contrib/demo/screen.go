package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// screen is where the user reads: a terminal, or a file or pipe that gets plain lines. One
// goroutine at a time uses it.
type screen struct {
	io.Writer
	live   bool // a terminal that can redraw a line
	colour bool
}

func newScreen(f *os.File) *screen {
	live := term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
	return &screen{f, live, live && os.Getenv("NO_COLOR") == ""}
}

const (
	bold  = "1"
	green = "32"
	red   = "31"
)

func (s *screen) paint(style, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

func (s *screen) title(number, text string) {
	fmt.Fprintf(s, "\n%s\n\n", s.paint(bold, number+"  "+text))
}

// row is one line of a table: what, how much, and what it means.
type row struct{ name, value, note string }

// table prints rows with their values aligned right.
func (s *screen) table(rows []row) {
	names, values := 0, 0
	for _, r := range rows {
		names, values = max(names, len(r.name)), max(values, width(r.value))
	}
	for _, r := range rows {
		line := fmt.Sprintf(
			"   %-*s  %s%s  %s",
			names,
			r.name,
			strings.Repeat(" ", values-width(r.value)),
			r.value,
			r.note,
		)
		fmt.Fprintln(s, strings.TrimRight(line, " "))
	}
}

func width(text string) int { return len([]rune(text)) }

// verdict ends a part.
func (s *screen) verdict(err error, text string) {
	if err != nil {
		fmt.Fprintf(s, "\n   %s %v\n", s.paint(red, "✗"), err)
		return
	}
	fmt.Fprintf(s, "\n   %s %s\n", s.paint(green, "✓"), text)
}

// progress shows how far a part is: a bar that redraws itself, or a plain line each second.
type progress struct {
	out    *screen
	bar    *progressbar.ProgressBar
	period time.Duration // between two updates
	last   time.Time     // when the last one was
}

func (s *screen) progress(total int64) *progress {
	if !s.live {
		return &progress{out: s, period: time.Second, last: time.Now()}
	}
	return &progress{out: s, period: 50 * time.Millisecond, bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(s.Writer),
		progressbar.OptionSetWidth(30),
		progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░"}),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
	)}
}

// set tells how much of the total is done, and says it in words.
func (p *progress) set(done int64, text string) {
	now := time.Now()
	if now.Sub(p.last) < p.period {
		return
	}
	p.last = now
	if p.bar == nil {
		fmt.Fprintln(p.out, "   "+text)
		return
	}
	p.bar.Describe(text)
	p.bar.Set64(done)
}

func (p *progress) end() {
	if p.bar == nil {
		fmt.Fprintln(p.out)
		return
	}
	p.bar.Clear()
}

// grouped writes n with a comma before every three digits.
func grouped(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && digits[i-1] != '-' && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// short writes a duration with three digits, give or take: 312 ns, 12.4 µs, 3.20 s.
func short(d time.Duration) string {
	switch f := float64(d); {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f µs", f/1e3)
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", f/1e6)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
