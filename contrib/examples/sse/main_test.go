package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/internal/testkit/sse"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func get(t *testing.T, web *httptest.Server, path string) string {
	t.Helper()
	resp, err := web.Client().Get(web.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestAJobIsFollowedThroughCutConnections(t *testing.T) {
	sessions, err := shard.New(shard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer sessions.Close()
	web := httptest.NewServer(routes(sessions, &replay.Handler{Store: replay.Local(sessions)}, 2*time.Millisecond))
	defer web.Close()
	proxy := proxy.New(t, web.Listener.Addr().String())

	resp, err := web.Client().Post(web.URL+"/jobs", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	id, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	url := proxy.URL() + "/events?session=" + string(id)

	stream := sse.Open(t, url, "")
	resumed := 0
	for percent := 1; percent <= 100; {
		e, ok := stream.Next()
		if !ok { // as an EventSource does
			stream = sse.Open(t, url, stream.LastID)
			resumed++
			continue
		}
		if want := fmt.Sprintf(`{"percent":%d}`, percent); e.Data != want || e.Type != "progress" {
			t.Fatalf("%+v, want %s", e, want)
		}
		if percent == 10 || percent == 50 {
			proxy.Cut()
		}
		percent++
	}
	if e, ok := stream.Next(); ok {
		t.Errorf("after the last event: %+v", e)
	}
	if end := sse.Open(t, url, stream.LastID); end.Status != http.StatusNoContent { // which ends an EventSource
		t.Errorf("a finished job is answered with %d", end.Status)
	}
	if resumed < 2 {
		t.Errorf("%d resumptions", resumed)
	}
	if metrics := get(t, web, "/metrics"); !strings.Contains(metrics, "\nreprise_events_appended_total 100\n") {
		t.Error(metrics)
	}
}
