package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestProgressAndPartialResultsAreEventsOfTheTasksLog(t *testing.T) {
	store := newStore(t, shard.Config{})
	r := newReplica(t, store, Config{})
	goOn := make(chan struct{})
	r.add("counts", func(ctx context.Context, req *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		task := FromContext(ctx)
		err := errors.Join(
			task.Status(ctx, "warming up"),
			ReportProgress(ctx, req, Progress{Progress: 1, Total: 3}),
			task.Output(ctx, &mcp.TextContent{Text: "one"}),
			task.Progress(ctx, Progress{Progress: 2}),
		)
		<-goOn
		return textResult("done"), nil, err
	}, Options{})
	id := r.begin(t, "ann", "counts").TaskID
	var got info
	testkit.Eventually(t, "it says 2", func() bool { got = r.task(t, "ann", id); return got.StatusMessage == "2" })
	if got.Status != statusWorking || got.LastUpdatedAt.Before(got.CreatedAt) {
		t.Errorf("%+v", got)
	}
	close(goOn)
	r.until(t, "ann", id, EventCompleted)
	reader, err := store.Open(t.Context(), id, replay.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	events, err := replay.Drain(reader)
	if err != nil {
		t.Fatal(err)
	}
	var log []string
	for _, e := range events {
		var entry Entry
		if err := json.Unmarshal(e.Data, &entry); err != nil {
			t.Fatal(err)
		}
		log = append(log, fmt.Sprintf("%s:%s%s", e.Type, entry.StatusMessage, entry.Content))
	}
	want := `working: working:warming up progress:1 of 3 output:1 of 3[{"type":"text","text":"one"}] ` +
		`progress:2 completed:`
	if got := strings.Join(log, " "); got != want {
		t.Errorf("the log is\n%s, want\n%s", got, want)
	}
}

func TestAClientWithoutTasksGetsProgressAsBefore(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	r.add("counts", func(ctx context.Context, req *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		return textResult("done"), nil, ReportProgress(ctx, req, Progress{Progress: 1, Total: 3, Message: "one"})
	}, Options{})
	get := func(*http.Request) *mcp.Server { return r.server }
	stateless := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{Stateless: true})
	web := httptest.NewServer(r.Handler(stateless))
	defer web.Close()
	heard := make(chan string, 2)
	session := connect(t, web.URL, "2026-07-28", &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, n *mcp.ProgressNotificationClientRequest) {
			heard <- n.Params.Message
		},
	})
	call := &mcp.CallToolParams{Name: "counts"}
	if _, err := session.CallTool(t.Context(), call); err != nil { // nobody has asked for it
		t.Fatal(err)
	}
	call.SetProgressToken("p")
	if _, err := session.CallTool(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if got := testkit.Await(t, "progress comes", heard); got != "one" || len(heard) != 0 {
		t.Errorf("%q, and %d more without a token", got, len(heard))
	}
}

// The log holds 16 events: everything that the tool has said before is gone many times over when
// the client is heard.
func TestNothingOfTheClientsIsLostInWhatTheToolSays(t *testing.T) {
	store := newStore(t, shard.Config{})
	a, b := newReplica(t, store, Config{MaxEvents: 16}), newReplica(t, store, Config{})
	a.add("chatters", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		task := FromContext(ctx)
		chatter, stop := context.WithCancel(ctx)
		var chatterers sync.WaitGroup
		for range 4 {
			chatterers.Go(func() {
				for i := 0; chatter.Err() == nil; i++ {
					err := task.Progress(chatter, Progress{Progress: float64(i)})
					if err != nil && chatter.Err() == nil {
						t.Error(err)
					}
				}
			})
		}
		defer chatterers.Wait()
		defer stop()
		for i := range 20 {
			key := fmt.Sprintf("q%d", i)
			if _, err := task.Input(ctx, mcp.InputRequestMap{key: elicitation("?")}); err != nil {
				return nil, nil, err
			}
		}
		<-ctx.Done()
		return nil, nil, context.Cause(ctx)
	}, Options{})
	id := a.begin(t, "", "chatters").TaskID
	for i := range 20 {
		key := fmt.Sprintf("q%d", i)
		testkit.Eventually(t, "it asks "+key, func() bool { return asked(b.task(t, "", id)) == key })
		if got := b.ask(t, "", methodUpdate, id, answers(key, accept("1"))); got.Error != nil {
			t.Fatal(got.Error)
		}
	}
	if got := b.until(t, "", id, statusWorking); got.InputRequests != nil {
		t.Errorf("%s", got.InputRequests)
	}
	b.ask(t, "", methodCancel, id, nil)
	b.until(t, "", id, EventCancelled)
}

func TestWhatIsTooLargeForTheLogIsRefused(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{MaxResultBytes: 1 << 10})
	r.add("big", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		task, text := FromContext(ctx), strings.Repeat("x", 1<<10)
		_, asked := task.Input(ctx, mcp.InputRequestMap{"q": elicitation(text)})
		for what, err := range map[string]error{
			"status":   task.Status(ctx, strings.Repeat("x", 1<<20)),
			"output":   task.Output(ctx, &mcp.TextContent{Text: strings.Repeat("x", 1<<20)}),
			"question": asked,
		} {
			if !errors.Is(err, ErrTooLarge) {
				t.Errorf("%s: %v", what, err)
			}
		}
		return textResult("done"), nil, nil
	}, Options{})
	r.until(t, "", r.begin(t, "", "big").TaskID, EventCompleted)
}
