package inspector

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/shardtest"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// The managers that newManager makes are closed with their test.
var newManager, create = shardtest.New, shardtest.Create

func appendTo(t testing.TB, s *shard.Session, e ring.Event) {
	t.Helper()
	if _, err := s.Append(e); err != nil {
		t.Fatal(err)
	}
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func newHandler(t testing.TB, m *shard.Manager) *Handler {
	t.Helper()
	h := &Handler{Manager: m}
	t.Cleanup(h.Close)
	return h
}

// ask sends a request and returns the answer.
func ask(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// fetch decodes the JSON of an answer that must be 200.
func fetch[T any](t testing.TB, h http.Handler, target string) (v T) {
	t.Helper()
	w := ask(h, "GET", target)
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%s: %d, %s", target, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// handleOf is the handle under which h knows s.
func handleOf(h *Handler, s *shard.Session) string {
	h.once.Do(h.start)
	return h.handles.of(s.ID())
}

// A viewer is the client of a live feed: a ResponseWriter that keeps what is written to it.
type viewer struct {
	ctx    context.Context
	hangUp context.CancelFunc
	header http.Header

	mu   sync.Mutex
	body bytes.Buffer
}

func (v *viewer) Header() http.Header              { return v.header }
func (v *viewer) WriteHeader(int)                  {}
func (v *viewer) Flush()                           {}
func (v *viewer) SetWriteDeadline(time.Time) error { return nil }
func (v *viewer) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.body.Write(b)
}

// A seen event is one that a viewer got.
type seen struct{ id, typ, data string }

func (v *viewer) events() (all []seen) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for block := range strings.SplitSeq(v.body.String(), "\n\n") {
		var e seen
		for line := range strings.SplitSeq(block, "\n") {
			switch name, value, _ := strings.Cut(line, ": "); name {
			case "id":
				e.id = value
			case "event":
				e.typ = value
			case "data":
				e.data = value
			}
		}
		if e.data != "" {
			all = append(all, e)
		}
	}
	return all
}

// watch follows a feed until the test ends.
func watch(t *testing.T, h *Handler, target string, header ...string) (v *viewer, done chan struct{}) {
	ctx, hangUp := context.WithCancel(t.Context())
	v, done = &viewer{ctx: ctx, hangUp: hangUp, header: http.Header{}}, make(chan struct{})
	r := httptest.NewRequestWithContext(ctx, "GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	go func() {
		defer close(done)
		h.ServeHTTP(v, r)
	}()
	t.Cleanup(func() {
		v.hangUp()
		<-done
	})
	return v, done
}
