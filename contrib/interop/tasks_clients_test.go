package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/npm"
)

// typeScriptGoesOn is the client of the SDK for TypeScript, version 2. What that can do with tasks
// is said in testdata/tasks.mjs.
func typeScriptGoesOn(t *testing.T, a, b *tasksProcess) {
	client := npm.Node(t, "testdata/tasks.mjs", a.url, b.url)
	var complaints bytes.Buffer
	client.Stderr = &complaints
	out, err := client.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, complaints.String())
	}
	var seen struct {
		Declared                              bool
		Begun                                 struct{ Refused, ResultType string }
		Result, Cancelled, Question, Answered string
		Unknown                               int
	}
	if err := json.Unmarshal(out, &seen); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !seen.Declared || seen.Begun.Refused != "UNSUPPORTED_RESULT_TYPE" || seen.Begun.ResultType != "task" {
		t.Errorf("it begins a task: %+v", seen)
	}
	if seen.Result != "3 loaves are ready" || seen.Cancelled != "cancelled" || seen.Unknown != -32602 ||
		seen.Question != "elicitation/create" || seen.Answered != "x: accept, true" {
		t.Errorf("it goes on at another process: %+v", seen)
	}
}

// taskParams and taskResult are what the SDK for Go has no types for.
type taskParams struct {
	mcp.ParamsBase
	TaskID         string         `json:"taskId"`
	InputResponses map[string]any `json:"inputResponses,omitempty"`
}

type taskResult struct {
	mcp.ResultBase
	Status        string `json:"status"`
	InputRequests map[string]struct {
		Method string `json:"method"`
	} `json:"inputRequests"`
	Result mcp.CallToolResult `json:"result"`
}

// taskHeaders does for the SDK's client what it does not: it says which task a request is for, and
// keeps the handle from the response to a call, of which the SDK's result has no field.
type taskHeaders struct {
	http.RoundTripper
	handle chan string
}

func (h taskHeaders) RoundTrip(r *http.Request) (*http.Response, error) {
	method := r.Header.Get("Mcp-Method")
	if strings.HasPrefix(method, "tasks/") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		var m struct{ Params taskParams }
		if err := json.Unmarshal(body, &m); err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Header.Set("Mcp-Name", m.Params.TaskID)
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := h.RoundTripper.RoundTrip(r)
	if err != nil || method != "tools/call" {
		return resp, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	_, data, _ := bytes.Cut(text, []byte("data: "))
	var m struct{ Result struct{ TaskID string } }
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	h.handle <- m.Result.TaskID
	return resp, nil
}

// goGoesOn is the client of the SDK for Go.
func goGoesOn(t *testing.T, first, second *tasksProcess) {
	a, b := connectForTasks(t, first.url), connectForTasks(t, second.url)
	if _, has := a.InitializeResult().Capabilities.Extensions["io.modelcontextprotocol/tasks"]; !has {
		t.Errorf("the server declares %v", a.InitializeResult().Capabilities.Extensions)
	}
	bread := a.begin(t, "bake", map[string]any{"loaves": 3, "seconds": 0.01})
	long := a.begin(t, "bake", map[string]any{"loaves": 1000, "seconds": 0.1})
	asking := a.begin(t, "confirm_delete", map[string]any{"filename": "x"})
	a.Close()

	if text := textOf(b.until(t, bread, "completed").Result); text != "3 loaves are ready" {
		t.Error(text)
	}
	b.ask(t, "tasks/cancel", &taskParams{TaskID: long})
	b.until(t, long, "cancelled")
	for key, question := range b.until(t, asking, "input_required").InputRequests {
		if question.Method != "elicitation/create" {
			t.Error(question.Method)
		}
		b.ask(t, "tasks/update", &taskParams{TaskID: asking, InputResponses: map[string]any{
			key: &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": true}},
		}})
	}
	if text := textOf(b.until(t, asking, "completed").Result); text != "x: accept, true" {
		t.Error(text)
	}
	_, err := mcp.CallCustomMethod[*taskParams, *taskResult](t.Context(), b.ClientSession, "tasks/get",
		&taskParams{TaskID: "no-such-task"})
	var protocol *jsonrpc.Error
	if !errors.As(err, &protocol) || protocol.Code != jsonrpc.CodeInvalidParams {
		t.Errorf("an unknown task: %v", err)
	}
}

func textOf(result mcp.CallToolResult) string { return result.Content[0].(*mcp.TextContent).Text }

// bothEras is a client without tasks, of the protocol before, and one with them, at the same time.
func bothEras(t *testing.T, url string) {
	web := &http.Client{Transport: &http.Transport{}}
	heard := make(chan float64, 100)
	client := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, n *mcp.ProgressNotificationClientRequest) {
			heard <- n.Params.Progress
		},
	})
	earlier, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: web},
		&mcp.ClientSessionOptions{ProtocolVersion: "2025-11-25"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { earlier.Close(); web.CloseIdleConnections() })
	later := connectForTasks(t, url)
	bread := map[string]any{"loaves": 20, "seconds": 0.01}
	var both sync.WaitGroup
	both.Go(func() {
		call := &mcp.CallToolParams{Name: "bake", Arguments: bread}
		call.SetProgressToken("p")
		result, err := earlier.CallTool(t.Context(), call)
		if err != nil {
			t.Error(err)
		} else if text := textOf(*result); text != "20 loaves are ready" {
			t.Errorf("the earlier client has %q", text)
		}
	})
	done := later.until(t, later.begin(t, "bake", bread), "completed")
	if text := textOf(done.Result); text != "20 loaves are ready" {
		t.Errorf("the later client has %q", text)
	}
	both.Wait()
	for want := 1.0; want <= 20; want++ {
		if got := testkit.Await(t, "progress comes", heard); got != want {
			t.Errorf("progress %v, want %v", got, want)
		}
	}
}

