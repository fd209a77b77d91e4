package interop

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/contrib/gosdk/tasks"
	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/internal/testkit"
)

const tasksDir = "INTEROP_TASKS_DIR" // where a server of tasks keeps them

func TestTasksOnADiskOutliveTheProcess(t *testing.T) {
	dir := t.TempDir()
	var short, long, asking string
	run := func(name string, use func(t *testing.T, url string)) {
		t.Run(name, func(t *testing.T) {
			url, kill := startDiskTasks(t, dir)
			defer kill()
			use(t, url)
		})
	}
	run("one process", func(t *testing.T, url string) {
		short, long = bakeOnDisk(t, url, "quick"), bakeOnDisk(t, url, "long")
		asking = bakeOnDisk(t, url, "asks")
		untilTask(t, url, short, "completed", has("completed"))
		untilTask(t, url, asking, "input_required", has("input_required"))
	})
	run("the next one", func(t *testing.T, url string) {
		got := askTask(t, url, "tasks/get", "taskId", short)
		if got.Status != "completed" || got.Result.Content[0].Text != "done" {
			t.Errorf("%+v", got)
		}
		for _, id := range []string{long, asking} {
			wantGone(t, untilTask(t, url, id, "failed", has("failed")))
		}
	})
	run("the one after that", func(t *testing.T, url string) {
		wantGone(t, askTask(t, url, "tasks/get", "taskId", long))
	})
}

func bakeOnDisk(t *testing.T, url, tool string) string {
	t.Helper()
	return askTask(t, url, "tools/call", "name", tool, "arguments", map[string]any{}).TaskID
}

// startDiskTasks runs this test program as a server of tasks, until kill.
func startDiskTasks(t *testing.T, dir string) (url string, kill func()) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestDiskTasks$")
	command.Env = append(os.Environ(), tasksDir+"="+dir)
	command.Stderr = os.Stderr
	testkit.EndWithUs(command)
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	kill = func() {
		command.Process.Kill()
		io.Copy(io.Discard, stdout)
		command.Wait()
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		kill()
		t.Fatalf("the server says nothing: %v", err)
	}
	return strings.TrimSpace(line), kill
}

// TestDiskTasks is what startDiskTasks runs: a server of tasks, until it is killed.
func TestDiskTasks(t *testing.T) {
	dir := os.Getenv(tasksDir)
	if dir == "" {
		return // run with the others it has nothing to test
	}
	store, err := pebble.Open(dir, pebble.Config{})
	if err != nil {
		t.Fatal(err)
	}
	extension, err := tasks.New(store, tasks.Config{Lease: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "interop", Version: "1"}, nil)
	if err := extension.Install(server); err != nil {
		t.Fatal(err)
	}
	for name, work := range map[string]func(context.Context) error{
		"quick": func(context.Context) error { return nil },
		"long":  func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) },
		"asks": func(ctx context.Context) error {
			_, err := tasks.FromContext(ctx).Input(ctx, mcp.InputRequestMap{"q": &mcp.ElicitParams{Message: "?"}})
			return err
		},
	} {
		tool := func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "done"}}}, nil, work(ctx)
		}
		mcp.AddTool(server, &mcp.Tool{Name: name}, tasks.Tool(tool, tasks.Options{}))
	}
	stateless := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true})
	listener := testkit.Listen(t)
	fmt.Printf("http://%s\n", listener.Addr())
	if err := http.Serve(listener, extension.Handler(stateless)); !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}
