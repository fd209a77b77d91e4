// Command tokens streams a language model's answer to a web page, word by word. The page may be
// reloaded, the connection may break: the answer is whole, and the model runs once.
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

//go:embed page
var files embed.FS

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen")
	flag.Parse()
	app, err := newApp(model(150 * time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	defer app.sessions.Close()
	server := &http.Server{Addr: *addr, Handler: app.routes(), ReadHeaderTimeout: 10 * time.Second}
	server.RegisterOnShutdown(app.events.Close)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { server.Shutdown(context.Background()) })
	log.Printf("open http://%s", *addr)
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
}

type app struct {
	sessions *shard.Manager
	events   *replay.Handler
	answer   func(ctx context.Context, prompt string, say func(token string) error) error
}

func newApp(answer func(context.Context, string, func(string) error) error) (*app, error) {
	sessions, err := shard.New(shard.Config{
		Linger: 5 * time.Minute,                     // how long a reload after the end still shows the answer
		Ring:   ring.Config{MaxEvents: 1<<16 + 100}, // a reload replays from the first token: none may be evicted
	})
	if err != nil {
		return nil, err
	}
	return &app{sessions, &replay.Handler{Store: replay.Local(sessions), Retry: 500 * time.Millisecond}, answer}, nil
}

func (a *app) routes() http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // the name is embedded above
	}
	mux := http.NewServeMux()
	mux.Handle("/", http.FileServerFS(page))
	mux.Handle("/events", a.events) // GET follows, DELETE stops the model
	mux.HandleFunc("POST /ask", a.ask)
	return http.NewCrossOriginProtection().Handler(mux)
}

// ask starts the model and answers at once, with the ID of the session that the answer goes to.
func (a *app) ask(w http.ResponseWriter, r *http.Request) {
	session, err := a.sessions.Create(shard.Metadata{Transport: "sse"})
	if err != nil {
		http.Error(w, "too many conversations", http.StatusServiceUnavailable)
		return
	}
	go a.run(session, r.FormValue("prompt"))
	fmt.Fprint(w, session.ID())
}

// run writes the answer to the session. It does not end with the request: the reader may come and
// go.
func (a *app) run(session *shard.Session, prompt string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // a reader who stops the answer ends the session
		select {
		case <-session.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	tokens := 0
	err := a.answer(ctx, prompt, func(token string) error {
		tokens++
		_, err := session.Append(ring.Event{Type: "token", Data: []byte(token)})
		return err
	})
	if err != nil {
		session.Append(ring.Event{Type: "failed", Data: []byte("the model has stopped")})
	} else {
		session.Append(ring.Event{Type: "done", Data: fmt.Appendf(nil, "%d tokens", tokens)})
	}
	session.Finish() // readers get the rest; who comes back after it gets 204, and an EventSource stops
}
