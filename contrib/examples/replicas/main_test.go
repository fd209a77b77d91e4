package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/internal/testkit/sse"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// startRedis starts a redis-server of the test's own on loopback and returns its address.
func startRedis(t *testing.T) string {
	t.Helper()
	addr := testkit.FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	server := exec.Command(
		"redis-server",
		"--port",
		port,
		"--bind",
		"127.0.0.1",
		"--save",
		"",
		"--appendonly",
		"no",
		"--dir",
		t.TempDir(),
	)
	if err := server.Start(); err != nil {
		t.Fatalf("redis-server: %v", err)
	}
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait()
	})
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
		<-tick.C
	}
	t.Fatal("redis-server does not come up in 10 s")
	return ""
}

// startReplica returns a replica and where it listens.
func startReplica(t *testing.T, redis string) (*replica, *httptest.Server) {
	t.Helper()
	r, err := newReplica(redis, 5*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	web := httptest.NewServer(r.routes())
	t.Cleanup(func() { r.events.Close(); web.Close() })
	return r, web
}

func TestAJobIsFollowedFromOneReplicaToTheNext(t *testing.T) {
	redis := startRedis(t)
	one, first := startReplica(t, redis)
	_, second := startReplica(t, redis)
	_, third := startReplica(t, redis)
	balancer := proxy.New(t, first.Listener.Addr().String())

	resp, err := first.Client().Post(first.URL+"/jobs", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	id, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	url := balancer.URL() + "/events?session=" + string(id)

	stream := sse.Open(t, url, "")
	resumed := 0
	for percent := 1; percent <= 100; {
		e, ok := stream.Next()
		if !ok {
			stream = sse.Open(t, url, stream.LastID)
			resumed++
			continue
		}
		if want := fmt.Sprintf(`{"percent":%d}`, percent); e.Data != want || e.ID != fmt.Sprintf("step-%d", percent) {
			t.Fatalf("%+v, want %s", e, want)
		}
		switch percent {
		case 10: // the network goes
			balancer.To(second.Listener.Addr().String())
			balancer.Cut()
		case 50: // a replica is taken out of service
			balancer.To(third.Listener.Addr().String())
			second.CloseClientConnections()
		}
		percent++
	}
	if _, more := stream.Next(); more {
		t.Error("the stream goes on after the job's end")
	}
	if end := sse.Open(t, url, stream.LastID); end.Status != http.StatusNoContent {
		t.Errorf("a finished job is answered with %d", end.Status)
	}
	if resumed < 2 {
		t.Errorf("%d resumptions", resumed)
	}
	if st := one.events.Stats(); st.Events == 0 || st.Events >= 100 {
		t.Errorf("the first replica wrote %d events", st.Events)
	}
}
