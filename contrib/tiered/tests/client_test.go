package tests

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	sse "github.com/tmaxmax/go-sse"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
)

// A client is an EventSource, of github.com/tmaxmax/go-sse: it comes back with the last ID when its
// connection breaks, and ends when it is told that there is nothing to come back to.
type client struct {
	mu     sync.Mutex
	events []sse.Event
	breaks int
}

// follow starts a client that ends with the test.
func follow(t *testing.T, url string) *client {
	t.Helper()
	c := &client{}
	ctx, stop := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/?session="+sessionID, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	source := (&sse.Client{
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Backoff:    sse.Backoff{InitialInterval: time.Millisecond, Multiplier: 1, MaxInterval: 10 * time.Millisecond},
		OnRetry: func(error, time.Duration) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.breaks++
		},
	}).NewConnection(request)
	source.SubscribeToAll(func(e sse.Event) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if e.Data != "" {
			c.events = append(c.events, e)
		}
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := source.Connect(); ctx.Err() == nil {
			t.Errorf("the client has ended after %d events: %v", c.count(), err)
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return c
}

func (c *client) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.events)
}

// until waits until the client has so many events.
func (c *client) until(t *testing.T, n int) {
	t.Helper()
	testkit.Eventually(t, "the client goes on", func() bool { return c.count() >= n })
}

// wantExactly wants the client to have what is stored, once and in order.
func (c *client) wantExactly(t *testing.T, stored []ring.Event) {
	t.Helper()
	c.wantFirst(t, stored)
	if n := c.count(); n != len(stored) {
		t.Errorf("the client has %d events of %d", n, len(stored))
	}
}

// wantFirst wants what is stored to be what the client has got first.
func (c *client) wantFirst(t *testing.T, stored []ring.Event) {
	t.Helper()
	c.until(t, len(stored))
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range stored {
		if got := c.events[i]; got.LastEventID != e.ID || got.Data != string(e.Data) {
			t.Fatalf("event %d of the client is %q %q, want %q %q", i+1, got.LastEventID, got.Data, e.ID, e.Data)
		}
	}
	t.Logf("%d events, %d breaks", len(stored), c.breaks)
}
