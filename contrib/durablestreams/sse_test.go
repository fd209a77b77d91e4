package durablestreams_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// writes is a ResponseWriter that notes when which messages were written.
type writes struct {
	header http.Header
	begun  time.Time
	mu     sync.Mutex
	all    []string
}

func (w *writes) Header() http.Header { return w.header }
func (w *writes) WriteHeader(int)     {}
func (w *writes) FlushError() error   { return nil }

func (w *writes) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, data, ok := strings.Cut(string(b), "event: data\ndata:"); ok {
		data, _, _ = strings.Cut(data, "\n")
		w.all = append(w.all, fmt.Sprintf("%s at %v", data, time.Since(w.begun)))
	}
	return len(b), nil
}

// A message after a silence goes out at once. One that follows closely waits for an interval, and
// goes out with what has come by then.
func TestMessagesInQuickSuccessionGoToAReaderInOneWrite(t *testing.T) {
	for interval, want := range map[time.Duration][]string{
		0:                     {"a at 1s", "bc at 1.006s", "d at 1.05s"},
		10 * time.Millisecond: {"a at 1s", "bc at 1.011s", "d at 1.06s"},
		-1:                    {"a at 1s", "b at 1.001s", "c at 1.002s", "d at 1.05s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			m, err := shard.New(shard.Config{TTL: -1, Linger: -1})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			h := &durablestreams.Handler{Store: replay.Local(m), SSEInterval: interval}
			w := &writes{header: http.Header{}, begun: time.Now()}
			send := func(method, body string) {
				r := httptest.NewRequest(method, "/s", strings.NewReader(body))
				r.Header.Set("Content-Type", "text/plain")
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
			send(http.MethodPut, "")
			var reader sync.WaitGroup
			reader.Go(func() {
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/s?offset=-1&live=sse", nil))
			})
			for at, message := range []string{1000: "a", 1001: "b", 1002: "c", 1050: "d"} {
				if message != "" {
					time.Sleep(time.Until(w.begun.Add(time.Duration(at) * time.Millisecond)))
					send(http.MethodPost, message)
				}
			}
			time.Sleep(time.Second)
			h.Close()
			reader.Wait()
			if !slices.Equal(w.all, want) {
				t.Errorf("with an interval of %v: %q, want %q", interval, w.all, want)
			}
		})
	}
}
