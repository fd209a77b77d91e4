package gosdk

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

const resource = "file:///shared"

// replica is a server that a Handler serves to clients of both eras.
type replica struct {
	manager  *shard.Manager
	server   *mcp.Server
	endpoint *Endpoint
	url      string
	addr     string
}

func newReplica(t *testing.T, manager *shard.Manager, opts HandlerOptions) *replica {
	t.Helper()
	allow := func(context.Context, *mcp.SubscribeRequest) error { return nil }
	forget := func(context.Context, *mcp.UnsubscribeRequest) error { return nil }
	r := &replica{manager: manager, server: mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"},
		&mcp.ServerOptions{GetSessionID: NewSessionID, SubscribeHandler: allow, UnsubscribeHandler: forget})}
	r.server.AddResource(
		&mcp.Resource{Name: "shared", URI: resource},
		func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
			return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: resource, Text: "x"}}}, nil
		},
	)
	mcp.AddTool(
		r.server,
		&mcp.Tool{Name: "count"},
		func(ctx context.Context, c *mcp.CallToolRequest, in countInput) (*mcp.CallToolResult, any, error) {
			for i := 1; i <= in.To; i++ {
				progress := &mcp.ProgressNotificationParams{
					ProgressToken: c.Params.GetProgressToken(),
					Progress:      float64(i),
				}
				if err := c.Session.NotifyProgress(ctx, progress); err != nil {
					return nil, nil, err
				}
			}
			return nil, nil, nil
		},
	)
	var err error
	r.endpoint, err = Handler(replay.Local(manager), func(*http.Request) *mcp.Server { return r.server }, opts)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewUnstartedServer(r.endpoint)
	web.Config.RegisterOnShutdown(r.endpoint.Close)
	web.Start()
	t.Cleanup(web.Close)
	t.Cleanup(web.CloseClientConnections)
	t.Cleanup(r.endpoint.Close)
	r.url, r.addr = web.URL, web.Listener.Addr().String()
	return r
}

// client is the SDK's, of one era.
func (r *replica) client(t *testing.T, url, version string, opts *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, opts)
	web := &http.Client{Transport: &http.Transport{}}
	session, err := client.Connect(
		t.Context(),
		&mcp.StreamableClientTransport{Endpoint: url, HTTPClient: web, MaxRetries: 100},
		&mcp.ClientSessionOptions{ProtocolVersion: version},
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close(); web.CloseIdleConnections() })
	if got := session.InitializeResult().ProtocolVersion; got != version {
		t.Fatalf("the client speaks %s, want %s", got, version)
	}
	return session
}

func TestClientsOfBothErasAreServedAtOneURLAtTheSameTime(t *testing.T) {
	const calls = 20
	r := newReplica(t, newManager(t, shard.Config{}), HandlerOptions{})
	var both sync.WaitGroup
	for _, version := range []string{"2025-11-25", "2026-07-28"} {
		var mu sync.Mutex
		seen := 0
		session := r.client(t, r.url, version, &mcp.ClientOptions{
			ProgressNotificationHandler: func(context.Context,
				*mcp.ProgressNotificationClientRequest) {
				mu.Lock()
				seen++
				mu.Unlock()
			},
		})
		if stateful := session.ID() != ""; stateful != (version == "2025-11-25") {
			t.Errorf("%s: session %q", version, session.ID())
		}
		both.Go(func() {
			for range calls {
				if err := count(context.Background(), session, 5); err != nil {
					t.Errorf("%s: %v", version, err)
				}
			}
			testkit.Eventually(
				t,
				version+": all progress has arrived",
				func() bool { mu.Lock(); defer mu.Unlock(); return seen == 5*calls },
			)
		})
	}
	both.Wait()
	if stats := r.manager.Stats(); stats.Created != 1 || stats.Appended == 0 {
		t.Errorf("%d sessions, %d events: the earlier era alone has them", stats.Created, stats.Appended)
	}
}

