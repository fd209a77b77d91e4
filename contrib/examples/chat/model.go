package main

import (
	"context"
	"fmt"
	"time"
)

// words is the model: what it answers, word by word.
func words(prompt string) []string {
	answer := []string{"You", "wrote:", prompt + ".", "Now", "I", "count:"}
	for i := range 300 {
		answer = append(answer, fmt.Sprint(i))
	}
	return answer
}

// say calls each with one word after another.
func (a *app) say(ctx context.Context, prompt string, each func(word string) error) error {
	for i, word := range words(prompt) {
		if i > 0 {
			word = " " + word
		}
		select {
		case <-time.After(a.delay):
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := each(word); err != nil {
			return err
		}
	}
	return nil
}

// object is a JSON object.
type object map[string]any

// sayUIMessage answers in the chunks of the UI message stream of "ai".
func (a *app) sayUIMessage(ctx context.Context, prompt string, send func(any) error) error {
	send(object{"type": "start", "messageId": "answer"})
	send(object{"type": "text-start", "id": "text"})
	err := a.say(ctx, prompt, func(word string) error {
		return send(object{"type": "text-delta", "id": "text", "delta": word})
	})
	send(object{"type": "text-end", "id": "text"})
	send(object{"type": "finish"})
	return err
}

// sayRun answers in the events of AG-UI, which "@tanstack/ai-client" reads.
func (a *app) sayRun(ctx context.Context, thread, run, prompt string, send func(any) error) error {
	send(object{"type": "RUN_STARTED", "threadId": thread, "runId": run})
	send(object{"type": "TEXT_MESSAGE_START", "messageId": "answer", "role": "assistant"})
	err := a.say(ctx, prompt, func(word string) error {
		return send(object{"type": "TEXT_MESSAGE_CONTENT", "messageId": "answer", "delta": word})
	})
	send(object{"type": "TEXT_MESSAGE_END", "messageId": "answer"})
	send(object{"type": "RUN_FINISHED", "threadId": thread, "runId": run})
	return err
}
