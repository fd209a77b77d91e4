package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestAToolIsATaskForClientsThatTakeTasksAndACallForOthers(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{TTL: time.Minute, PollInterval: 5 * time.Millisecond})
	r.add("hello", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		return textResult("hello, %v", FromContext(ctx) != nil), nil, nil
	}, Options{})
	began := r.begin(t, "ann", "hello")
	if began.Status != statusWorking || *began.TTLMs != 60_000 || began.PollIntervalMs != 5 || began.Result != nil ||
		began.CreatedAt.IsZero() || began.LastUpdatedAt.IsZero() {
		t.Errorf("%+v", began)
	}
	done := r.until(t, "ann", began.TaskID, EventCompleted)
	if text, isError := textOf(t, done.Result); text != "hello, true" || isError {
		t.Errorf("the task's result is %q", text)
	}
	if !done.CreatedAt.Equal(began.CreatedAt) || done.LastUpdatedAt.Before(done.CreatedAt) || done.Error != nil {
		t.Errorf("%+v", done)
	}
	plain := r.do(t, request{method: methodCall, caps: map[string]any{},
		params: map[string]any{"name": "hello", "arguments": map[string]any{}}})
	if text, _ := textOf(t, plain.Result); text != "hello, false" || strings.Contains(string(plain.Result), "taskId") {
		t.Errorf("a client without the extension gets %s", plain.Result)
	}
}

func TestAToolThatReturnsBeforeItBeginsIsACall(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	mcp.AddTool(r.server, &mcp.Tool{Name: "maybe"}, func(ctx context.Context, _ *mcp.CallToolRequest,
		in struct{ Long bool }) (*mcp.CallToolResult, any, error) {
		if in.Long {
			first, err := Begin(ctx, Options{TTL: -1, PollInterval: time.Minute})
			if second, _ := Begin(ctx, Options{}); err != nil || first != second || first.ID() == "" {
				t.Errorf("%v, %v: %v", first, second, err)
			}
		}
		return textResult("done"), nil, nil
	})
	if text, _ := textOf(t, r.call(t, "", "maybe", map[string]any{"Long": false}).Result); text != "done" {
		t.Error(text)
	}
	task := r.call(t, "", "maybe", map[string]any{"Long": true}).task(t, resultTask)
	if task.TTLMs != nil || task.PollIntervalMs != 60_000 {
		t.Errorf("%+v", task)
	}
	r.until(t, "", task.TaskID, EventCompleted)
}

func TestARequiredTaskIsRefusedToClientsThatTakeNone(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	r.add("long", untilDone, Options{Required: true})
	a := r.do(t, request{method: methodCall, caps: map[string]any{},
		params: map[string]any{"name": "long", "arguments": map[string]any{}}})
	want := `{"requiredCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}`
	if a.code() != mcp.CodeMissingRequiredClientCapabilities || string(a.Error.Data) != want || a.status != 400 {
		t.Errorf("%d %+v", a.status, a.Error)
	}
	for _, method := range []string{methodGet, methodUpdate, methodCancel} {
		a := r.do(t, request{method: method, caps: map[string]any{}, params: map[string]any{"taskId": "x"}})
		if a.code() != mcp.CodeMissingRequiredClientCapabilities {
			t.Errorf("%s: %+v", method, a.Error)
		}
	}
}

func TestEveryReplicaAnswersAndSomebodyElsesTaskIsUnknown(t *testing.T) {
	store := newStore(t, shard.Config{})
	a, b := newReplica(t, store, Config{}), newReplica(t, store, Config{})
	a.add("long", untilDone, Options{})
	id := a.begin(t, "ann", "long").TaskID
	if got := b.task(t, "ann", id); got.Status != statusWorking {
		t.Errorf("at another replica: %+v", got)
	}
	session, err := store.Create(t.Context(), "", shard.Metadata{Principal: "bob"})
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{methodGet, methodCancel, methodUpdate} {
		for what, id := range map[string]string{
			"somebody else's": id, "one that never was": "no-such-task", "a session that is none": session,
			"a malformed ID": "\x01", "no ID": "",
		} {
			got := b.do(t, request{user: "bob", method: method, name: "=?base64?" + encode(id) + "?=",
				params: map[string]any{"taskId": id, "inputResponses": map[string]any{}}})
			if got.code() != jsonrpc.CodeInvalidParams || got.Error.Message != "unknown task" || got.status != 400 {
				t.Errorf("%s, %s: %d %+v", method, what, got.status, got.Error)
			}
		}
	}
	if got := b.task(t, "ann", id); got.Status != statusWorking {
		t.Errorf("bob has cancelled it: %+v", got)
	}
}

func TestACancelReachesTheToolInAnotherProcess(t *testing.T) {
	store := newStore(t, shard.Config{})
	a, b := newReplica(t, store, Config{}), newReplica(t, store, Config{})
	stubborn := make(chan error, 1)
	a.add("heeds", untilDone, Options{})
	a.add("does not", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		<-ctx.Done()
		stubborn <- context.Cause(ctx)
		return textResult("done all the same"), nil, nil
	}, Options{})
	for name, status := range map[string]string{"heeds": EventCancelled, "does not": EventCompleted} {
		id := a.begin(t, "ann", name).TaskID
		for range 2 { // the second changes nothing
			if got := b.ask(t, "ann", methodCancel, id, nil).task(t, resultComplete); got.TaskID != "" {
				t.Errorf("%+v", got)
			}
		}
		b.until(t, "ann", id, status)
		if got := b.ask(t, "ann", methodCancel, id, nil); got.Error != nil {
			t.Errorf("when it has ended: %v", got.Error)
		}
	}
	if cause := <-stubborn; !errors.Is(cause, ErrCancelled) {
		t.Errorf("the tool was told %v", cause)
	}
}

