package main

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// answers are the streams of one kind of client. Each answer is a session, under an ID that nobody
// can guess; clients know it by the ID of a chat or run that they have chosen themselves. (An
// application with users looks up whose chat it is first, and keeps this table where its chats
// are.)
type answers struct {
	sessions *shard.Manager
	events   *replay.Handler

	mu      sync.Mutex
	current map[string]*answer // the newest of each chat or run
}

type answer struct {
	*shard.Session
	stop context.CancelFunc // ends the model
}

// unknown is no session's ID.
const unknown = "unknown"

// newAnswers returns answers whose requests name their chat or run by key.
func newAnswers(m *shard.Manager, key func(*http.Request) string) *answers {
	a := &answers{sessions: m, current: make(map[string]*answer)}
	a.events = &replay.Handler{
		Store: replay.Local(m), ReadOnly: true,
		SessionID: func(r *http.Request) string {
			name, ok := r.Context().Value(a).(string)
			if !ok {
				name = key(r)
			}
			if found := a.find(name); found != nil {
				return found.ID()
			}
			return unknown
		},
	}
	return a
}

func (a *answers) find(key string) *answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.current[key]
}

// start begins an answer and streams it as the response. The model goes on when the connection
// breaks.
func (a *answers) start(
	w http.ResponseWriter,
	r *http.Request,
	key string,
	model func(context.Context, func(any) error) error,
) {
	s, err := a.sessions.Create(shard.Metadata{Transport: "sse"})
	if err != nil {
		http.Error(w, "too many answers at a time", http.StatusTooManyRequests)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	begun := &answer{s, stop}
	a.mu.Lock()
	before := a.current[key]
	a.current[key] = begun
	a.mu.Unlock()
	if before != nil {
		before.stop() // a chat has one answer at a time
	}
	go a.run(ctx, begun, key, model)
	a.serve(w, r, key)
}

// run has the model write its answer.
func (a *answers) run(ctx context.Context, to *answer, key string, model func(context.Context, func(any) error) error) {
	go func() {
		select {
		case <-to.Done(): // the server ends
			to.stop()
		case <-ctx.Done():
		}
	}()
	model(ctx, func(chunk any) error {
		data, err := json.Marshal(chunk)
		if err == nil {
			_, err = to.Append(ring.Event{Data: data})
		}
		return err
	})
	to.Append(ring.Event{Data: []byte("[DONE]")})
	to.Finish()
	<-to.Done() // Linger later
	to.stop()
	a.forget(key, to)
}

// resume goes on with an answer that exists, after the request's Last-Event-ID. It returns false
// when there is none.
func (a *answers) resume(w http.ResponseWriter, r *http.Request, key string) bool {
	if a.find(key) == nil {
		return false
	}
	a.serve(w, r, key)
	return true
}

// serve streams an answer as the response to a POST whose body has been read.
func (a *answers) serve(w http.ResponseWriter, r *http.Request, key string) {
	get := r.Clone(context.WithValue(r.Context(), a, key))
	get.Method, get.Body, get.ContentLength = http.MethodGet, http.NoBody, 0
	a.events.ServeHTTP(w, get)
}

// stop has the model end its newest answer to a chat here, and returns that; nil: there is none.
// Whoever reads it sees it end.
func (a *answers) stop(key string) *answer {
	found := a.find(key)
	if found != nil {
		found.stop()
	}
	return found
}

// forget leaves nothing to resume of an answer.
func (a *answers) forget(key string, gone *answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current[key] == gone {
		delete(a.current, key)
	}
}
