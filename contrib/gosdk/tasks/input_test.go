package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/shard"
)

func accept(text string) map[string]any {
	return map[string]any{"action": "accept", "content": map[string]any{"text": text}}
}

func answers(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i].(string)] = pairs[i+1]
	}
	return map[string]any{"inputResponses": all}
}

// questionOf is a question of a kind that the SDK has deprecated, but takes.
func questionOf(t *testing.T, method, params string) mcp.InputRequest {
	t.Helper()
	var m mcp.InputRequestMap
	if err := json.Unmarshal(fmt.Appendf(nil, `{"q":{"method":%q,"params":%s}}`, method, params), &m); err != nil {
		t.Fatal(err)
	}
	return m["q"]
}

// asked returns the keys of a task's open questions.
func asked(i info) string { return strings.Join(slices.Sorted(maps.Keys(i.InputRequests)), " ") }

func TestATaskAsksAndIsAnsweredInAnotherProcess(t *testing.T) {
	store := newStore(t, shard.Config{})
	a, b := newReplica(t, store, Config{}), newReplica(t, store, Config{})
	a.add("asks", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		task, said := FromContext(ctx), []string{}
		for range 2 { // the same keys, which clients must see but once
			got, err := task.Input(ctx, mcp.InputRequestMap{"x": elicitation("x?"), "y": elicitation("y?")})
			if err != nil {
				return nil, nil, err
			}
			for _, key := range []string{"x", "y"} {
				said = append(said, got[key].(*mcp.ElicitResult).Content["text"].(string))
			}
		}
		return textResult("%s", strings.Join(said, " ")), nil, nil
	}, Options{})
	id := a.begin(t, "ann", "asks").TaskID
	first := b.until(t, "ann", id, statusInput)
	if asked(first) != "x y" || !strings.Contains(string(first.InputRequests["x"]), `"elicitation/create"`) {
		t.Errorf("%s", first.InputRequests)
	}
	b.ask(t, "ann", methodUpdate, id, answers("x", accept("1"), "unknown", map[string]any{"ignored": true}))
	if got := b.task(t, "ann", id); got.Status != statusInput || asked(got) != "y" {
		t.Errorf("after half of the answers: %s, %q", got.Status, asked(got))
	}
	b.ask(t, "ann", methodUpdate, id, answers("x", accept("not again"), "y", accept("2")))
	testkit.Eventually(t, "it asks again", func() bool { return asked(a.task(t, "ann", id)) == "x-2 y-2" })
	a.ask(t, "ann", methodUpdate, id, answers("x-2", accept("3"), "y-2", accept("4"), "y", accept("no")))
	done := b.until(t, "ann", id, EventCompleted)
	if text, _ := textOf(t, done.Result); text != "1 2 3 4" || done.InputRequests != nil {
		t.Errorf("%q", text)
	}
	if got := b.ask(t, "ann", methodUpdate, id, answers("x", accept("late"))); got.Error != nil {
		t.Errorf("when it has ended: %v", got.Error)
	}
}

func TestAToolThatAsksInItsResultIsCalledAgainWithTheAnswers(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	r.add("asks", func(_ context.Context, req *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		switch req.Params.RequestState {
		case "":
			questions := mcp.InputRequestMap{"x": elicitation("x?")}
			return &mcp.CallToolResult{RequestState: "1", InputRequests: questions}, nil, nil
		case "1":
			questions := mcp.InputRequestMap{"y": elicitation("y?")}
			return &mcp.CallToolResult{RequestState: "2", InputRequests: questions}, nil, nil
		}
		_, has := req.Params.InputResponses["y"].(*mcp.ElicitResult)
		return textResult("%d answers, y: %v", len(req.Params.InputResponses), has), nil, nil
	}, Options{})
	id := r.begin(t, "", "asks").TaskID
	for _, key := range []string{"x", "y"} {
		testkit.Eventually(t, "it asks for "+key, func() bool { return asked(r.task(t, "", id)) == key })
		if got := r.ask(t, "", methodUpdate, id, answers(key, accept("1"))); got.Error != nil {
			t.Error(got.Error)
		}
	}
	if text, _ := textOf(t, r.until(t, "", id, EventCompleted).Result); text != "1 answers, y: true" {
		t.Error(text)
	}
}