func TestHowATaskEnds(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{MaxResultBytes: 2 << 10})
	for name, c := range map[string]struct {
		tool    mcp.ToolHandler
		status  string
		code    int64
		message string
	}{
		"an error of the tool's": {func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			result := textResult("no flour")
			result.IsError = true
			return result, nil
		}, EventCompleted, 0, ""},
		"an error of the protocol's": {func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return nil, &jsonrpc.Error{Code: -32042, Message: "no oven", Data: json.RawMessage(`{"at":1}`)}
		}, EventFailed, -32042, "no oven"},
		"any other error": {func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return nil, errors.New("no water")
		}, EventFailed, jsonrpc.CodeInternalError, "no water"},
		"a panic": {func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			panic("fire")
		}, EventFailed, jsonrpc.CodeInternalError, "panicked"},
		"too large a result": {func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return textResult("%s", strings.Repeat("x", 2<<10)), nil
		}, EventFailed, jsonrpc.CodeInternalError, "this server keeps 2048"},
		"too large an error": {func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return nil, errors.New(strings.Repeat("x", 2<<10))
		}, EventFailed, jsonrpc.CodeInternalError, "this server keeps 2048"},
		"no result": {func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return nil, nil
		}, EventFailed, jsonrpc.CodeInternalError, "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			r.server.AddTool(&mcp.Tool{Name: "t", InputSchema: map[string]any{"type": "object"}},
				func(ctx context.Context, req *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
					if _, err := Begin(ctx, Options{}); err != nil {
						return nil, err
					}
					return c.tool(ctx, req)
				})
			got := r.until(t, "", r.begin(t, "", "t").TaskID, c.status)
			if c.status == EventCompleted {
				if text, isError := textOf(t, got.Result); text != "no flour" || !isError || got.Error != nil {
					t.Errorf("%s", got.Result)
				}
				return
			}
			if got.Result != nil || got.Error == nil || got.Error.Code != c.code ||
				!strings.Contains(got.Error.Message, c.message) || got.StatusMessage != got.Error.Message {
				t.Errorf("%+v, error %+v", got, got.Error)
			}
		})
	}
}

func TestAToolThatWorksLongerThanItsTTLIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplica(t, newStore(t, shard.Config{}), Config{TTL: wayOff})
		r.add("long", untilDone, Options{TTL: time.Minute})
		id := r.begin(t, "", "long").TaskID
		time.Sleep(time.Minute - time.Millisecond)
		if got := r.task(t, "", id); got.Status != statusWorking {
			t.Errorf("before: %+v", got)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := r.task(t, "", id); got.Status != EventFailed || got.StatusMessage != ErrExpired.Error() {
			t.Errorf("after: %+v", got)
		}
	})
}

func TestATaskThatIsDoneIsKeptForItsTTLAndNotForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t, shard.Config{})
		r := newReplica(t, store, Config{TTL: time.Minute})
		r.add("quick", func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
			return textResult("done"), nil, nil
		}, Options{})
		polled, left := r.begin(t, "", "quick").TaskID, r.begin(t, "", "quick").TaskID
		synctest.Wait()
		for range 6 {
			time.Sleep(10*time.Second - time.Millisecond)
			if got := r.task(t, "", polled); got.Status != EventCompleted {
				t.Errorf("%+v", got)
			}
		}
		if got := r.task(t, "", left); got.Status != EventCompleted {
			t.Errorf("nobody has asked for it: %+v", got)
		}
		time.Sleep(time.Second)
		for _, id := range []string{polled, left} {
			if got := r.ask(t, "", methodGet, id, nil); got.code() != jsonrpc.CodeInvalidParams {
				t.Errorf("later: %s", got.Result)
			}
			if info, err := store.Info(t.Context(), id); err == nil && info.Status <= shard.Finished {
				t.Errorf("its session is %v", info.Status)
			}
		}
	})
}

func TestFinishEndsTheReadersOfATask(t *testing.T) {
	store := newStore(t, shard.Config{Linger: wayOff})
	r := newReplica(t, store, Config{Finish: true, TTL: time.Minute})
	r.add("hello", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		return textResult("hello"), nil, FromContext(ctx).Output(ctx, &mcp.TextContent{Text: "part"})
	}, Options{})
	id := r.begin(t, "", "hello").TaskID
	reader, err := store.Open(t.Context(), id, replay.Position{})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for e, err := range replay.All(t.Context(), reader) {
		if errors.Is(err, shard.ErrFinished) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, e.Type)
	}
	if got := strings.Join(types, " "); got != "working output completed" {
		t.Errorf("the log has %s", got)
	}
	if got := r.task(t, "", id); got.Status != EventCompleted {
		t.Errorf("%+v", got)
	}
	if got := r.ask(t, "", methodCancel, id, nil); got.Error != nil {
		t.Errorf("%v", got.Error)
	}
}
