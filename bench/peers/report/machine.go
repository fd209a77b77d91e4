package report

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/reprise-go/reprise/bench/peers"
)

// Machine describes where it was measured, with a line for each fact. What cannot be found out is
// left out.
func Machine() []string {
	lines := []string{
		fmt.Sprintf(
			"%s, %d processors, %s of memory, %s",
			or(field("/proc/cpuinfo", "model name"), runtime.GOARCH),
			runtime.NumCPU(),
			or(gibibytes(field("/proc/meminfo", "MemTotal")), "an unknown amount"),
			or(kernel(), runtime.GOOS),
		),
		fmt.Sprintf(
			"%s, GOMAXPROCS %d, GOGC %s",
			runtime.Version(),
			runtime.GOMAXPROCS(0),
			or(os.Getenv("GOGC"), "100"),
		),
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		lines = append(lines, "load average before the first run: "+strings.Join(strings.Fields(string(load))[:3], " ")+
			" (on an idle machine below 0.5; otherwise trust the spreads only)")
	}
	if rev := revision(); rev != "" {
		lines = append(lines, "Reprise at commit "+rev)
	}
	return append(lines, Modules()...)
}

// Modules names the versions of what Reprise is compared with.
func Modules() (lines []string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	released := make(map[string]bool)
	for _, c := range peers.All() {
		released[c.Module] = c.Released()
	}
	for _, m := range info.Deps {
		if released[m.Path] {
			lines = append(lines, m.Path+" "+m.Version)
		}
	}
	return lines
}

// field returns the value of the first line that begins with name, in one of Linux's files of names
// and values.
func field(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, _ := strings.Cut(s.Text(), ":"); strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func gibibytes(kB string) string {
	var n float64
	if _, err := fmt.Sscanf(kB, "%f kB", &n); err != nil {
		return ""
	}
	return fmt.Sprintf("%.0f GiB", n/(1<<20))
}

func kernel() string {
	b, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return ""
	}
	return "Linux " + strings.TrimSpace(string(b))
}

// revision is the commit that is checked out, with a plus when files differ from it.
func revision() string {
	rev, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return ""
	}
	r := strings.TrimSpace(string(rev))
	if changes, err := exec.Command("git", "status", "--porcelain").Output(); err == nil && len(changes) > 0 {
		r += "+"
	}
	return r
}
