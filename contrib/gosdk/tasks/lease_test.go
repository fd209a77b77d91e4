package tasks

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

var errAway = errors.New("the Store is away")

// faulty is a Store that can be cut off.
type faulty struct {
	replay.Store
	away atomic.Bool // nothing can be written
	full atomic.Int64
}

func (f *faulty) CreateWith(ctx context.Context, o shard.Options) (string, error) {
	if f.away.Load() {
		return "", errAway
	}
	return replay.CreateWith(ctx, f.Store, o)
}

func (f *faulty) Touch(ctx context.Context, id string) error {
	if f.away.Load() {
		return errAway
	}
	return f.Store.Touch(ctx, id)
}

func (f *faulty) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	switch {
	case f.away.Load():
		return ring.Event{}, errAway
	case e.ID == idEnd && f.full.Add(-1) >= 0:
		return ring.Event{}, shard.ErrOverBudget
	}
	return f.Store.Append(ctx, id, e)
}

func TestATaskWhoseProcessIsSilentFailsAfterItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newStore(t, shard.Config{})
		cut := &faulty{Store: store}
		a, b := newReplica(t, cut, Config{Lease: 30 * time.Second}), newReplica(t, store, Config{})
		told := make(chan error, 1)
		a.add("long", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
			<-ctx.Done()
			told <- context.Cause(ctx)
			return textResult("too late"), nil, nil
		}, Options{})
		id := a.begin(t, "ann", "long").TaskID
		time.Sleep(wayOff / 2) // signs of life
		if got := b.task(t, "ann", id); got.Status != statusWorking {
			t.Errorf("while it lives: %+v", got)
		}
		cut.away.Store(true)
		time.Sleep(19 * time.Second) // at least, since the last sign of life
		if got := b.task(t, "ann", id); got.Status != statusWorking {
			t.Errorf("within its lease: %+v", got)
		}
		time.Sleep(12 * time.Second)
		if got := b.task(t, "ann", id); got.Status != EventFailed || got.StatusMessage != errDead.Error() ||
			got.Error == nil {
			t.Errorf("after its lease: %+v", got)
		}
		cut.away.Store(false)
		next := a.begin(t, "ann", "long").TaskID
		if got := b.task(t, "ann", next); got.Status != statusWorking {
			t.Errorf("a task that is begun before it knows that it was lost: %+v", got)
		}
		if cause := <-told; !errors.Is(cause, ErrLost) {
			t.Errorf("the tool was told %v", cause)
		}
		synctest.Wait()
		if got := b.task(t, "ann", id); got.Status != EventFailed {
			t.Errorf("a late result has changed it: %+v", got)
		}
		time.Sleep(10 * time.Second)
		if a, b := a.Stats(), b.Stats(); a.Begun != 2 || a.Lost != 1 || a.Running != 1 || b.Dead != 1 {
			t.Errorf("counted %+v and %+v", a, b)
		}
		time.Sleep(wayOff / 2)
		if got := b.task(t, "ann", next); got.Status != statusWorking {
			t.Errorf("later: %+v", got)
		}
	})
}

func TestAResultWaitsForAStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cut := &faulty{Store: newStore(t, shard.Config{})}
		r := newReplica(t, cut, Config{Lease: time.Minute})
		returns := make(chan struct{})
		r.add("t", func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
			<-returns
			return textResult("done"), nil, nil
		}, Options{})
		id := r.begin(t, "", "t").TaskID
		cut.away.Store(true)
		close(returns)
		time.Sleep(30 * time.Second)
		if got := r.task(t, "", id); got.Status != statusWorking {
			t.Errorf("%+v", got)
		}
		cut.away.Store(false)
		time.Sleep(maxPause)
		synctest.Wait()
		if got := r.task(t, "", id); got.Status != EventCompleted {
			t.Errorf("%+v", got)
		}
	})
}

func TestAStoreWithoutRoomForTheResultFailsTheTask(t *testing.T) {
	full := &faulty{Store: newStore(t, shard.Config{})}
	full.full.Store(1)
	r := newReplica(t, full, Config{})
	r.add("t", func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
		return textResult("done"), nil, nil
	}, Options{})
	if got := r.until(t, "", r.begin(t, "", "t").TaskID, EventFailed); got.StatusMessage != noRoom {
		t.Errorf("%+v", got)
	}
}

func TestNoTaskIsBegunThatTheStoreRefuses(t *testing.T) {
	cut := &faulty{Store: newStore(t, shard.Config{MaxSessions: 2})}
	r := newReplica(t, cut, Config{})
	r.add("long", untilDone, Options{})
	r.begin(t, "", "long") // with the process's own session there are two
	if got := r.call(t, "", "long", nil); got.Error == nil || got.Error.Message != "too many tasks" {
		t.Errorf("%s %+v", got.Result, got.Error)
	}
	cut.away.Store(true)
	defer cut.away.Store(false)
	if got := r.call(t, "", "long", nil); got.Error == nil || got.Error.Message != "the task store is unavailable" {
		t.Errorf("%s %+v", got.Result, got.Error)
	}
}

func TestCloseWaitsForTasksAndThenStopsThem(t *testing.T) {
	store := newStore(t, shard.Config{})
	a, b := newReplica(t, store, Config{}), newReplica(t, store, Config{})
	returns := make(chan struct{})
	a.add("short", func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
		<-returns
		return textResult("done"), nil, nil
	}, Options{})
	a.add("long", untilDone, Options{})
	short, long := a.begin(t, "", "short").TaskID, a.begin(t, "", "long").TaskID
	ctx, cancel := context.WithCancel(t.Context())
	closed := make(chan error, 1)
	go func() { closed <- a.Close(ctx) }()
	close(returns)
	b.until(t, "", short, EventCompleted)
	if got := b.task(t, "", long); got.Status != statusWorking {
		t.Errorf("%+v", got)
	}
	if got := a.call(t, "", "long", nil); got.Error == nil || got.Error.Message != "the server is shutting down" {
		t.Errorf("a new task: %s %v", got.Result, got.Error)
	}
	cancel()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if got := b.task(t, "", long); got.Status != EventFailed || got.StatusMessage != ErrClosed.Error() {
		t.Errorf("%+v", got)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Errorf("again: %v", err)
	}
}

func TestACallThatWasCancelledBeginsNoTask(t *testing.T) {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	r := newReplica(t, replay.Local(manager), Config{})
	ctx, cancel := context.WithCancel(t.Context())
	tool := func(ctx context.Context, _ string, _ mcp.Request) (mcp.Result, error) {
		cancel()
		<-ctx.Done()
		_, err := Begin(ctx, Options{})
		return nil, err
	}
	req := &mcp.CallToolRequest{Params: &mcp.CallToolParamsRaw{Name: "t", Meta: mcp.Meta{
		mcp.MetaKeyProtocolVersion: "2026-07-28", mcp.MetaKeyClientCapabilities: declared,
	}}}
	if _, err := r.middleware(tool)(ctx, methodCall, req); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if stats := manager.Stats(); stats.Active != 1 { // the process's own
		t.Errorf("%d sessions: a task that nobody knows of has begun", stats.Active)
	}
}
