package tasks

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

const methodCall = "tools/call"

// A call is one tools/call. The tool runs on a goroutine of its own; whoever serves the request
// waits for it to return, or to begin a task.
//
// began is closed by Begin, after it has set task. returned is closed by the tool's goroutine,
// after it has set result and err. What is set when the call is made does not change.
type call struct {
	x         *Extension
	req       *mcp.CallToolRequest
	principal string
	declared  bool // the client takes tasks

	ctx      context.Context // the tool's
	cancel   context.CancelCauseFunc
	detach   func() bool // from the request's context; false: that has ended
	began    chan struct{}
	returned chan struct{}
	result   mcp.Result
	err      error

	mu   sync.Mutex // held by Begin, so that there is one task at most
	task *Task      // nil before Begin
}

// begun returns the task, or nil.
func (c *call) begun() *Task {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.task
}

type callKey struct{}

// call serves a tools/call. A client that takes no tasks is served as without the extension.
func (x *Extension) call(ctx context.Context, req *mcp.CallToolRequest, next mcp.MethodHandler) (mcp.Result, error) {
	c := &call{x: x, req: req, declared: declares(req.Params)}
	if !c.declared {
		return next(context.WithValue(ctx, callKey{}, c), methodCall, req)
	}
	var err error
	if c.principal, err = principalOf(ctx, req); err != nil {
		return nil, err
	}
	c.began, c.returned = make(chan struct{}), make(chan struct{})
	c.ctx, c.cancel = context.WithCancelCause(context.WithValue(context.WithoutCancel(ctx), callKey{}, c))
	c.detach = context.AfterFunc(ctx, func() { c.cancel(context.Cause(ctx)) })
	go c.run(next)
	select {
	case <-c.began:
		return c.begun().created(), nil
	case <-c.returned:
		if task := c.begun(); task != nil { // it was quick
			return task.created(), nil
		}
		c.detach()
		return c.result, c.err
	}
}

// run runs the tool, and records how its task has ended if it has begun one. A tool that panics
// takes the process with it, as without the extension, unless it has begun a task: then the task
// fails, and others go on.
func (c *call) run(next mcp.MethodHandler) {
	defer close(c.returned)
	defer c.cancel(context.Canceled)
	defer func() {
		task := c.begun()
		if task == nil {
			return
		}
		if reason := recover(); reason != nil {
			c.x.cfg.Logger.Error("tasks: a tool has panicked", "tool", c.req.Params.Name, "task", task.id,
				"panic", reason, "stack", string(debug.Stack()))
			c.err = &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "the tool has panicked"}
		}
		task.finish(c.result, c.err)
	}()
	c.result, c.err = c.rounds(next)
}

// rounds calls the tool. A tool that has begun a task and then asks for input in its result, as a
// call without a task does, is called again with the answers, as the client would call it.
func (c *call) rounds(next mcp.MethodHandler) (mcp.Result, error) {
	req := c.req
	for {
		result, err := next(c.ctx, methodCall, req)
		task := c.begun()
		asks, ok := result.(*mcp.CallToolResult)
		if err != nil || task == nil || !ok || asks == nil || asks.InputRequests == nil {
			return result, err
		}
		answers, err := task.Input(c.ctx, asks.InputRequests)
		if err != nil {
			return nil, err
		}
		params := *req.Params
		params.InputResponses, params.RequestState = answers, asks.RequestState
		req = &mcp.CallToolRequest{Session: req.Session, Params: &params, Extra: req.Extra}
	}
}

// Begin makes a call a task: the client gets its handle at once, and what the tool returns later is
// the task's result. ctx is the tool's; it goes on after the request, until the task is cancelled
// or its TTL has passed: context.Cause tells why ([ErrCancelled] and others).
//
// Where the client takes no tasks the call goes on as before, and Begin returns nil: a nil *Task
// answers everything with [ErrNoTask]. With Options.Required that is an error instead. So are a
// Store that fails or has no room, and a server that is shutting down: these are *jsonrpc.Error,
// which the tool returns as they are. Others are [ErrNotInstalled], and one that names the field of
// o that is out of range. A second Begin of a call returns the same task.
//
// Until Begin the call is one like any other: a tool that answers at once needs no task, and one
// that must ask before it begins asks in its result (InputRequests).
func Begin(ctx context.Context, o Options) (*Task, error) {
	c, _ := ctx.Value(callKey{}).(*call)
	switch {
	case c == nil:
		return nil, ErrNotInstalled
	case !c.declared && o.Required:
		return nil, missing(Name)
	case !c.declared:
		return nil, nil
	}
	o, err := o.withDefaults(c.x.cfg)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.task != nil {
		return c.task, nil
	}
	t, err := c.x.create(ctx, c, o)
	if err != nil {
		c.x.counters.refused.Add(1)
		c.x.cfg.Logger.WarnContext(ctx, "tasks: a task could not be created", "error", err)
		return nil, unavailable(err)
	}
	if !c.detach() { // the client has gone, and has no handle
		t.abandon()
		return nil, context.Cause(ctx)
	}
	t.start()
	c.task = t
	c.x.counters.begun.Add(1)
	close(c.began)
	return t, nil
}

// create makes a task durable.
func (x *Extension) create(ctx context.Context, c *call, o Options) (*Task, error) {
	r, err := x.runner(ctx)
	if err != nil {
		return nil, err
	}
	f := facts{Tool: c.req.Params.Name, Created: time.Now().UTC(), TTL: o.TTL, Poll: o.PollInterval, Runner: r.id}
	id, err := replay.CreateWith(ctx, x.store, shard.Options{
		Metadata: f.metadata(c.principal), TTL: o.TTL, Ring: x.cfg.limits(),
	})
	if err != nil {
		return nil, err
	}
	t := newTask(c, r, id, f)
	if err = x.enter(t); err == nil {
		if err = t.open(ctx); err == nil {
			return t, nil
		}
		x.leave(t)
	}
	return nil, errors.Join(err, x.store.Terminate(context.WithoutCancel(ctx), id))
}

// FromContext returns the task that the call of a tool has become, or nil.
func FromContext(ctx context.Context) *Task {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c.begun()
	}
	return nil
}

// Tool makes a tool one whose calls are tasks from their beginning on, after its arguments were
// checked. For clients that take no tasks it works as before, unless o.Required.
//
//	mcp.AddTool(server, &mcp.Tool{Name: "count"}, tasks.Tool(count, tasks.Options{}))
func Tool[In, Out any](handler mcp.ToolHandlerFor[In, Out], o Options) mcp.ToolHandlerFor[In, Out] {
	return func(ctx context.Context, req *mcp.CallToolRequest, in In) (*mcp.CallToolResult, Out, error) {
		if _, err := Begin(ctx, o); err != nil {
			var none Out
			return nil, none, err
		}
		return handler(ctx, req, in)
	}
}
