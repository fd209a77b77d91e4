package interop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
)

// arrival is an event as a client gets it, and when.
type arrival struct {
	id, data string
	at       time.Time
}

// follow opens a stream and sends what arrives, until the connection breaks, which closes the
// channel.
func follow(t *testing.T, client *http.Client, url, lastEventID string) (arrivals <-chan arrival, hangUp func()) {
	t.Helper()
	arrivals, hangUp, err := tryFollow(t.Context(), client, url, lastEventID)
	if err != nil {
		t.Fatal(err)
	}
	return arrivals, hangUp
}

func tryFollow(ctx context.Context, client *http.Client, url, lastEventID string) (<-chan arrival, func(), error) {
	ctx, cancel := context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, cancel, err
	}
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	late := time.AfterFunc(testkit.Patience, cancel)
	resp, err := client.Do(r)
	late.Stop()
	if err != nil {
		return nil, cancel, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, cancel, fmt.Errorf("status %d", resp.StatusCode)
	}
	events := make(chan arrival, 10_000)
	go func() {
		defer close(events)
		defer resp.Body.Close()
		parse(resp.Body, events)
	}()
	return events, cancel, nil
}

func parse(stream io.Reader, events chan<- arrival) {
	var next arrival
	hasData := false
	for lines := bufio.NewScanner(stream); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "id":
			next.id = value
		case name == "data":
			next.data, hasData = next.data+value, true
		case name == "" && hasData:
			next.at = time.Now()
			events <- next
			next, hasData = arrival{}, false
		}
	}
}

// next waits for the next event.
func next(t *testing.T, arrivals <-chan arrival) arrival {
	t.Helper()
	timer := time.NewTimer(testkit.Patience)
	defer timer.Stop()
	select {
	case a, ok := <-arrivals:
		if !ok {
			t.Fatal("the stream has ended")
		}
		return a
	case <-timer.C:
		t.Fatalf("no event in %v", testkit.Patience)
		return arrival{}
	}
}

// want waits for these events, in this order.
func want(t *testing.T, arrivals <-chan arrival, events ...ring.Event) {
	t.Helper()
	for i, e := range events {
		if a := next(t, arrivals); a.id != e.ID || a.data != string(e.Data) {
			t.Fatalf("event %d is %q %.80q, want %q %.80q", i, a.id, a.data, e.ID, e.Data)
		}
	}
}
