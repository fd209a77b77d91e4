package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A row of the table: what was measured, what came out, what is demanded ("" for nothing) and
// whether that holds.
type row struct{ what, measured, demanded, holds string }

// figure is a row of which nothing is demanded.
func figure(what, measured string) row { return row{what, measured, "", ""} }

// atMost is a row with a bound, in the unit that is printed.
func atMost(what string, v, limit float64, unit string) row {
	return row{what, number(v) + unit, "at most " + number(limit) + unit, met(v <= limit)}
}

// aim is atMost with a lower bound that should hold as well.
func aim(what string, v, limit, better float64, unit string) row {
	r := atMost(what, v, limit, unit)
	r.demanded += ", aim " + number(better) + unit
	if v <= better {
		r.holds += ", and the aim"
	}
	return r
}

// exactly is a row with a figure that there is no leeway for.
func exactly(what string, v, want float64) row {
	return row{what, number(v), number(want), met(v == want)}
}

func met(holds bool) string {
	if holds {
		return "met"
	}
	return "MISSED"
}

// number prints three significant digits, and all digits of larger numbers, in groups of three.
func number(v float64) string {
	switch {
	case v != v:
		return "not measured"
	case v >= 1000:
		s := strconv.FormatFloat(v, 'f', 0, 64)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	case v >= 100 || v == float64(int(v)):
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

// nanoseconds prints a duration in a unit that suits it.
func nanoseconds(v float64) string {
	switch {
	case v >= 1e9:
		return number(v/1e9) + " s"
	case v >= 1e6:
		return number(v/1e6) + " ms"
	case v >= 10e3:
		return number(v/1e3) + " µs"
	}
	return number(v) + " ns"
}

// series prints one figure for each of several sizes.
func series(of []int, at func(n int) float64) string {
	var s []string
	for _, n := range of {
		s = append(s, number(at(n)))
	}
	return strings.Join(s, " / ")
}

// short prints 1000 as 1k and 1000000 as 1M.
func short(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return strconv.Itoa(n/1_000_000) + "M"
	case n >= 1000 && n%1000 == 0:
		return strconv.Itoa(n/1000) + "k"
	}
	return strconv.Itoa(n)
}

func shorts(of []int) string {
	var s []string
	for _, n := range of {
		s = append(s, short(n))
	}
	return strings.Join(s, " / ")
}

// table is Markdown, with columns as wide as what is in them.
func table(rows []row) string {
	cells := [][]string{{"what", "measured", "demanded", "holds"}}
	for _, r := range rows {
		cells = append(cells, []string{r.what, r.measured, r.demanded, r.holds})
	}
	width := make([]int, len(cells[0]))
	for _, c := range cells {
		for i, text := range c {
			width[i] = max(width[i], len([]rune(text)))
		}
	}
	var b strings.Builder
	for n, c := range cells {
		for i, text := range c {
			fmt.Fprintf(&b, "| %-*s ", width[i], text)
		}
		b.WriteString("|\n")
		for i := range c {
			if n == 0 {
				b.WriteString("|" + strings.Repeat("-", width[i]+2))
			}
		}
		if n == 0 {
			b.WriteString("|\n")
		}
	}
	return b.String()
}

// circumstances describe the run in a sentence or two.
func circumstances(quick bool, note string) string {
	s := fmt.Sprintf(
		"%s, %s, %d processors, %s",
		time.Now().UTC().Format("2 January 2006"),
		processor(),
		runtime.GOMAXPROCS(0),
		runtime.Version(),
	)
	if rev, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output(); err == nil {
		s += ", Reprise at " + strings.TrimSpace(string(rev))
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		s += ", load average " + strings.Fields(string(load))[0] + " before"
	}
	if note != "" {
		s += "; " + note
	}
	if quick {
		s += "; **a quick run, with smaller sizes than are demanded**"
	}
	return s + "."
}

func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.Trim(name, " \t:\n")
		}
	}
	return runtime.GOARCH
}
