package interop

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
)

// buildTasks builds the tasks example and returns where it is.
func buildTasks(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "tasks")
	build := exec.Command(program(t, "go", "golang"), "build", "-o", binary, "./tasks")
	build.Dir = "../examples"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the tasks example: %v\n%s", err, out)
	}
	return binary
}

// A tasksProcess is the tasks example, run as a program.
type tasksProcess struct {
	url       string
	process   *os.Process
	terminate func() error // shuts it down, and waits until it has ended
}

func startTasks(t *testing.T, binary string, args ...string) *tasksProcess {
	t.Helper()
	command := exec.Command(binary, append([]string{"-addr", "127.0.0.1:0"}, args...)...)
	testkit.EndWithUs(command)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	p := &tasksProcess{process: command.Process}
	p.terminate = sync.OnceValue(func() error {
		command.Process.Signal(syscall.SIGTERM)
		io.Copy(io.Discard, out)
		return command.Wait()
	})
	t.Cleanup(func() { p.terminate() })
	line, err := bufio.NewReader(out).ReadString('\n')
	found := regexp.MustCompile(`on (http://\S+)`).FindStringSubmatch(line)
	if err != nil || found == nil {
		t.Fatalf("the tasks example says %q: %v", line, err)
	}
	p.url = found[1]
	return p
}

// What the suite has for the tasks extension, but tasks-status-notifications, which it skips
// itself. Each scenario names what it must have seen.
func TestTheConformanceSuitesTasksScenariosPass(t *testing.T) {
	server := startTasks(t, buildTasks(t), "-conformance")
	for scenario, wanted := range map[string]string{
		"tasks-lifecycle":              "sep-2663-cancel-ack-empty-result",
		"tasks-wire-fields":            "tasks-no-early-ttl-expiry",
		"tasks-capability-negotiation": "sep-2663-tasks-methods-non-declaring",
		"tasks-dispatch-and-envelope":  "sep-2663-durable-create-strong-consistency",
		"tasks-request-headers":        "sep-2663-server-rejects-mismatched-mcp-name-on-tasks-get",
		"tasks-mrtr-input":             "tasks-mrtr-partial-fulfillment",
		"tasks-mrtr-composition":       "sep-2663-mrtr-synchronous-before-task-creation",
		"tasks-required-task-error":    "sep-2663-server-returns-missing-capability-data-shape",
		"tasks-request-state-removal":  "tasks-get-detailed-no-request-state",
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel() // most of the time they wait
			wantConformance(t, conformance(t, server.url, "2026-07-28", scenario), wanted, "wire-schema-valid")
		})
	}
}
