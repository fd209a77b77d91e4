package durablestreams_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// A sink is a ResponseWriter that keeps nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) FlushError() error           { return nil }

// BenchmarkHandler is what a request costs without net/http around it. One op is a request: an
// append of 256 bytes or of 100 JSON messages of 100 bytes, or a read of 100 messages of 256 bytes.
func BenchmarkHandler(b *testing.B) {
	message := `{"n":1,"text":"` + strings.Repeat("~", 83) + `"}`
	for _, c := range []struct{ name, method, contentType, body string }{
		{"append/bytes", http.MethodPost, "application/octet-stream", strings.Repeat("~", 256)},
		{"append/json", http.MethodPost, "application/json", "[" + strings.Repeat(message+",", 99) + message + "]"},
		{"read", http.MethodGet, "", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			m, err := shard.New(shard.Config{TTL: -1, Linger: -1})
			if err != nil {
				b.Fatal(err)
			}
			defer m.Close()
			h := &durablestreams.Handler{
				Store:       replay.Local(m),
				AllowOrigin: func(*http.Request, string) bool { return true },
			}
			do := func(method, query, contentType, body string) int {
				r := httptest.NewRequest(method, "/s"+query, strings.NewReader(body))
				r.Header.Set("Content-Type", contentType)
				w := &sink{header: http.Header{}}
				h.ServeHTTP(w, r)
				return w.status
			}
			do(http.MethodPut, "", orText(c.contentType), "")
			from := ""
			if c.method == http.MethodGet {
				for range 100 {
					do(http.MethodPost, "", "text/plain", strings.Repeat("~", 256))
				}
				from = fmt.Sprintf("?offset=%016d_0000000000000000", 0)
			}
			body := strings.NewReader(c.body)
			r := httptest.NewRequest(c.method, "/s"+from, body)
			r.Header.Set("Content-Type", c.contentType)
			w := &sink{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(c.body)
				r.Body = io.NopCloser(body)
				clear(w.header)
				if h.ServeHTTP(w, r); w.status >= 300 {
					b.Fatal(w.status)
				}
			}
		})
	}
}

func orText(contentType string) string {
	if contentType == "" {
		return "text/plain"
	}
	return contentType
}
