package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A Task is a call that goes on after its client has got a handle. Its methods are for the tool,
// and may be called from several goroutines; those of a nil Task return [ErrNoTask].
//
// What a tool says is an event of the task's log, stored when the method returns. An error of the
// Store leaves open whether it was; [ErrEnded] means that the task has ended meanwhile.
type Task struct {
	x      *Extension
	runner *runner
	id     string
	facts  facts
	client clientCapabilities

	ctx       context.Context // the tool's
	cancel    context.CancelCauseFunc
	reader    replay.Reader   // follow's, from open on
	following context.Context // ends with the task
	unfollow  context.CancelFunc
	timers    []func() bool // that stop what would stop the tool; set by start

	emitting sync.Mutex // held while an event is written, so that the log has them in the order of their states
	sent     uint64     // sequence of the newest event that was written here; under emitting

	mu       sync.Mutex // for what follows
	message  string
	asked    map[string]json.RawMessage      // questions without an answer
	waiting  map[string]chan json.RawMessage // by the same keys; room for one answer
	used     map[string]bool                 // keys that were asked with
	ended    bool                            // its end is stored, by whomever
	followed uint64                          // sequence up to which follow has read
	moved    chan struct{}                   // closed when followed grows, and replaced
}

func newTask(c *call, r *runner, id string, f facts) *Task {
	t := &Task{
		x: c.x, runner: r, id: id, facts: f, client: capabilitiesOf(c.req.Params), ctx: c.ctx, cancel: c.cancel,
		asked: map[string]json.RawMessage{}, waiting: map[string]chan json.RawMessage{}, used: map[string]bool{},
		moved: make(chan struct{}),
	}
	t.following, t.unfollow = context.WithCancel(context.Background())
	return t
}

// open writes the first event and opens the reader that hears of the client's.
func (t *Task) open(ctx context.Context) (err error) {
	e, err := Entry{}.event(EventWorking, "")
	if err != nil {
		return err
	}
	stored, err := t.x.store.Append(ctx, t.id, e)
	if err != nil {
		return err
	}
	t.sent = stored.Seq
	t.reader, err = t.x.store.Open(ctx, t.id, replay.Position{})
	return err
}

// start lets the task run.
func (t *Task) start() {
	t.timers = append(t.timers, context.AfterFunc(t.runner.ctx, func() { t.stop(context.Cause(t.runner.ctx)) }))
	if t.facts.TTL >= 0 {
		t.timers = append(t.timers, time.AfterFunc(t.facts.TTL, func() { t.stop(ErrExpired) }).Stop)
	}
	go t.follow()
}

// abandon undoes open.
func (t *Task) abandon() {
	t.unfollow()
	t.reader.Close()
	t.x.leave(t)
	ctx, cancel := context.WithTimeout(context.Background(), t.x.cfg.Lease)
	defer cancel()
	if err := t.x.store.Terminate(ctx, t.id); err != nil {
		t.x.cfg.Logger.Warn("tasks: a task that nobody knows of stays until it expires", "task", t.id, "error", err)
	}
}

// stop asks the tool to stop. The first reason counts.
func (t *Task) stop(reason error) { t.cancel(reason) }

// ID returns the task's ID, which is that of its session in the Store. Whoever knows it may use the
// task, unless Config.Principal tells principals from each other.
func (t *Task) ID() string {
	if t == nil {
		return ""
	}
	return t.id
}

// Status says what the task is doing: clients may show it to somebody.
func (t *Task) Status(ctx context.Context, message string) error {
	return t.emit(ctx, EventWorking, func(e *Entry) { e.StatusMessage = message })
}

// Progress says how far the task has come. Clients see it as the task's status message:
// p.Message, or the figures where that is empty.
func (t *Task) Progress(ctx context.Context, p Progress) error {
	return t.emit(ctx, EventProgress, func(e *Entry) {
		e.Progress, e.StatusMessage = &p, p.Message
		switch {
		case p.Message != "":
		case p.Total > 0:
			e.StatusMessage = fmt.Sprintf("%v of %v", p.Progress, p.Total)
		default:
			e.StatusMessage = fmt.Sprint(p.Progress)
		}
	})
}

// ReportProgress says how far a call has come, whatever it is: a task by [Task.Progress], any other
// by a progress notification, if its client has asked for these.
func ReportProgress(ctx context.Context, req *mcp.CallToolRequest, p Progress) error {
	if t := FromContext(ctx); t != nil {
		return t.Progress(ctx, p)
	}
	token := req.Params.GetProgressToken()
	if token == nil {
		return nil
	}
	return req.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{
		ProgressToken: token, Progress: p.Progress, Total: p.Total, Message: p.Message,
	})
}

// Output adds a partial result to the task's log, for those who follow its session in the Store
// (replay.Handler, say). The extension has nothing of the kind: clients that poll get the result
// alone.
func (t *Task) Output(ctx context.Context, content ...mcp.Content) error {
	if t != nil && len(content) == 0 {
		return errors.New("tasks: a partial result has no content")
	}
	data, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("tasks: a partial result: %w", err)
	}
	return t.emit(ctx, EventOutput, func(e *Entry) { e.Content = data })
}

// emit writes an event that say has completed. It waits until follow has read the one before, so
// that nothing of what the client sends is dropped before the tool has heard of it, however much
// the tool has to say.
func (t *Task) emit(ctx context.Context, typ string, say func(*Entry)) error {
	if t == nil {
		return ErrNoTask
	}
	t.emitting.Lock()
	defer t.emitting.Unlock()
	if err := t.caughtUp(ctx, t.sent); err != nil {
		return err
	}
	t.mu.Lock()
	entry, ended := Entry{StatusMessage: t.message, InputRequests: maps.Clone(t.asked)}, t.ended
	t.mu.Unlock()
	if ended {
		return ErrEnded
	}
	say(&entry)
	e, err := entry.event(typ, "")
	if err != nil {
		return err
	}
	stored, err := t.x.store.Append(ctx, t.id, e)
	switch {
	case errors.Is(err, ring.ErrEventTooLarge):
		return fmt.Errorf("%w: an event of type %q has %d bytes, Config.MaxResultBytes is %d", ErrTooLarge, typ,
			len(e.Data), t.x.cfg.MaxResultBytes)
	case errors.Is(err, shard.ErrFinished) || errors.Is(err, shard.ErrNotFound):
		return ErrEnded
	case err != nil:
		return fmt.Errorf("tasks: an event of type %q: %w", typ, err)
	}
	t.sent = stored.Seq
	t.mu.Lock()
	defer t.mu.Unlock()
	t.message = entry.StatusMessage
	return nil
}

// caughtUp waits until follow has read up to seq.
func (t *Task) caughtUp(ctx context.Context, seq uint64) error {
	for {
		t.mu.Lock()
		there, moved := t.followed >= seq, t.moved
		t.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-moved:
		case <-t.following.Done():
			return ErrEnded
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