func TestTheEarlierEraResumesBehindAHandler(t *testing.T) {
	r := newReplica(t, newManager(t, shard.Config{}), HandlerOptions{})
	p := proxy.New(t, r.addr)
	seen := make(chan float64, 100)
	session := r.client(t, p.URL(), "2025-11-25", &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context,
			n *mcp.ProgressNotificationClientRequest) {
			seen <- n.Params.Progress
		},
	})
	p.Cut()
	for s := range r.server.Sessions() {
		if s.ID() == session.ID() {
			s.NotifyProgress(context.Background(), &mcp.ProgressNotificationParams{ProgressToken: "p", Progress: 7})
		}
	}
	if got := <-seen; got != 7 {
		t.Errorf("progress %v", got)
	}
}

func TestTheLaterEraHasAPlaceForItsExtensions(t *testing.T) {
	modern := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(299) })
	e, err := Handler(replay.Local(newManager(t, shard.Config{})), func(*http.Request) *mcp.Server {
		return mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	}, HandlerOptions{Modern: modern})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		version, session, body string
		modern                 bool
	}{
		"by its header":            {"2026-07-28", "", `{}`, true},
		"a version to come":        {"2027-01-01", "", `{}`, true},
		"an older version":         {"2025-11-25", "", `{}`, false},
		"by its _meta":             {"", "", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`, true},
		"no version":               {"", "", initialize, false},
		"a session and its _meta":  {"", "S", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`, false},
		"no JSON":                  {"", "", `{`, false},
		"the last of two versions": {"2025-11-25,2026-07-28", "", `{}`, true},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
		for _, v := range strings.Split(c.version, ",") {
			if v != "" {
				r.Header.Add("Mcp-Protocol-Version", v)
			}
		}
		if c.session != "" {
			r.Header.Set("Mcp-Session-Id", c.session)
		}
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		if got := w.Code == 299; got != c.modern {
			t.Errorf("%s: %d, of the later era: %v, want %v", name, w.Code, got, c.modern)
		}
	}
}

func TestUpdatesReachTheListenersOfEveryReplica(t *testing.T) {
	manager := newManager(t, shard.Config{})
	heard := make(chan string, 100)
	var updates []*Updates
	for i, name := range []string{"first", "second"} {
		r := newReplica(t, manager, HandlerOptions{})
		u, err := NewUpdates(t.Context(), replay.Local(manager), r.server, UpdatesOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(u.Close)
		updates = append(updates, u)
		for _, version := range []string{"2025-11-25", "2026-07-28"} {
			session := r.client(t, r.url, version, &mcp.ClientOptions{
				ResourceUpdatedHandler: func(_ context.Context, n *mcp.ResourceUpdatedNotificationRequest) {
					heard <- name + " " + version + " " + n.Params.URI
				},
			})
			if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: resource}); err != nil {
				t.Fatalf("replica %d, %s: %v", i, version, err)
			}
		}
	}
	for _, u := range updates {
		if err := u.ResourceUpdated(t.Context(), &mcp.ResourceUpdatedNotificationParams{URI: resource}); err != nil {
			t.Fatal(err)
		}
		all := map[string]bool{}
		for range 4 {
			all[<-heard] = true
		}
		if len(all) != 4 {
			t.Errorf("heard by %v", all)
		}
	}
	if err := replay.Authorize(t.Context(), replay.Local(manager), "mcp-resource-updates", ""); err == nil {
		t.Error("the shared session is anybody's")
	}
}

func TestUpdatesGoOnInANewSessionWhenTheirsHasEnded(t *testing.T) {
	manager := newManager(t, shard.Config{Linger: -1})
	store := replay.Local(manager)
	r := newReplica(t, manager, HandlerOptions{})
	u, err := NewUpdates(t.Context(), store, r.server, UpdatesOptions{SessionID: "u"})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	heard := make(chan struct{}, 100)
	session := r.client(t, r.url, "2026-07-28", &mcp.ClientOptions{
		ResourceUpdatedHandler: func(context.Context, *mcp.ResourceUpdatedNotificationRequest) { heard <- struct{}{} },
	})
	if err := session.Subscribe(t.Context(), &mcp.SubscribeParams{URI: resource}); err != nil {
		t.Fatal(err)
	}
	manager.Terminate("u")
	testkit.Eventually(
		t,
		"it is followed again",
		func() bool { info, err := manager.Info("u"); return err == nil && info.Attached == 1 },
	)
	if err := u.ResourceUpdated(t.Context(), &mcp.ResourceUpdatedNotificationParams{URI: resource}); err != nil {
		t.Fatal(err)
	}
	<-heard
}