func TestAnAnswerThatIsNoneIsRefused(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{MaxResultBytes: 1 << 10})
	for kind, c := range map[string]struct {
		question mcp.InputRequest
		bad      []any
		good     any
	}{
		"elicitation": {elicitation("?"), []any{1, "x", map[string]any{"ignored": true},
			map[string]any{"action": "maybe"}, accept(strings.Repeat("x", 1<<10)), nil},
			map[string]any{"action": "decline"}},
		"sampling": {questionOf(t, methodSample, `{"maxTokens":1,"messages":[]}`),
			[]any{1, map[string]any{"action": "accept"}},
			map[string]any{"role": "assistant", "model": "m", "content": map[string]any{"type": "text", "text": "hi"}}},
		"roots": {questionOf(t, methodRoots, `{}`), []any{1, "x"}, map[string]any{"roots": []any{}}},
	} {
		r.add(kind, func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			_, err := FromContext(ctx).Input(ctx, mcp.InputRequestMap{"q": c.question})
			return textResult("answered"), nil, err
		}, Options{})
		caps := maps.Clone(declared)
		caps["sampling"], caps["roots"] = map[string]any{}, map[string]any{}
		a := r.do(t, request{method: methodCall, caps: caps,
			params: map[string]any{"name": kind, "arguments": map[string]any{}}})
		id := a.task(t, resultTask).TaskID
		r.until(t, "", id, statusInput)
		for _, bad := range c.bad {
			got := r.ask(t, "", methodUpdate, id, answers("q", bad))
			if got.code() != jsonrpc.CodeInvalidParams || !strings.Contains(got.Error.Message, `inputResponses["q"]`) {
				t.Errorf("%s, %v: %s %v", kind, bad, got.Result, got.Error)
			}
		}
		if got := r.ask(t, "", methodUpdate, id, nil); got.code() != jsonrpc.CodeInvalidParams {
			t.Errorf("%s, no inputResponses: %s", kind, got.Result)
		}
		if got := r.ask(t, "", methodUpdate, id, answers("q", c.good)); got.Error != nil {
			t.Errorf("%s: %v", kind, got.Error)
		}
		r.until(t, "", id, EventCompleted)
	}
}

func TestNobodyIsAskedWhatTheClientDoesNotTake(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	r.add("samples", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		_, err := FromContext(ctx).Input(ctx, mcp.InputRequestMap{"q": questionOf(t, methodSample, `{}`)})
		return nil, nil, err
	}, Options{})
	got := r.until(t, "", r.begin(t, "", "samples").TaskID, EventFailed)
	if got.Error.Code != mcp.CodeMissingRequiredClientCapabilities ||
		string(got.Error.Data) != `{"requiredCapabilities":{"sampling":{}}}` {
		t.Errorf("%+v", got.Error)
	}
}

func TestAQuestionThatTheToolGivesUpIsAskedNoMore(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	giveUp := make(chan struct{})
	r.add("asks", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		short, cancel := context.WithCancel(ctx)
		go func() { <-giveUp; cancel() }()
		_, err := FromContext(ctx).Input(short, mcp.InputRequestMap{"q": elicitation("?")})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		<-ctx.Done()
		return nil, nil, context.Cause(ctx)
	}, Options{})
	id := r.begin(t, "", "asks").TaskID
	r.until(t, "", id, statusInput)
	close(giveUp)
	if got := r.until(t, "", id, statusWorking); len(got.InputRequests) != 0 {
		t.Errorf("%s", got.InputRequests)
	}
	if got := r.ask(t, "", methodUpdate, id, answers("q", 1)); got.Error != nil {
		t.Errorf("an answer that nobody waits for: %v", got.Error)
	}
	r.ask(t, "", methodCancel, id, nil)
	r.until(t, "", id, EventCancelled)
}

func TestAQuestionNeedsAKeyThatCanBeAnEventsID(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	r.add("asks", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		for _, key := range []string{"", "a b", "a\n", "ä", strings.Repeat("x", 129)} {
			if _, err := FromContext(ctx).Input(ctx, mcp.InputRequestMap{key: elicitation("?")}); err == nil ||
				!strings.Contains(err.Error(), "key") {
				t.Errorf("%q: %v", key, err)
			}
		}
		for range 2 {
			key := strings.Repeat("x", 128)
			if _, err := FromContext(ctx).Input(ctx, mcp.InputRequestMap{key: elicitation("?")}); err != nil {
				t.Error(err)
			}
		}
		if _, err := FromContext(ctx).Input(ctx, nil); err == nil {
			t.Error("no question is one")
		}
		return textResult("done"), nil, FromContext(ctx).Output(ctx, textResult("part").Content...)
	}, Options{})
	id := r.begin(t, "", "asks").TaskID
	for range 2 {
		for key := range r.until(t, "", id, statusInput).InputRequests {
			if got := r.ask(t, "", methodUpdate, id, answers(key, accept("1"))); got.Error != nil {
				t.Error(got.Error)
			}
		}
	}
	r.until(t, "", id, EventCompleted)
}

func TestATaskIsNilWhereThereIsNone(t *testing.T) {
	var none *Task
	ctx := t.Context()
	_, err := none.Input(ctx, mcp.InputRequestMap{"q": elicitation("?")})
	for _, err := range []error{err, none.Progress(ctx, Progress{}), none.Status(ctx, ""), none.Output(ctx)} {
		if !errors.Is(err, ErrNoTask) {
			t.Errorf("%v", err)
		}
	}
	if _, err := Begin(ctx, Options{}); !errors.Is(err, ErrNotInstalled) || none.ID() != "" || FromContext(ctx) != nil {
		t.Errorf("%v", err)
	}
}
