package fuzz_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A world is a Handler over sessions in every state, and what is known of them.
type world struct {
	*testing.T
	manager *shard.Manager
	handler *replay.Handler
	logs    map[string]*plainLog // of the sessions that have not ended
	owners  map[string]string
}

// newWorld makes the sessions live, busy, hers, finished, empty and ended; the first four have the
// events 4 to 9, on two streams.
func newWorld(t *testing.T, h *replay.Handler) *world {
	t.Helper()
	limits := ring.Config{MaxEvents: 6, MaxBytes: 1 << 20, MaxEventBytes: 1 << 10}
	m, err := shard.New(shard.Config{Shards: 1, Ring: limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	h.Store, h.Principal = replay.Local(m), func(r *http.Request) string { return r.Header.Get("X-Who") }
	w := &world{T: t, manager: m, handler: h, logs: map[string]*plainLog{}, owners: map[string]string{"hers": "alice"}}
	for _, id := range []string{"live", "busy", "hers", "finished", "empty", "ended"} {
		s, err := m.CreateWithID(id, shard.Metadata{Principal: w.owners[id]})
		if err != nil {
			t.Fatal(err)
		}
		w.logs[id] = &plainLog{limits: limits}
		for n := range 9 {
			if id != "empty" {
				w.store(s, ring.Event{ID: map[int]string{0: "gone", 4: "own"}[n], Stream: []string{"", "a"}[n/2%2],
					Data: payload(n, 5)})
			}
		}
		switch id {
		case "finished", "empty":
			s.Finish()
		case "ended":
			s.Terminate()
			delete(w.logs, id)
		}
	}
	return w
}

func (w *world) store(s *shard.Session, e ring.Event) {
	w.Helper()
	e, err := s.Append(e)
	if err != nil {
		w.Fatal(err)
	}
	if log := w.logs[s.ID()]; log.store(copied(e)) && e.Seq == 2 {
		log.tag, _, _ = strings.Cut(e.ID, "-")
	}
}

// expand puts the tag that the session's assigned IDs have in the place of TAG.
func (w *world) expand(id, session string) string {
	if log := w.logs[session]; log != nil {
		return strings.ReplaceAll(id, "TAG", log.tag)
	}
	return id
}

// A response is recorded until it is flushed for the first time: everything that was ready is
// written by then, and the client goes.
type response struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
}

func (r *response) FlushError() error {
	r.Flush()
	r.leave()
	return nil
}

func (w *world) serve(r *http.Request) *httptest.ResponseRecorder {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(&response{rec, cancel}, r.WithContext(ctx))
	return rec
}

// occupy opens a stream of the session that stays open until the returned function is called.
func (w *world) occupy(session string) (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	flushed, done := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r := httptest.NewRequest(http.MethodGet, "/?session="+session, nil).WithContext(ctx)
		w.handler.ServeHTTP(&response{httptest.NewRecorder(), done}, r)
	}()
	<-flushed.Done()
	return func() {
		cancel()
		<-ended
	}
}
