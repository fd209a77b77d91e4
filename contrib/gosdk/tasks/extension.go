package tasks

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// Name is how clients and servers name the extension in their capabilities.
const Name = "io.modelcontextprotocol/tasks"

// An Extension is the tasks extension of a server, over a Store. Servers of several processes that
// share a Store answer for each other's tasks; their Configs should be the same. It is safe for
// concurrent use.
type Extension struct {
	store    replay.Store
	cfg      Config
	counters counters

	making sync.Mutex // held while a runner is made; before mu

	mu      sync.Mutex // for what follows
	closing bool       // Close was called
	current *runner    // nil before the first task
	running map[*Task]struct{}
	idle    chan struct{} // closed when closing and nothing is running
}

// New returns an Extension. The Store must be able to create sessions with a TTL and limits of
// their own (replay.Creator); another is replay.ErrUnsupported, and so is one that cannot finish
// sessions (replay.Finisher) with Config.Finish. Other errors name the field of cfg that is out of
// range.
func New(store replay.Store, cfg Config) (*Extension, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if _, ok := store.(replay.Creator); !ok {
		return nil, fmt.Errorf("tasks: %w: %T has no CreateWith", replay.ErrUnsupported, store)
	}
	if _, ok := store.(replay.Finisher); !ok && cfg.Finish {
		return nil, fmt.Errorf("tasks: %w: %T has no Finish", replay.ErrUnsupported, store)
	}
	if _, err := ring.New(cfg.limits()); err != nil {
		return nil, fmt.Errorf("tasks: Config: %w", err)
	}
	return &Extension{store: store, cfg: cfg, running: map[*Task]struct{}{}, idle: make(chan struct{})}, nil
}

// Install adds the extension to a server: its methods, what server/discover says of it, and a
// middleware that lets tools begin tasks. Several servers may share an Extension. Over HTTP,
// [Extension.Handler] is needed too.
func (x *Extension) Install(server *mcp.Server) error {
	err := errors.Join(
		mcp.AddReceivingCustomMethod(server, methodGet, x.get),
		mcp.AddReceivingCustomMethod(server, methodUpdate, x.update),
		mcp.AddReceivingCustomMethod(server, methodCancel, x.cancel),
	)
	server.AddReceivingMiddleware(x.middleware)
	return err
}

func (x *Extension) middleware(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		switch method {
		case "server/discover":
			return advertise(next(ctx, method, req))
		case methodGet, methodUpdate, methodCancel:
			if err := x.admit(ctx, req); err != nil {
				return nil, err
			}
		case methodCall:
			if call, ok := req.(*mcp.CallToolRequest); ok {
				return x.call(ctx, call, next)
			}
		}
		return next(ctx, method, req)
	}
}

// Close waits until the tasks of this process have ended; when ctx ends first, it cancels them, and
// they fail with the reason. New ones are refused from now on. When it returns, each task's end is
// in the Store, or the Store could not be reached, which Close then returns; tools that do not heed
// their context may still run. An Extension that has begun a task must be closed.
func (x *Extension) Close(ctx context.Context) error {
	x.mu.Lock()
	if !x.closing {
		x.closing = true
		if len(x.running) == 0 {
			close(x.idle)
		}
	}
	r := x.current
	x.mu.Unlock()
	var err error
	select {
	case <-x.idle:
	case <-ctx.Done():
		err = x.abort()
	}
	if r == nil {
		return err
	}
	r.cancel(ErrClosed)
	<-r.done
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), x.cfg.Lease)
	defer cancel()
	return errors.Join(err, x.store.Terminate(last, r.id))
}

// abort fails every task that is running.
func (x *Extension) abort() error {
	x.mu.Lock()
	var all []*Task
	for t := range x.running {
		all = append(all, t)
	}
	x.mu.Unlock()
	var errs []error
	for _, t := range all {
		t.stop(ErrClosed)
		ctx, cancel := context.WithTimeout(context.Background(), x.cfg.Lease)
		_, err := t.record(ctx, failure(ErrClosed))
		errs = append(errs, err)
		cancel()
	}
	return errors.Join(errs...)
}

// enter counts a task in.
func (x *Extension) enter(t *Task) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closing {
		return ErrClosed
	}
	x.running[t] = struct{}{}
	return nil
}

func (x *Extension) leave(t *Task) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, in := x.running[t]; !in {
		return
	}
	delete(x.running, t)
	if x.closing && len(x.running) == 0 {
		close(x.idle)
	}
}
