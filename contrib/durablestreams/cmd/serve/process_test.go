package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit/npm"
)

// A process is a server that runs for itself.
type process struct {
	cmd *exec.Cmd
	url string // without a slash at its end
}

// startProcess runs a server that prints its URL first and ends with its standard input or a kill.
func startProcess(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if at := strings.Index(line, "http://"); err != nil || at < 0 {
		t.Fatalf("%s printed %q, %v", cmd.Path, line, err)
	} else {
		p.url = strings.TrimRight(line[at:], "/\n")
	}
	return p
}

// kill ends the process as a crash would, and waits for that. It may be called more than once.
func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// processorTime is what the process has used so far, of all processors together (Linux).
func (p *process) processorTime() (time.Duration, error) {
	const ticks = 100 // a second, on every Linux that Go runs on
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// Behind the program's name, which may contain anything, utime and stime are fields 12 and 13.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks, err
}

// build returns the program of this folder.
func build(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "serve")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

func reprise(t testing.TB, program string, args ...string) *process {
	return startProcess(t, exec.Command(program, append([]string{"-addr", "127.0.0.1:0"}, args...)...))
}

// nodeServer is the protocol authors' own server, in memory.
func nodeServer(t testing.TB) *process {
	return startProcess(t, npm.Node(t, "testdata/server.mjs"))
}
