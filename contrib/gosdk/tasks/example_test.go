package tasks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/contrib/gosdk/tasks"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

type order struct {
	Loaves int `json:"loaves"`
}

// bake is a tool like any other.
func bake(ctx context.Context, req *mcp.CallToolRequest, in order) (*mcp.CallToolResult, any, error) {
	for i := range in.Loaves {
		done := tasks.Progress{Progress: float64(i + 1), Total: float64(in.Loaves)}
		if err := tasks.ReportProgress(ctx, req, done); err != nil {
			return nil, nil, err
		}
	}
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "the bread is ready"}}}, nil, nil
}

// A server whose tool is a task, for clients of both eras of MCP, and a client that starts it and
// asks until it is done.
func Example() {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	store := replay.Local(manager) // or that of contrib/redis, for several processes

	extension, err := tasks.New(store, tasks.Config{PollInterval: 10 * time.Millisecond})
	if err != nil {
		log.Fatal(err)
	}
	defer extension.Close(context.Background())
	server := mcp.NewServer(
		&mcp.Implementation{Name: "bakery", Version: "1"},
		&mcp.ServerOptions{GetSessionID: gosdk.NewSessionID},
	)
	if err := extension.Install(server); err != nil {
		log.Fatal(err)
	}
	mcp.AddTool(server, &mcp.Tool{Name: "bake"}, tasks.Tool(bake, tasks.Options{}))
	get := func(*http.Request) *mcp.Server { return server }
	stateless := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
	endpoint, err := gosdk.Handler(store, get, gosdk.HandlerOptions{Modern: extension.Handler(stateless)})
	if err != nil {
		log.Fatal(err)
	}
	web := httptest.NewServer(endpoint) // http.ListenAndServe(":8080", endpoint)
	defer web.Close()

	task := ask(web.URL, "tools/call", "bake", `"name":"bake","arguments":{"loaves":3}`)
	fmt.Println(task.ResultType, task.Status)
	for task.Status == "working" {
		time.Sleep(time.Duration(task.PollIntervalMs) * time.Millisecond)
		task = ask(web.URL, "tasks/get", task.TaskID, fmt.Sprintf(`"taskId":%q`, task.TaskID))
	}
	fmt.Println(task.Status, task.Result.Content[0].Text)
	// Output:
	// task working
	// completed the bread is ready
}

type answer struct {
	ResultType, TaskID, Status string
	PollIntervalMs             int
	Result                     struct{ Content []struct{ Text string } }
}

// ask sends one request of MCP 2026-07-28.
func ask(url, method, name, params string) answer {
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s,"_meta":{
		"io.modelcontextprotocol/protocolVersion":"2026-07-28",
		"io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}}}`,
		method, params)
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		log.Fatal(err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": name,
	} {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	var message struct{ Result answer }
	if err := json.NewDecoder(resp.Body).Decode(&message); err != nil {
		log.Fatal(err)
	}
	return message.Result
}
