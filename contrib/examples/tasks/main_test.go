package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/gosdk/tasks"
	"github.com/reprise-go/reprise/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestAClientGetsTheBreadFromAnotherServer(t *testing.T) {
	store, closeStore, err := open("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeStore)
	var servers []string
	for range 2 {
		extension, err := tasks.New(store, tasks.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := extension.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		handler, err := newHandler(store, extension, false)
		if err != nil {
			t.Fatal(err)
		}
		web := httptest.NewServer(handler)
		t.Cleanup(web.Close)
		servers = append(servers, web.URL)
	}
	task := ask(t, servers[0], "tools/call", "bake", `"name":"bake","arguments":{"loaves":2,"seconds":0.01}`)
	if task.ResultType != "task" {
		t.Fatalf("%+v", task)
	}
	testkit.Eventually(t, "the bread is ready", func() bool {
		task = ask(t, servers[1], "tasks/get", task.TaskID, fmt.Sprintf(`"taskId":%q`, task.TaskID))
		return task.Status == "completed"
	})
	if text := task.Result.Content[0].Text; text != "2 loaves are ready" {
		t.Error(text)
	}
}

func TestTheServerEndsWhenItIsTold(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, "127.0.0.1:0", "", time.Second, time.Second, true) }()
	cancel()
	if err := testkit.Await(t, "it has ended", served); err != nil {
		t.Error(err)
	}
}

type answer struct {
	ResultType, TaskID, Status string
	Result                     struct{ Content []struct{ Text string } }
}

func ask(t *testing.T, url, method, name, params string) answer {
	t.Helper()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{%s,"_meta":{
		"io.modelcontextprotocol/protocolVersion":"2026-07-28",
		"io.modelcontextprotocol/clientCapabilities":{"extensions":{%q:{}}}}}}`, method, params, tasks.Name)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": method, "Mcp-Name": name,
	} {
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if err := resp.Write(&text); err != nil {
		t.Fatal(err)
	}
	_, data, _ := strings.Cut(text.String(), "data: ")
	var message struct{ Result answer }
	if err := json.NewDecoder(strings.NewReader(data)).Decode(&message); err != nil {
		t.Fatalf("%v: %s", err, text.String())
	}
	return message.Result
}
