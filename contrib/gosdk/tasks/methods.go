package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	methodGet    = "tasks/get"
	methodUpdate = "tasks/update"
	methodCancel = "tasks/cancel"
)

// params are those of all methods.
type params struct {
	mcp.ParamsBase
	TaskID         string                     `json:"taskId"`
	InputResponses map[string]json.RawMessage `json:"inputResponses,omitempty"`
}

// An info is a Task of the extension, and with its second part a DetailedTask.
type info struct {
	TaskID         string    `json:"taskId"`
	Status         string    `json:"status"`
	StatusMessage  string    `json:"statusMessage,omitempty"`
	CreatedAt      time.Time `json:"createdAt"`
	LastUpdatedAt  time.Time `json:"lastUpdatedAt"`
	TTLMs          *int64    `json:"ttlMs"`
	PollIntervalMs int64     `json:"pollIntervalMs"`

	InputRequests map[string]json.RawMessage `json:"inputRequests,omitempty"`
	Result        json.RawMessage            `json:"result,omitempty"`
	Error         *jsonrpc.Error             `json:"error,omitempty"`
}

// A taskResult is an answer that holds a task, or nothing beside its type.
type taskResult struct {
	mcp.ResultBase
	ResultType string `json:"resultType"`
	*info
}

const (
	resultTask     = "task"
	resultComplete = "complete"
)

func (f facts) info(id, status string) *info {
	i := &info{
		TaskID: id, Status: status, CreatedAt: f.Created, LastUpdatedAt: f.Created,
		PollIntervalMs: f.Poll.Milliseconds(),
	}
	if f.TTL >= 0 {
		ms := f.TTL.Milliseconds()
		i.TTLMs = &ms
	}
	return i
}

// detailed is the DetailedTask.
func (s *state) detailed() *info {
	i := s.facts.info(s.id, s.status)
	i.StatusMessage, i.LastUpdatedAt = s.message(), s.updated.UTC()
	switch s.status {
	case statusInput:
		i.InputRequests = s.outstanding()
	case EventCompleted:
		i.Result = s.end.Result
	case EventFailed:
		i.Error = s.end.Error
	}
	return i
}

// created is the answer to the call that has become a task.
func (t *Task) created() *taskResult {
	return &taskResult{ResultType: resultTask, info: t.facts.info(t.id, statusWorking)}
}

// admit checks a request for a task before its method is called.
func (x *Extension) admit(ctx context.Context, req mcp.Request) error {
	p, _ := req.GetParams().(*params)
	if p == nil {
		return invalid("missing params")
	}
	if !declares(p) {
		return missing(Name)
	}
	_, err := principalOf(ctx, req)
	return err
}

// of returns what a task's log says to whoever makes a request.
func (x *Extension) of(ctx context.Context, p *params) (*state, error) {
	principal, _ := ctx.Value(principalKey{}).(string)
	s, err := x.read(ctx, p.TaskID, principal)
	if err != nil {
		return nil, x.answer(ctx, p.TaskID, err)
	}
	return s, nil
}

func (x *Extension) get(ctx context.Context, _ *mcp.ServerSession, p *params) (*taskResult, error) {
	s, err := x.of(ctx, p)
	if err != nil {
		return nil, err
	}
	return &taskResult{ResultType: resultComplete, info: s.detailed()}, nil
}

// cancel adds the client's wish to the task's log. Of several, one is enough.
func (x *Extension) cancel(ctx context.Context, _ *mcp.ServerSession, p *params) (*taskResult, error) {
	s, err := x.of(ctx, p)
	if err == nil && !s.ended() && !s.cancelled {
		err = x.add(ctx, s.id, EventCancel, idCancel, Entry{})
	}
	if err != nil {
		return nil, err
	}
	return &taskResult{ResultType: resultComplete}, nil
}

// update adds answers to the task's log: those to questions that are open.
func (x *Extension) update(ctx context.Context, _ *mcp.ServerSession, p *params) (*taskResult, error) {
	if p.InputResponses == nil {
		return nil, invalid("missing inputResponses")
	}
	s, err := x.of(ctx, p)
	if err != nil {
		return nil, err
	}
	answers := map[string]json.RawMessage{}
	if !s.ended() {
		open := s.outstanding()
		for key, answer := range p.InputResponses {
			if open[key] == nil {
				continue
			}
			if err := x.checkAnswer(key, open[key], answer); err != nil {
				return nil, err
			}
			answers[key] = answer
		}
	}
	for key, answer := range answers {
		if err := x.add(ctx, s.id, EventAnswer, idAnswer+key, Entry{Key: key, Answer: answer}); err != nil {
			return nil, err
		}
	}
	return &taskResult{ResultType: resultComplete}, nil
}

// checkAnswer checks that an answer has the form that its question asks for.
func (x *Extension) checkAnswer(key string, question, answer json.RawMessage) error {
	if len(answer) > x.cfg.MaxResultBytes {
		return invalid(fmt.Sprintf("inputResponses[%.100q] has %d bytes, want %d at most", key, len(answer),
			x.cfg.MaxResultBytes))
	}
	if _, err := parseAnswer(methodOf(question), answer); err != nil {
		return invalid(fmt.Sprintf("inputResponses[%.100q]: %v", key, err))
	}
	return nil
}

// add adds an event of the client's. One that is there already is no error, nor is a task that has
// ended.
func (x *Extension) add(ctx context.Context, task, typ, id string, entry Entry) error {
	e, err := entry.event(typ, id)
	if err == nil {
		_, err = x.store.Append(ctx, task, e)
	}
	switch {
	case errors.Is(err, ring.ErrDuplicateID) || errors.Is(err, shard.ErrFinished):
		return nil
	case errors.Is(err, shard.ErrNotFound):
		err = errUnknown
	}
	if err != nil {
		return x.answer(ctx, task, err)
	}
	return nil
}

// answer is what a client is told of an error: nothing of the Store's own words.
func (x *Extension) answer(ctx context.Context, task string, err error) error {
	if errors.Is(err, errUnknown) {
		return invalid("unknown task")
	}
	if ctx.Err() == nil {
		x.cfg.Logger.WarnContext(ctx, "tasks: a request failed", "task", task, "error", err)
	}
	return unavailable(err)
}

func invalid(message string) error {
	return &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: message}
}

// unavailable is what a client is told when the Store fails, or refuses a task.
func unavailable(err error) error {
	message := "the task store is unavailable"
	switch {
	case errors.Is(err, shard.ErrSessionLimit):
		message = "too many tasks"
	case errors.Is(err, shard.ErrAttachLimit):
		message = "too many readers of the task"
	case errors.Is(err, ErrClosed), errors.Is(err, shard.ErrClosed):
		message = "the server is shutting down"
	case errors.Is(err, replay.ErrUnsupported):
		message = "the task store cannot do what this server asks of it"
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: message}
}
