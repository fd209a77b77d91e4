package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// Input asks the client, and waits for all answers: the task is input_required meanwhile. The
// answers have the keys of the questions, 1 to 128 bytes of 0x21 to 0x7E. It may be called again,
// also with keys that were used before: clients see others then, for a key must not come twice in a
// task.
//
// A client that has not declared what a question takes (elicitation, sampling, roots) is a
// *jsonrpc.Error, which the tool may return. An answer has the form that its question asks for, but
// its content is not held against RequestedSchema.
func (t *Task) Input(ctx context.Context, questions mcp.InputRequestMap) (mcp.InputResponseMap, error) {
	switch {
	case t == nil:
		return nil, ErrNoTask
	case len(questions) == 0:
		return nil, errors.New("tasks: Input has no questions")
	}
	asked, err := t.ask(questions)
	if err != nil {
		return nil, err
	}
	err = t.emit(ctx, EventInput, func(e *Entry) {})
	answers := mcp.InputResponseMap{}
	for key, answer := range asked {
		if err != nil {
			break
		}
		select {
		case data := <-answer.came:
			answers[key], err = parseAnswer(answer.method, data)
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-t.following.Done():
			err = ErrEnded
		}
	}
	if err != nil {
		return nil, errors.Join(err, t.withdraw(asked))
	}
	return answers, nil
}

// An expected answer is one that Input waits for.
type expected struct {
	key    string // that the client sees
	method string // of the question
	came   chan json.RawMessage
}

// ask registers questions under keys that are new in this task.
func (t *Task) ask(questions mcp.InputRequestMap) (map[string]expected, error) {
	data, err := json.Marshal(questions)
	if err != nil {
		return nil, fmt.Errorf("tasks: questions: %w", err)
	}
	if len(data) > t.x.cfg.MaxResultBytes {
		return nil, fmt.Errorf("%w: questions of %d bytes, Config.MaxResultBytes is %d", ErrTooLarge, len(data),
			t.x.cfg.MaxResultBytes)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fmt.Errorf("tasks: questions: %w", err)
	}
	for key, question := range raw {
		if key == "" || len(key) > maxKey || strings.ContainsFunc(key, isNoKey) {
			return nil, fmt.Errorf("tasks: the key %.100q of a question, want 1 to %d bytes of 0x21 to 0x7E", key,
				maxKey)
		}
		if err := t.client.check(methodOf(question)); err != nil {
			return nil, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	asked := make(map[string]expected, len(questions))
	for name, question := range raw {
		key := name
		for n := 2; t.used[key]; n++ {
			key = fmt.Sprintf("%s-%d", name, n)
		}
		came := make(chan json.RawMessage, 1)
		t.used[key], t.asked[key], t.waiting[key] = true, question, came
		asked[name] = expected{key, methodOf(question), came}
	}
	return asked, nil
}

// maxKey and isNoKey say what a question's key is, for it is part of an event's ID.
const maxKey = 128

func isNoKey(c rune) bool { return c < 0x21 || c > 0x7E }

// withdraw takes back what was not answered. Where the tool goes on, the client hears of it.
func (t *Task) withdraw(asked map[string]expected) error {
	t.mu.Lock()
	open := false
	for _, answer := range asked {
		if t.waiting[answer.key] != nil {
			open = true
			delete(t.waiting, answer.key)
			delete(t.asked, answer.key)
		}
	}
	t.mu.Unlock()
	if !open || t.ctx.Err() != nil || t.following.Err() != nil {
		return nil
	}
	return t.emit(t.ctx, EventWorking, func(*Entry) {})
}

// answered takes an answer from the log. A key that nobody waits for was answered before.
func (t *Task) answered(key string, data json.RawMessage) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if came := t.waiting[key]; came != nil {
		came <- data
		delete(t.waiting, key)
		delete(t.asked, key)
	}
}

// methodOf is the method that a question stands for.
func methodOf(question json.RawMessage) string {
	var q struct{ Method string }
	json.Unmarshal(question, &q) // it was made from a question; another has no method
	return q.Method
}

// parseAnswer reads the answer to a question of the given method. The SDK tells the kinds of
// answers from each other by the fields that they must have.
func parseAnswer(method string, data json.RawMessage) (mcp.InputResponse, error) {
	var has struct{ Action, Role, Roots json.RawMessage }
	if err := json.Unmarshal(data, &has); err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	fits := map[string]bool{
		methodElicit: has.Action != nil && has.Roots == nil,
		methodSample: has.Role != nil && has.Roots == nil && has.Action == nil,
		methodRoots:  has.Roots != nil,
	}
	if !fits[method] {
		return nil, fmt.Errorf("no answer to %s: it has none of its fields, or another's", method)
	}
	var parsed mcp.InputResponseMap
	if err := json.Unmarshal(fmt.Appendf(nil, `{"a":%s}`, data), &parsed); err != nil {
		return nil, fmt.Errorf("no answer to %s: %w", method, err)
	}
	if e, ok := parsed["a"].(*mcp.ElicitResult); ok && !slices.Contains(elicitActions, e.Action) {
		return nil, fmt.Errorf("no answer to %s: the action %.20q", method, e.Action)
	}
	return parsed["a"], nil
}

var elicitActions = []string{"accept", "decline", "cancel"}
