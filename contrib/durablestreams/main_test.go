package durablestreams_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// A world is a Store and servers in front of it.
type world struct {
	t     *testing.T
	store replay.Store
}

func newWorld(t *testing.T, cfg shard.Config) *world {
	t.Helper()
	if cfg.Linger == 0 {
		cfg.Linger = -1
	}
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return &world{t, replay.Local(m)}
}

// serve starts a server with a Handler of its own, which knows only what the Store knows.
func (w *world) serve(h *durablestreams.Handler) *client {
	w.t.Helper()
	h.Store = w.store
	s := httptest.NewServer(h)
	w.t.Cleanup(func() {
		h.Close()
		s.Close()
	})
	return &client{w.t, s.URL, s.Client()}
}

type client struct {
	t    *testing.T
	url  string
	http *http.Client
}

type answer struct {
	*http.Response
	body string
}

// do makes a request; headers come as name, value, name, value.
func (c *client) do(method, path, body string, headers ...string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, headers...)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *client) try(method, path, body string, headers ...string) (answer, error) {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, c.url+path, r)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	if (method == "PUT" || method == "POST") && body != "" && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "text/plain")
	}
	res, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil {
		return answer{}, err
	}
	return answer{res, b.String()}, nil
}

func (c *client) want(status int, a answer) answer {
	c.t.Helper()
	if a.StatusCode != status {
		c.t.Fatalf("%s %s: %s, want %d: %q", a.Request.Method, a.Request.URL, a.Status, status, a.body)
	}
	return a
}

func producer(id string, epoch, seq int) []string {
	return []string{"Producer-Id", id, "Producer-Epoch", strconv.Itoa(epoch), "Producer-Seq", strconv.Itoa(seq)}
}

// readAll reads from an offset to the end, chunk by chunk.
func (c *client) readAll(path, from string) string {
	c.t.Helper()
	var all strings.Builder
	for {
		a := c.want(200, c.do("GET", fmt.Sprintf("%s?offset=%s", path, from), ""))
		all.WriteString(a.body)
		from = a.Header.Get("Stream-Next-Offset")
		if a.Header.Get("Stream-Up-To-Date") == "true" {
			return all.String()
		}
	}
}
