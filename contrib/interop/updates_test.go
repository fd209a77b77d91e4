package interop

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/internal/testkit"
)

const (
	replicaRedis = "INTEROP_REPLICA_REDIS" // where a replica finds Redis
	sharedURI    = "file:///shared"
)

func TestAnUpdateOfOneProcessReachesTheListenersOfEachOverRedis(t *testing.T) {
	addr := startRedis(t)
	heard := make(chan string, 100)
	var replicas []*replicaProcess
	for _, name := range []string{"first", "second"} {
		r := startReplica(t, addr)
		replicas = append(replicas, r)
		for _, version := range []string{"2025-11-25", "2026-07-28"} {
			client := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1"}, &mcp.ClientOptions{
				ResourceUpdatedHandler: func(_ context.Context, n *mcp.ResourceUpdatedNotificationRequest) {
					heard <- name + " " + version + " " + n.Params.URI
				},
			})
			web := &http.Client{Transport: &http.Transport{}}
			session, err := client.Connect(
				t.Context(),
				&mcp.StreamableClientTransport{Endpoint: r.url, HTTPClient: web},
				&mcp.ClientSessionOptions{ProtocolVersion: version},
			)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { session.Close(); web.CloseIdleConnections() })
			if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: sharedURI}); err != nil {
				t.Fatalf("%s, %s: %v", name, version, err)
			}
		}
	}
	for i, r := range replicas {
		fmt.Fprintln(r.stdin, sharedURI)
		all := map[string]bool{}
		for range 4 {
			all[testkit.Await(t, "a listener hears of the update", heard)] = true
		}
		if len(all) != 4 {
			t.Errorf("the update of replica %d was heard by %v", i, all)
		}
	}
}

// A replicaProcess is this test program, run as a server.
type replicaProcess struct {
	url   string
	stdin interface{ Write([]byte) (int, error) } // a line is the URI of a resource that has changed
}

func startReplica(t *testing.T, redis string) *replicaProcess {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestReplica$")
	command.Env = append(os.Environ(), replicaRedis+"="+redis)
	command.Stderr = os.Stderr
	testkit.EndWithUs(command)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); command.Wait() })
	url, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the replica says nothing: %v", err)
	}
	return &replicaProcess{strings.TrimSpace(url), stdin}
}

// TestReplica is what startReplica runs: a server for clients of both eras, until its input ends.
func TestReplica(t *testing.T) {
	addr := os.Getenv(replicaRedis)
	if addr == "" {
		return // run with the others it has nothing to test
	}
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	store, err := redis.New(client, redis.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	server := mcp.NewServer(&mcp.Implementation{Name: "interop", Version: "1"}, &mcp.ServerOptions{
		GetSessionID:       gosdk.NewSessionID,
		SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
	})
	server.AddResource(
		&mcp.Resource{Name: "shared", URI: sharedURI},
		func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
			return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: sharedURI, Text: "x"}}}, nil
		},
	)
	updates, err := gosdk.NewUpdates(t.Context(), store, server, gosdk.UpdatesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer updates.Close()
	endpoint, err := gosdk.Handler(store, func(*http.Request) *mcp.Server { return server }, gosdk.HandlerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listenAndServe(t, &http.Server{Handler: endpoint}, endpoint.Close)
	fmt.Println(url)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if err := updates.ResourceUpdated(t.Context(),
			&mcp.ResourceUpdatedNotificationParams{URI: lines.Text()}); err != nil {
			t.Error(err)
		}
	}
	for session := range server.Sessions() {
		session.Close()
	}
}

// startRedis returns the address of a redis-server that ends with the test.
func startRedis(t *testing.T) string {
	t.Helper()
	addr := testkit.FreeAddr(t)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), program(t, "redis-server", "redis-server"),
		"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	testkit.EndWithUs(command)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill(); command.Wait() })
	testkit.Eventually(t, "redis-server serves", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return addr
}
