package gosdk

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// timed is a ResponseWriter that notes, for each write and flush, how much time it has; -1 is for
// ever.
type timed struct {
	*httptest.ResponseRecorder
	deadline time.Time
	had      []time.Duration
}

func (w *timed) SetWriteDeadline(t time.Time) error { w.deadline = t; return nil }

func (w *timed) left() time.Duration {
	if w.deadline.IsZero() {
		return -1
	}
	return time.Until(w.deadline)
}

func (w *timed) Write(p []byte) (int, error) {
	w.had = append(w.had, w.left())
	return w.ResponseRecorder.Write(p)
}

func (w *timed) FlushError() error {
	w.had = append(w.had, w.left())
	return nil
}

func TestEachWriteOnAnEventStreamHasItsTime(t *testing.T) {
	const ever = time.Duration(-1)
	for name, c := range map[string]struct {
		contentType  string
		protoMajor   int
		writeTimeout time.Duration
		during, idle time.Duration // what is left of it
		after        time.Duration
	}{
		"default":         {"text/event-stream", 1, 0, 10 * time.Second, 9 * time.Second, 10 * time.Second},
		"3 s":             {"text/event-stream", 1, 3 * time.Second, 3 * time.Second, 2 * time.Second, 3 * time.Second},
		"3 s over HTTP/2": {"text/event-stream", 2, 3 * time.Second, 3 * time.Second, ever, 3 * time.Second},
		"off":             {"text/event-stream", 1, -1, ever, ever, ever},
		"off over HTTP/2": {"text/event-stream", 2, -1, ever, ever, ever},
		"no event stream": {"application/json", 1, 0, ever, ever, ever},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &timed{ResponseRecorder: httptest.NewRecorder()}
				next := http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
					out.Header().Set("Content-Type", c.contentType)
					for range 2 {
						out.Write([]byte("data"))
						http.NewResponseController(out).Flush()
						time.Sleep(time.Second)
						if left := w.left(); left != c.idle {
							t.Errorf("a second after a write: %v left, want %v", left, c.idle)
						}
					}
				})
				r := request("", "")
				r.ProtoMajor = c.protoMajor
				store := &hooked{Store: nil}
				Middleware(store, next, Options{WriteTimeout: c.writeTimeout}).ServeHTTP(w, r)
				if !slices.Equal(w.had, []time.Duration{c.during, c.during, c.during, c.during}) {
					t.Errorf("the writes and flushes had %v, want %v each", w.had, c.during)
				}
				if left := w.left(); left != c.after {
					t.Errorf("the end of the response has %v, want %v", left, c.after)
				}
			})
		})
	}
}

func TestAStalledClientEndsItsRequest(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		m := newManager(t, shard.Config{})
		if _, err := m.CreateWithID("S", shard.Metadata{}); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			event, err := []byte("data: "+strings.Repeat("x", 64<<10)+"\n\n"), error(nil)
			for err == nil {
				_, err = w.Write(event)
			}
			<-r.Context().Done() // as the SDK waits
			ended <- err
		})
		web := httptest.NewUnstartedServer(
			Middleware(replay.Local(m), next, Options{WriteTimeout: 100 * time.Millisecond}),
		)
		web.EnableHTTP2 = http2
		web.StartTLS()
		r, err := http.NewRequest(http.MethodGet, web.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(mcphttp.SessionID, "S")
		resp, err := web.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.ProtoMajor == 2; got != http2 {
			t.Errorf("%s", resp.Proto)
		}
		if err := <-ended; !http2 && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the write ended with %v", resp.Proto, err)
		}
		web.CloseClientConnections()
		resp.Body.Close()
		web.Close() // waits for the request
		if n := m.Stats().Attached; n != 0 {
			t.Errorf("%s: %d requests are still attached", resp.Proto, n)
		}
	}
}

func TestEventStreamsAskProxiesNotToBuffer(t *testing.T) {
	for _, c := range []struct{ contentType, cacheControl, wantCache, wantBuffering string }{
		{"text/event-stream", "", "no-cache, no-transform", "no"},
		{"text/event-stream", "no-store", "no-store", "no"},
		{"application/json", "", "", ""},
	} {
		for name, begin := range map[string]func(http.ResponseWriter){
			"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
			"Write":       func(w http.ResponseWriter) { w.Write([]byte("data")) },
			"Flush":       func(w http.ResponseWriter) { http.NewResponseController(w).Flush() },
		} {
			next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", c.contentType)
				if c.cacheControl != "" {
					w.Header().Set("Cache-Control", c.cacheControl)
				}
				begin(w)
			})
			w := httptest.NewRecorder()
			Middleware(&hooked{}, next, Options{}).ServeHTTP(w, request("", ""))
			header := w.Result().Header
			if header.Get("Cache-Control") != c.wantCache || header.Get("X-Accel-Buffering") != c.wantBuffering {
				t.Errorf("%s, %s: %v", c.contentType, name, header)
			}
		}
	}
}

func TestAResumedStreamBeginsByRepeatingLastEventID(t *testing.T) {
	const stream, prime = "text/event-stream", "event: prime\nid: s_3\ndata: \n\n"
	for name, c := range map[string]struct {
		method, id, version, contentType, data, want string
	}{
		"resumed":            {"GET", "s_3", "2025-11-25", stream, "data", "retry: 20\n" + prime + "data"},
		"without an event":   {"GET", "s_3", "2025-11-25", stream, "", "retry: 20\n" + prime},
		"an older client":    {"GET", "s_3", "2025-06-18", stream, "data", "retry: 20\ndata"},
		"no version":         {"GET", "s_3", "", stream, "data", "retry: 20\ndata"},
		"from the start":     {"GET", "", "2025-11-25", stream, "data", "retry: 20\ndata"},
		"a call":             {"POST", "s_3", "2025-11-25", stream, "data", "retry: 20\ndata"},
		"an error":           {"GET", "s_3", "2025-11-25", "text/plain", "data", "data"},
		"CR":                 {"GET", "s_3\rdata: x", "2025-11-25", stream, "data", "retry: 20\ndata"},
		"LF":                 {"GET", "s_3\ndata: x", "2025-11-25", stream, "data", "retry: 20\ndata"},
		"NUL":                {"GET", "s\x00_3", "2025-11-25", stream, "data", "retry: 20\ndata"},
		"not UTF-8":          {"GET", "s\xff_3", "2025-11-25", stream, "data", "retry: 20\ndata"},
		"more than 256 byte": {"GET", strings.Repeat("s", 255) + "_3", "2025-11-25", stream, "data", "retry: 20\ndata"},
	} {
		next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.contentType)
			if c.data != "" {
				w.Write([]byte(c.data))
			}
		})
		r := request("", "")
		r.Method = c.method
		r.Header["Last-Event-Id"] = []string{c.id}
		r.Header.Set("Mcp-Protocol-Version", c.version)
		w := httptest.NewRecorder()
		Middleware(&hooked{}, next, Options{Retry: 20 * time.Millisecond}).ServeHTTP(w, r)
		if got := w.Body.String(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
