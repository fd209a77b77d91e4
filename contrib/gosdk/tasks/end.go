package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// An outcome is how a task ends.
type outcome struct {
	typ   string
	entry Entry
}

// failure is the outcome of a task that has no result, for a reason that is not the tool's.
func failure(reason error) outcome {
	return failed(&jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: reason.Error()})
}

func failed(err *jsonrpc.Error) outcome {
	return outcome{EventFailed, Entry{StatusMessage: err.Message, Error: err}}
}

// outcome tells what has become of a task whose tool has returned. A tool that was stopped and
// returns a result all the same has completed; if what it returns is an error, it was stopped.
func (t *Task) outcome(result mcp.Result, err error) outcome {
	tool, _ := result.(*mcp.CallToolResult)
	isError := err != nil || tool != nil && tool.IsError
	if cause := context.Cause(t.ctx); isError && cause != nil {
		if errors.Is(cause, ErrCancelled) {
			return outcome{EventCancelled, Entry{StatusMessage: "cancelled by the client"}}
		}
		return failure(cause)
	}
	var protocol *jsonrpc.Error
	switch {
	case errors.As(err, &protocol):
		return t.bounded(failed(protocol))
	case err != nil:
		return t.bounded(failure(err))
	case result == nil || result == mcp.Result((*mcp.CallToolResult)(nil)):
		return failure(errors.New("the tool has returned nothing"))
	}
	data, err := json.Marshal(result)
	if err != nil {
		return failure(fmt.Errorf("the tool's result is no JSON: %w", err))
	}
	return t.bounded(outcome{EventCompleted, Entry{Result: data}})
}

// bounded is o, or what stands for it where it is too large.
func (t *Task) bounded(o outcome) outcome {
	size := len(o.entry.Result)
	if o.entry.Error != nil {
		size = 2*len(o.entry.Error.Message) + len(o.entry.Error.Data)
	}
	if size <= t.x.cfg.MaxResultBytes {
		return o
	}
	return failure(fmt.Errorf("%w: the tool's result has %d bytes, and this server keeps %d", ErrTooLarge, size,
		t.x.cfg.MaxResultBytes))
}

// finish ends the task once its tool has returned.
func (t *Task) finish(result mcp.Result, err error) {
	defer t.x.leave(t)
	defer t.unfollow()
	o := t.outcome(result, err)
	for _, stop := range t.timers {
		stop()
	}
	first, err := t.record(t.runner.ctx, o)
	if err != nil {
		t.x.cfg.Logger.Warn("tasks: the end of a task was lost", "task", t.id, "end", o.typ, "error", err)
	}
	if first {
		t.x.counters.ended(o.typ)
	} else {
		t.x.counters.lost.Add(1)
	}
}

// record writes how the task has ended, and reports whether it is the first to say so. It tries
// until ctx ends, but once at least.
func (t *Task) record(ctx context.Context, o outcome) (first bool, err error) {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.x.cfg.Lease)
		first, err := t.x.conclude(attempt, t.id, o)
		cancel()
		switch {
		case err == nil:
			t.mu.Lock()
			t.ended = true
			t.mu.Unlock()
			return first, nil
		case errors.Is(err, shard.ErrNotFound), errors.Is(err, shard.ErrClosed):
			return false, err
		case errors.Is(err, ring.ErrEventTooLarge), errors.Is(err, shard.ErrOverBudget):
			if o.typ == EventFailed && o.entry.Error.Message == noRoom {
				return false, err
			}
			t.x.cfg.Logger.Warn("tasks: the Store has no room for a result", "task", t.id, "error", err)
			o = failure(errors.New(noRoom))
		case ctx.Err() != nil:
			return false, err
		default:
			t.x.cfg.Logger.Warn("tasks: the end of a task could not be stored", "task", t.id, "error", err)
			sleep(ctx, pause)
		}
	}
}

const noRoom = "the server had no room for the result"

// conclude ends a task in the Store, and reports whether it has. The Store admits one end, which
// counts whoever wrote it: that there is one already is no error.
func (x *Extension) conclude(ctx context.Context, id string, o outcome) (first bool, err error) {
	e, err := o.entry.event(o.typ, idEnd)
	if err != nil {
		return false, err
	}
	_, err = x.store.Append(ctx, id, e)
	if err != nil && !errors.Is(err, ring.ErrDuplicateID) && !errors.Is(err, shard.ErrFinished) {
		return false, err
	}
	first = err == nil
	if x.cfg.Finish {
		if err := replay.Finish(ctx, x.store, id); err != nil {
			x.cfg.Logger.Warn("tasks: a task's session stays open until it expires", "task", id, "error", err)
		}
	}
	return first, nil
}
