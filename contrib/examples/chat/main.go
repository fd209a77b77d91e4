// Command chat streams a model's answers to chat clients as they come from npm: "ai" (its
// DefaultChatTransport) and "@tanstack/ai-client" (its fetchServerSentEvents). A connection may
// break and a page may be reloaded: the answer is whole, and the model runs once.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	delay := flag.Duration("delay", 50*time.Millisecond, "between two words of an answer")
	flag.Parse()
	a, err := newApp(*delay)
	if err != nil {
		log.Fatal(err)
	}
	defer a.sessions.Close()
	server := &http.Server{Addr: *addr, Handler: a.routes(), ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(a.close)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { server.Shutdown(context.Background()) })
	log.Printf("chat clients may use http://%s/api/chat and http://%s/runs", *addr, *addr)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

type app struct {
	sessions    *shard.Manager
	delay       time.Duration
	chats, runs *answers
}

func newApp(delay time.Duration) (*app, error) {
	m, err := shard.New(shard.Config{
		Linger: time.Minute,                     // how long after its end an answer can still be read
		Ring:   ring.Config{MaxEvents: 100_000}, // a reload reads from the first word: none may be dropped
	})
	if err != nil {
		return nil, err
	}
	a := &app{sessions: m, delay: delay}
	a.chats = newAnswers(m, func(r *http.Request) string { return r.PathValue("id") })
	a.chats.events.NotFoundStatus = http.StatusNoContent // "ai" asks whether there is anything to resume
	a.runs = newAnswers(m, func(r *http.Request) string { return r.URL.Query().Get("runId") })
	return a, nil
}

func (a *app) close() {
	a.chats.events.Close()
	a.runs.events.Close()
}

func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/chat", a.startChat)
	mux.Handle("GET /api/chat/{id}/stream", a.chats.events)
	mux.HandleFunc("POST /api/chat/{id}/stop", func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		a.chats.forget(id, a.chats.stop(id))
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /runs", a.startRun)
	mux.Handle("GET /runs", a.runs.events)
	mux.HandleFunc("POST /runs/{id}/stop", func(w http.ResponseWriter, r *http.Request) {
		a.runs.stop(r.PathValue("id"))
		w.WriteHeader(http.StatusNoContent)
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

// startChat answers what DefaultChatTransport posts with a new answer, and streams it.
func (a *app) startChat(w http.ResponseWriter, r *http.Request) {
	var body struct {
		ID       string
		Messages []struct {
			Parts []struct{ Type, Text string }
		}
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil || body.ID == "" {
		http.Error(w, "want a chat's id and messages", http.StatusBadRequest)
		return
	}
	prompt := ""
	for _, m := range body.Messages {
		for _, part := range m.Parts {
			prompt = part.Text
		}
	}
	w.Header().Set("X-Vercel-AI-UI-Message-Stream", "v1")
	a.chats.start(w, r, body.ID, func(ctx context.Context, say func(any) error) error {
		return a.sayUIMessage(ctx, prompt, say)
	})
}

// startRun answers what fetchServerSentEvents posts. It posts the same again, with Last-Event-ID,
// when its connection has broken.
func (a *app) startRun(w http.ResponseWriter, r *http.Request) {
	var body struct {
		RunID, ThreadID string
		Messages        []struct {
			Content any
		}
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body)
	if body.RunID == "" {
		body.RunID = r.Header.Get("X-Run-Id")
	}
	if err != nil || body.RunID == "" {
		http.Error(w, "want a run's runId and messages", http.StatusBadRequest)
		return
	}
	if a.runs.resume(w, r, body.RunID) {
		return
	}
	prompt := ""
	for _, m := range body.Messages {
		prompt, _ = m.Content.(string)
	}
	a.runs.start(w, r, body.RunID, func(ctx context.Context, say func(any) error) error {
		return a.sayRun(ctx, body.ThreadID, body.RunID, prompt, say)
	})
}
