package tasks

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func newStore(t *testing.T, cfg shard.Config) replay.Store {
	t.Helper()
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return replay.Local(m)
}

// replica is a process with an Extension, as far as a test can have several.
type replica struct {
	*Extension
	server  *mcp.Server
	handler http.Handler
}

// user is the principal of a request.
func user(r *http.Request) string { return r.Header.Get("X-User") }

func newReplica(t *testing.T, store replay.Store, cfg Config) *replica {
	t.Helper()
	cfg.Principal = user
	x, err := New(store, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // tools that still run are stopped
		x.Close(ctx)
		<-x.idle
	})
	server := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	if err := x.Install(server); err != nil {
		t.Fatal(err)
	}
	stateless := mcp.NewStreamableHTTPHandler(
		func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, DisableLocalhostProtection: true},
	)
	return &replica{x, server, x.Handler(stateless)}
}

type tool = mcp.ToolHandlerFor[any, any]

// add adds a tool whose calls are tasks.
func (r *replica) add(name string, handler tool, o Options) {
	mcp.AddTool(r.server, &mcp.Tool{Name: name}, Tool(handler, o))
}

// A request is what a test sends.
type request struct {
	user   string
	method string
	name   string // Mcp-Name; "": the tool or the task
	params map[string]any
	caps   map[string]any // nil: the extension and elicitation
	header http.Header
}

var declared = map[string]any{"elicitation": map[string]any{}, "extensions": map[string]any{Name: map[string]any{}}}

// An answer is a response.
type answer struct {
	status int
	Result json.RawMessage
	Error  *jsonrpc.Error
}

// httpRequest is the request as it is sent.
func (q request) httpRequest(t *testing.T, url string) *http.Request {
	t.Helper()
	caps := q.caps
	if caps == nil {
		caps = declared
	}
	params := map[string]any{"_meta": map[string]any{
		mcp.MetaKeyProtocolVersion: "2026-07-28", mcp.MetaKeyClientCapabilities: caps,
		mcp.MetaKeyClientInfo: map[string]any{"name": "test", "version": "1"},
	}}
	for k, v := range q.params {
		params[k] = v
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 7, "method": q.method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	name := q.name
	for _, key := range []string{"taskId", "name"} {
		if text, ok := q.params[key].(string); ok && name == "" {
			name = text
		}
	}
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"},
		"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {q.method}, "Mcp-Name": {name}, "X-User": {q.user},
	}
	for k, v := range q.header {
		r.Header[k] = v
	}
	return r
}

// do sends a request to a replica.
func (r *replica) do(t *testing.T, q request) (a answer) {
	t.Helper()
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, q.httpRequest(t, "/"))
	a.status = w.Code
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %v: %d %q", q.method, err, w.Code, w.Body)
	}
	return a
}

// call calls a tool and returns what it answers.
func (r *replica) call(t *testing.T, user, name string, args any) answer {
	t.Helper()
	if args == nil {
		args = map[string]any{}
	}
	return r.do(t, request{user: user, method: methodCall, params: map[string]any{"name": name, "arguments": args}})
}

// begin calls a tool and returns its task.
func (r *replica) begin(t *testing.T, user, name string) info {
	t.Helper()
	return r.call(t, user, name, nil).task(t, resultTask)
}

func (a answer) task(t *testing.T, resultType string) (i info) {
	t.Helper()
	var got struct{ ResultType string }
	if a.Error != nil || json.Unmarshal(a.Result, &got) != nil || json.Unmarshal(a.Result, &i) != nil {
		t.Fatalf("%d %s, %v", a.status, a.Result, a.Error)
	}
	if got.ResultType != resultType {
		t.Fatalf("resultType %q, want %q: %s", got.ResultType, resultType, a.Result)
	}
	return i
}

// code is the code of an error, or 0.
func (a answer) code() int64 {
	if a.Error == nil {
		return 0
	}
	return a.Error.Code
}

// task asks for a task.
func (r *replica) task(t *testing.T, user, id string) info {
	t.Helper()
	return r.ask(t, user, methodGet, id, nil).task(t, resultComplete)
}

func (r *replica) ask(t *testing.T, user, method, id string, more map[string]any) answer {
	t.Helper()
	params := map[string]any{"taskId": id}
	for k, v := range more {
		params[k] = v
	}
	return r.do(t, request{user: user, method: method, params: params})
}

// until asks for a task until it has a status.
func (r *replica) until(t *testing.T, user, id, status string) (i info) {
	t.Helper()
	testkit.Eventually(t, "the task is "+status, func() bool {
		i = r.task(t, user, id)
		return i.Status == status
	})
	return i
}

func textResult(format string, args ...any) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprintf(format, args...)}}}
}

// textOf is the text of a result, and whether it is an error.
func textOf(t *testing.T, data json.RawMessage) (string, bool) {
	t.Helper()
	var r mcp.CallToolResult
	if err := json.Unmarshal(data, &r); err != nil || len(r.Content) != 1 {
		t.Fatalf("%v: %s", err, data)
	}
	return r.Content[0].(*mcp.TextContent).Text, r.IsError
}

// untilDone is a tool that works until its context ends, and says why it did.
func untilDone(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
	<-ctx.Done()
	return nil, nil, context.Cause(ctx)
}

func elicitation(message string) *mcp.ElicitParams {
	return &mcp.ElicitParams{Message: message, RequestedSchema: map[string]any{"type": "object"}}
}

func encode(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

const wayOff = time.Hour