// A taskClient is the SDK's client of a server with tasks.
type taskClient struct {
	*mcp.ClientSession
	handle chan string
}

func connectForTasks(t *testing.T, url string) *taskClient {
	t.Helper()
	capabilities := &mcp.ClientCapabilities{}
	capabilities.AddExtension("io.modelcontextprotocol/tasks", nil)
	client := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1"}, &mcp.ClientOptions{
		Capabilities: capabilities,
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return nil, errors.New("it is asked by tasks/get alone")
		},
	})
	for _, method := range []string{"tasks/get", "tasks/update", "tasks/cancel"} {
		if err := mcp.AddSendingCustomMethod[*taskParams, *taskResult](client, method); err != nil {
			t.Fatal(err)
		}
	}
	handle := make(chan string, 1)
	web := &http.Client{Transport: taskHeaders{&http.Transport{}, handle}}
	session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: url, HTTPClient: web},
		&mcp.ClientSessionOptions{ProtocolVersion: "2026-07-28"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close(); web.CloseIdleConnections() })
	return &taskClient{session, handle}
}

func (c *taskClient) begin(t *testing.T, tool string, arguments map[string]any) string {
	t.Helper()
	if _, err := c.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments}); err != nil {
		t.Fatal(err)
	}
	return <-c.handle
}

func (c *taskClient) ask(t *testing.T, method string, params *taskParams) *taskResult {
	t.Helper()
	got, err := mcp.CallCustomMethod[*taskParams, *taskResult](t.Context(), c.ClientSession, method, params)
	if err != nil {
		t.Fatalf("%s: %v", method, err)
	}
	return got
}

func (c *taskClient) until(t *testing.T, id, status string) (got *taskResult) {
	t.Helper()
	testkit.Eventually(t, "the task is "+status, func() bool {
		got = c.ask(t, "tasks/get", &taskParams{TaskID: id})
		return got.Status == status
	})
	return got
}
