package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
)

// taskAnswer is what a server says of a task.
type taskAnswer struct {
	TaskID, Status, StatusMessage string
	Result                        struct{ Content []struct{ Text string } }
	Error                         struct{ Message string }
}

// sendTask sends a request of a client that takes tasks. Of params, the first is also what Mcp-Name
// says.
func sendTask(t *testing.T, url, method string, params ...any) *http.Response {
	t.Helper()
	all := map[string]any{"_meta": map[string]any{
		"io.modelcontextprotocol/protocolVersion": "2026-07-28",
		"io.modelcontextprotocol/clientCapabilities": map[string]any{
			"elicitation": map[string]any{},
			"extensions":  map[string]any{"io.modelcontextprotocol/tasks": map[string]any{}},
		},
	}}
	for i := 0; i < len(params); i += 2 {
		all[params[i].(string)] = params[i+1]
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": all})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": fmt.Sprint(params[1]),
	} {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// askTask sends a request and returns what the server says of a task.
func askTask(t *testing.T, url, method string, params ...any) taskAnswer {
	t.Helper()
	resp := sendTask(t, url, method, params...)
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	data := text.String()
	if _, event, found := strings.Cut(data, "data: "); found {
		data = event
	}
	var m struct {
		Result *taskAnswer
		Error  json.RawMessage
	}
	if err := json.Unmarshal([]byte(data), &m); err != nil || m.Result == nil {
		t.Fatalf("%s: %v: %s", method, err, text.String())
	}
	return *m.Result
}

// bake begins a task of that many loaves, each of which takes so long, and returns its ID.
func bake(t *testing.T, url string, loaves int, seconds float64) string {
	t.Helper()
	arguments := map[string]any{"loaves": loaves, "seconds": seconds}
	return askTask(t, url, "tools/call", "name", "bake", "arguments", arguments).TaskID
}

// untilTask asks for a task until it is as it should be.
func untilTask(t *testing.T, url, id, what string, is func(taskAnswer) bool) (got taskAnswer) {
	t.Helper()
	testkit.Eventually(t, "the task is "+what, func() bool {
		got = askTask(t, url, "tasks/get", "taskId", id)
		return is(got)
	})
	return got
}

func has(status string) func(taskAnswer) bool {
	return func(a taskAnswer) bool { return a.Status == status }
}

func TestTasksOfProcessesThatShareARedis(t *testing.T) {
	redis, binary := startRedis(t), buildTasks(t)
	start := func(t *testing.T, args ...string) *tasksProcess {
		return startTasks(t, binary, append([]string{"-redis", redis}, args...)...)
	}
	t.Run("each answers, and cancels", func(t *testing.T) {
		a, b := start(t), start(t)
		short, long := bake(t, a.url, 3, 0.01), bake(t, a.url, 1000, 0.1)
		done := untilTask(t, b.url, short, "completed", has("completed"))
		if text := done.Result.Content[0].Text; text != "3 loaves are ready" {
			t.Errorf("the other process gives %q", text)
		}
		untilTask(t, b.url, long, "getting on", gettingOn)
		askTask(t, b.url, "tasks/cancel", "taskId", long)
		untilTask(t, b.url, long, "cancelled", has("cancelled"))
		if got := askTask(t, a.url, "tasks/get", "taskId", long); got.Status != "cancelled" {
			t.Errorf("where it ran it is %s", got.Status)
		}
		log := taskEvents(t, strings.TrimSuffix(b.url, "/mcp")+"/events?session="+short, "completed")
		if log != "working progress progress progress completed" {
			t.Errorf("its log has %s", log)
		}
	})
	t.Run("each tells of what another does", func(t *testing.T) {
		a, b := start(t), start(t)
		id := bake(t, a.url, 5, 0.05)
		resp := sendTask(t, b.url, "subscriptions/listen", "notifications", map[string]any{"taskIds": []string{id}})
		defer resp.Body.Close()
		var told []string
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			var m struct {
				Method string
				Params struct{ Status string }
			}
			data, is := strings.CutPrefix(lines.Text(), "data: ")
			if is && json.Unmarshal([]byte(data), &m) == nil {
				told = append(told, strings.TrimSpace(m.Method+" "+m.Params.Status))
			}
		}
		if n := len(told); n < 3 || told[0] != "notifications/subscriptions/acknowledged" ||
			told[n-2] != "notifications/tasks completed" || told[n-1] != "" {
			t.Errorf("a listener hears %q", told)
		}
	})
	t.Run("the tasks of a killed one fail after its lease", func(t *testing.T) {
		a, b := start(t, "-lease", "5s"), start(t)
		short, long := bake(t, a.url, 1, 0.01), bake(t, a.url, 1000, 0.1)
		untilTask(t, b.url, short, "completed", has("completed"))
		untilTask(t, b.url, long, "getting on", gettingOn)
		if err := a.process.Kill(); err != nil {
			t.Fatal(err)
		}
		wantGone(t, untilTask(t, b.url, long, "failed", has("failed")))
		if got := askTask(t, b.url, "tasks/get", "taskId", short); got.Status != "completed" {
			t.Errorf("what was done is %s", got.Status)
		}
	})
	t.Run("one that is paused for too long has lost its tasks, and goes on", func(t *testing.T) {
		a, b := start(t, "-lease", "5s"), start(t)
		long := bake(t, a.url, 1000, 0.1)
		if err := a.process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		wantGone(t, untilTask(t, b.url, long, "failed", has("failed")))
		if err := a.process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		wantGone(t, askTask(t, a.url, "tasks/get", "taskId", long))
		untilTask(t, b.url, bake(t, a.url, 1, 0.01), "completed", has("completed"))
	})
	t.Run("the client of the SDK for TypeScript", func(t *testing.T) {
		typeScriptGoesOn(t, start(t, "-conformance"), start(t, "-conformance"))
	})
	t.Run("the client of the SDK for Go", func(t *testing.T) {
		goGoesOn(t, start(t, "-conformance"), start(t, "-conformance"))
	})
	t.Run("clients of both eras at one URL", func(t *testing.T) { bothEras(t, start(t).url) })
	t.Run("the tasks of one that is shut down fail at once", func(t *testing.T) {
		a, b := start(t, "-patience", "10ms"), start(t)
		long := bake(t, a.url, 1000, 0.1)
		if err := a.terminate(); err != nil {
			t.Error(err)
		}
		got := askTask(t, b.url, "tasks/get", "taskId", long)
		if got.Status != "failed" || !strings.Contains(got.StatusMessage, "shutting down") {
			t.Errorf("%+v", got)
		}
	})
}

// taskEvents follows an event stream up to an event of a type, and returns the types of all.
func taskEvents(t *testing.T, url, last string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var types []string
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if typ, is := strings.CutPrefix(lines.Text(), "event: "); is {
			if types = append(types, typ); typ == last {
				break
			}
		}
	}
	return strings.Join(types, " ")
}

func gettingOn(a taskAnswer) bool { return a.StatusMessage != "" }

// wantGone fails unless a task has failed because its process has gone.
func wantGone(t *testing.T, got taskAnswer) {
	t.Helper()
	if want := "the process that ran the task has gone"; got.StatusMessage != want || got.Error.Message != want {
		t.Errorf("%+v", got)
	}
}
