package tasks

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// Many tasks at once, each of which talks, asks, is asked for and perhaps cancelled, through two
// processes: each ends once, the same for everybody, and what was answered counts.
func TestManyTasksAtOnceEndOnceEach(t *testing.T) {
	const clients, rounds = 8, 6
	manager, err := shard.New(shard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { manager.Close() })
	store := replay.Local(manager)
	replicas := []*replica{newReplica(t, store, Config{MaxEvents: 16}), newReplica(t, store, Config{MaxEvents: 16})}
	for _, r := range replicas {
		r.add("works", func(ctx context.Context, req *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			task := FromContext(ctx)
			for i := range 20 {
				if err := task.Progress(ctx, Progress{Progress: float64(i)}); err != nil {
					return nil, nil, err
				}
			}
			answers, err := task.Input(ctx, mcp.InputRequestMap{"q": elicitation("?")})
			if err != nil {
				return nil, nil, err
			}
			return textResult("%v", answers["q"].(*mcp.ElicitResult).Content["text"]), nil, nil
		}, Options{})
	}
	var all sync.WaitGroup
	ends := map[string]int{}
	var mu sync.Mutex
	for c := range clients {
		all.Go(func() {
			for n := range rounds {
				user, said := fmt.Sprint("user", c), fmt.Sprint(c, ".", n)
				any := func() *replica { return replicas[rand.IntN(len(replicas))] }
				id := any().begin(t, user, "works").TaskID
				cancels := rand.IntN(3) == 0
				if cancels {
					any().ask(t, user, methodCancel, id, nil)
				}
				testkit.Eventually(t, "it asks or has ended", func() bool {
					s := any().task(t, user, id).Status
					return s != statusWorking
				})
				if got := any().ask(t, user, methodUpdate, id, answers("q", accept(said))); got.Error != nil {
					t.Error(got.Error)
				}
				testkit.Eventually(t, "it has ended", func() bool {
					s := any().task(t, user, id).Status
					return s == EventCompleted || s == EventCancelled
				})
				first, second := replicas[0].task(t, user, id), replicas[1].task(t, user, id)
				if first.Status != second.Status || string(first.Result) != string(second.Result) {
					t.Errorf("%+v at one, %+v at the other", first, second)
				}
				if !cancels && first.Status != EventCompleted {
					t.Errorf("nobody has cancelled it: %+v", first)
				}
				if first.Status == EventCompleted {
					if text, _ := textOf(t, first.Result); text != said {
						t.Errorf("the answer was %q, the result is %q", said, text)
					}
				}
				mu.Lock()
				ends[first.Status]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	testkit.Eventually(t, "no tool runs", func() bool {
		return replicas[0].Stats().Running+replicas[1].Stats().Running == 0
	})
	a, b := replicas[0].Stats(), replicas[1].Stats()
	if a.Begun+b.Begun != clients*rounds || a.Completed+b.Completed != uint64(ends[EventCompleted]) ||
		a.Cancelled+b.Cancelled != uint64(ends[EventCancelled]) || a.Failed+b.Failed+a.Lost+b.Lost != 0 {
		t.Errorf("counted %+v and %+v; clients saw %v", a, b, ends)
	}
	testkit.Eventually(t, "nobody follows a task", func() bool { return manager.Stats().Attached == 0 })
}

// The tool's result and the death of its process are written at the same moment: one of them
// counts, everywhere.
func TestOneEndCountsOfTwoThatAreWrittenAtOnce(t *testing.T) {
	store := newStore(t, shard.Config{})
	a, b := newReplica(t, store, Config{}), newReplica(t, store, Config{})
	for range 50 {
		goOn := make(chan struct{})
		a.add("t", func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
			<-goOn
			return textResult("done"), nil, nil
		}, Options{})
		id := a.begin(t, "", "t").TaskID
		var both sync.WaitGroup
		both.Go(func() { close(goOn) })
		both.Go(func() {
			if _, err := b.conclude(t.Context(), id, failure(errDead)); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		first := b.task(t, "", id)
		testkit.Eventually(t, "the tool has returned", func() bool { return a.Stats().Running == 0 })
		if second := a.task(t, "", id); first.Status != second.Status || first.Status == statusWorking {
			t.Fatalf("%s, and then %s", first.Status, second.Status)
		}
	}
	if s := a.Stats(); s.Completed+s.Lost != 50 {
		t.Errorf("%+v", s)
	}
}

// A tool that returns at once has begun a task all the same: its result is not the call's.
func TestAQuickToolIsATaskToo(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	quick := r.middleware(func(ctx context.Context, _ string, _ mcp.Request) (mcp.Result, error) {
		_, err := Begin(ctx, Options{})
		return textResult("done"), err
	})
	for range 200 {
		req := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: "t", Meta: mcp.Meta{
			mcp.MetaKeyProtocolVersion: "2026-07-28", mcp.MetaKeyClientCapabilities: declared,
		}}}
		got, err := quick(t.Context(), methodCall, req)
		if task, ok := got.(*taskResult); err != nil || !ok || task.ResultType != resultTask {
			t.Fatalf("%+v, %v", got, err)
		}
	}
}

func TestTheSessionsEndStopsTheTool(t *testing.T) {
	store := newStore(t, shard.Config{})
	r := newReplica(t, store, Config{})
	told := make(chan error, 1)
	r.add("long", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		<-ctx.Done()
		told <- context.Cause(ctx)
		return nil, nil, FromContext(ctx).Status(context.WithoutCancel(ctx), "still here")
	}, Options{})
	id := r.begin(t, "", "long").TaskID
	if err := store.Terminate(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Await(t, "the tool is stopped", told); !errors.Is(err, ErrLost) {
		t.Errorf("%v", err)
	}
	if got := r.ask(t, "", methodGet, id, nil); got.Error == nil {
		t.Errorf("%s", got.Result)
	}
}
