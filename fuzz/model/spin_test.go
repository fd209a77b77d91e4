//go:build model

package model

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A run is one exhaustive search through a model.
type run struct {
	name     string
	file     string
	defines  string // of the model, such as "WRITERS=3 READERS=0"
	livelock bool   // look for executions without end instead of assertions that do not hold and writers that block
}

// A result is what pan reports.
type result struct {
	errors  int
	what    string // the first error
	states  float64
	depth   int
	seconds float64
	memory  float64         // MiB
	lines   map[string]bool // of the model that were compiled in; true: that were reached
	output  string
	trail   func() string // the last steps to the error
}

const memoryLimit = 1900 // MiB, of one of two searches at a time

// places bounds how many searches run at once: two, for the sake of memory.
var places = make(chan struct{}, 2)

// search lets spin make a verifier of the model's text, and runs it. Optimizing takes longer than a
// short search.
func (r run) search(t *testing.T, text, optimize string) (res result) {
	t.Helper()
	places <- struct{}{}
	defer func() { <-places }()
	for _, tool := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: on Debian, apt-get install spin gcc libc6-dev", err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, r.file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	spin := []string{"-a"}
	for _, d := range strings.Fields(r.defines) {
		spin = append(spin, "-D"+d)
	}
	command(t, dir, "spin", append(spin, r.file)...)
	cc, pan := []string{optimize, "-w", "-DCOLLAPSE", "-DNOFAIR", fmt.Sprint("-DMEMLIM=", memoryLimit)},
		[]string{"-m100000"}
	if r.livelock {
		cc, pan = append(cc, "-DNP"), append(pan, "-l")
	} else {
		cc = append(cc, "-DSAFETY")
	}
	command(t, dir, "gcc", append(cc, "-o", "pan", "pan.c")...)
	began := time.Now()
	res.output = command(t, dir, "./pan", pan...)
	res.seconds = time.Since(began).Seconds()
	res.parse(t, r.file, command(t, dir, "./pan", "-d"))
	res.trail = func() string {
		args := append([]string{"-k", r.file + ".trail", "-t", "-p"}, spin[1:]...)
		cmd := exec.Command("spin", append(args, r.file)...)
		cmd.Dir = dir
		out, _ := cmd.CombinedOutput() // its exit status tells that the error is there again
		steps := strings.Split(string(out), "\n")
		return strings.Join(steps[max(0, len(steps)-200):], "\n")
	}
	return res
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	return string(out)
}

var (
	summary   = regexp.MustCompile(`depth reached (\d+), errors: (\d+)`)
	stored    = regexp.MustCompile(`(\S+) states, stored`)
	memory    = regexp.MustCompile(`(\S+)\ttotal actual memory`)
	firstPan  = regexp.MustCompile(`(?m)^pan:1: (.*)`)
	compiled  = regexp.MustCompile(`(?m)^\tstate +(\d+) .*\.pml:(\d+) => (.*)$`)
	unreached = regexp.MustCompile(`(?m)^\t\S+\.pml:(\d+), state (\d+), `)
	stopped   = regexp.MustCompile(
		`(?m)^(Warning: Search not completed|pan: reached|error: max search depth.*|pan: out of memory.*)`,
	)
)

func (res *result) parse(t *testing.T, file, states string) {
	t.Helper()
	m := summary.FindStringSubmatch(res.output)
	if m == nil {
		t.Fatalf("pan says\n%s", res.output)
	}
	res.depth, _ = strconv.Atoi(m[1])
	res.errors, _ = strconv.Atoi(m[2])
	if m := stored.FindStringSubmatch(res.output); m != nil {
		res.states, _ = strconv.ParseFloat(m[1], 64)
	}
	if m := memory.FindStringSubmatch(res.output); m != nil {
		res.memory, _ = strconv.ParseFloat(m[1], 64)
	}
	if m := firstPan.FindStringSubmatch(res.output); m != nil {
		res.what = m[1]
	}
	if m := stopped.FindString(res.output); m != "" && res.errors == 0 {
		t.Fatalf("the search is not complete: %s\n%s", m, res.output)
	}
	// The states of one process type follow each other, so that the numbers of several types are
	// told apart by their lines.
	missed := map[string]bool{}
	for _, m := range unreached.FindAllStringSubmatch(res.output, -1) {
		missed[m[1]+" "+m[2]] = true
	}
	res.lines = map[string]bool{}
	for _, m := range compiled.FindAllStringSubmatch(states, -1) {
		if strings.Contains(m[3], "-end-") {
			continue
		}
		line := file + ":" + m[2]
		res.lines[line] = res.lines[line] || !missed[m[2]+" "+m[1]]
	}
}

func (res result) String() string {
	return fmt.Sprintf("%11.0f states  depth %5d  %6.1f s  %5.0f MiB", res.states, res.depth, res.seconds, res.memory)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
