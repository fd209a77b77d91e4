package tasks

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// connect connects the SDK's client.
func connect(t *testing.T, url, version string, opts *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	web := &http.Client{Transport: &http.Transport{}}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, opts).Connect(t.Context(),
		&mcp.StreamableClientTransport{Endpoint: url, HTTPClient: web},
		&mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close(); web.CloseIdleConnections() })
	return session
}

func TestTheHeaderMustNameTheTask(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{MaxRequestBodyBytes: 1 << 10})
	r.add("long", untilDone, Options{})
	id := r.begin(t, "", "long").TaskID
	for header, code := range map[string]int64{
		id: 0, "=?base64?" + encode(id) + "?=": 0, "another": mcp.CodeHeaderMismatch,
		"=?base64?" + encode("another") + "?=": mcp.CodeHeaderMismatch, "=?base64?!?=": mcp.CodeHeaderMismatch,
		"=?base64?=": mcp.CodeHeaderMismatch,
	} {
		got := r.do(t, request{method: methodGet, name: header, params: map[string]any{"taskId": id}})
		if got.code() != code || code != 0 && got.status != http.StatusBadRequest {
			t.Errorf("%q: %d %v", header, got.status, got.Error)
		}
	}
	nameless := http.Header{"Mcp-Name": nil}
	got := r.do(t, request{method: methodGet, params: map[string]any{"taskId": id}, header: nameless})
	if got.code() != mcp.CodeHeaderMismatch || !strings.Contains(got.Error.Message, "missing") {
		t.Errorf("no header: %v", got.Error)
	}
	w := httptest.NewRecorder()
	q := request{method: methodGet, params: map[string]any{"taskId": id, "x": strings.Repeat("x", 1<<10)}}
	if r.handler.ServeHTTP(w, q.httpRequest(t, "/")); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a large body: %d", w.Code)
	}
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	for _, method := range []string{methodGet, methodUpdate, methodCancel, methodListen} {
		for _, body := range []string{
			`{`, `[]`, `null`, `{}`, `{"jsonrpc":"2.0","id":1,"method":"` + method + `"}`,
			`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":null}`,
			`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":[]}`,
			`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{"taskId":7}}`,
			`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{"notifications":{"taskIds":["x"]}}}`,
			`{"jsonrpc":"2.0","id":1,"method":"` + method + `","params":{"notifications":{"taskIds":"x"}}}`,
			`{"jsonrpc":"2.0","method":"` + method + `","params":{"taskId":"x"}}`,
		} {
			w := httptest.NewRecorder()
			q := request{method: method, params: map[string]any{"taskId": "x"}}.httpRequest(t, "/")
			q.Body, q.ContentLength = http.NoBody, 0
			q = q.WithContext(t.Context())
			q.Body = readCloser{strings.NewReader(body)}
			if r.handler.ServeHTTP(w, q); w.Code != http.StatusBadRequest {
				t.Errorf("%s %s: %d %s", method, body, w.Code, w.Body)
			}
		}
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func TestRequestsThatComePastTheHandlerAreRefused(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	r.add("long", untilDone, Options{})
	r.handler = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return r.server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, DisableLocalhostProtection: true})
	for _, got := range []answer{r.call(t, "", "long", nil), r.ask(t, "", methodGet, "x", nil)} {
		if got.Error == nil || !strings.Contains(got.Error.Message, "Extension.Handler") {
			t.Errorf("%s %v", got.Result, got.Error)
		}
	}
}

func TestTheServerSaysThatItHasTheExtension(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	got := r.do(t, request{method: "server/discover"})
	if !strings.Contains(string(got.Result), `"extensions":{"io.modelcontextprotocol/tasks":{}}`) {
		t.Errorf("%s %v", got.Result, got.Error)
	}
}

// A listener is a client of subscriptions/listen.
type listener struct {
	lines *bufio.Scanner
	close func()
}

type message struct {
	Method string
	Params struct {
		info
		Meta          map[string]any `json:"_meta"`
		Notifications struct{ TaskIDs []string }
	}
	Result json.RawMessage
}

func listen(t *testing.T, url, user string, notifications map[string]any) *listener {
	t.Helper()
	q := request{user: user, method: methodListen, params: map[string]any{"notifications": notifications}}
	client := &http.Client{Transport: &http.Transport{}}
	resp, err := client.Do(q.httpRequest(t, url))
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{bufio.NewScanner(resp.Body), func() { resp.Body.Close(); client.CloseIdleConnections() }}
	t.Cleanup(l.close)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d", resp.StatusCode)
	}
	return l
}

// next returns the next message; false: the stream has ended.
func (l *listener) next(t *testing.T) (m message, ok bool) {
	t.Helper()
	for l.lines.Scan() {
		if data, is := strings.CutPrefix(l.lines.Text(), "data: "); is {
			if err := json.Unmarshal([]byte(data), &m); err != nil {
				t.Fatal(err)
			}
			return m, true
		}
	}
	return m, false
}

func TestASubscriptionHearsOfItsTasksUntilTheyHaveEnded(t *testing.T) {
	store := newStore(t, shard.Config{})
	a, b := newReplica(t, store, Config{}), newReplica(t, store, Config{})
	goOn := make(chan struct{})
	a.add("works", func(ctx context.Context, _ *mcp.CallToolRequest, _ any) (*mcp.CallToolResult, any, error) {
		<-goOn
		err := FromContext(ctx).Status(ctx, "nearly done")
		<-goOn
		return textResult("done"), nil, err
	}, Options{})
	a.add("long", untilDone, Options{})
	mine, bobs := a.begin(t, "ann", "works").TaskID, a.begin(t, "bob", "long").TaskID
	web := httptest.NewServer(b.handler)
	defer web.Close()
	l := listen(t, web.URL, "ann", map[string]any{"taskIds": []string{mine, bobs, "none", mine}})
	ack, _ := l.next(t)
	if ids := ack.Params.Notifications.TaskIDs; ack.Method != notificationAck || len(ids) != 1 || ids[0] != mine {
		t.Errorf("acknowledged %+v", ack)
	}
	for _, want := range []string{"working ", "working nearly done", "completed "} {
		m, _ := l.next(t)
		if got := m.Params.Status + " " + m.Params.StatusMessage; m.Method != notificationStatus || got != want ||
			m.Params.TaskID != mine || m.Params.Meta[mcp.MetaKeySubscriptionID] != 7.0 {
			t.Errorf("%+v, want %s", m, want)
		}
		if strings.HasPrefix(want, "completed") {
			if text, _ := textOf(t, m.Params.Result); text != "done" {
				t.Errorf("%s", m.Params.Result)
			}
			break
		}
		goOn <- struct{}{}
	}
	if m, ok := l.next(t); !ok || m.Result == nil {
		t.Errorf("at the end: %+v", m)
	}
	if m, ok := l.next(t); ok {
		t.Errorf("after the end: %+v", m)
	}
}

func TestASubscriptionHearsOfResourcesToo(t *testing.T) {
	allow := func(context.Context, *mcp.SubscribeRequest) error { return nil }
	forget := func(context.Context, *mcp.UnsubscribeRequest) error { return nil }
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	server := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"},
		&mcp.ServerOptions{SubscribeHandler: allow, UnsubscribeHandler: forget})
	if err := r.Install(server); err != nil {
		t.Fatal(err)
	}
	r.server = server
	r.add("long", untilDone, Options{})
	server.AddResource(&mcp.Resource{Name: "r", URI: "file:///r"}, nil)
	r.handler = r.Handler(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true}))
	id := r.begin(t, "", "long").TaskID
	web := httptest.NewServer(r.handler)
	defer web.Close()
	const uri = "file:///r"
	l := listen(t, web.URL, "", map[string]any{"taskIds": []string{id}, "resourceSubscriptions": []string{uri}})
	l.next(t)
	l.next(t) // working
	if err := server.ResourceUpdated(t.Context(), &mcp.ResourceUpdatedNotificationParams{URI: uri}); err != nil {
		t.Fatal(err)
	}
	if m, _ := l.next(t); m.Method != "notifications/resources/updated" {
		t.Errorf("%+v", m)
	}
	r.ask(t, "", methodCancel, id, nil)
	if m, _ := l.next(t); m.Params.Status != EventCancelled {
		t.Errorf("%+v", m)
	}
	if err := server.ResourceUpdated(t.Context(), &mcp.ResourceUpdatedNotificationParams{URI: uri}); err != nil {
		t.Fatal(err)
	}
	if m, _ := l.next(t); m.Method != "notifications/resources/updated" {
		t.Errorf("when the tasks have ended: %+v", m)
	}
	l.close()
}

func TestASubscriptionHearsOfATaskWhoseProcessHasDied(t *testing.T) {
	cut := &faulty{Store: newStore(t, shard.Config{Tick: time.Millisecond})}
	cfg := Config{Lease: 500 * time.Millisecond}
	a, b := newReplica(t, cut, cfg), newReplica(t, cut.Store, cfg)
	a.add("long", untilDone, Options{})
	id := a.begin(t, "", "long").TaskID
	web := httptest.NewServer(b.handler)
	defer web.Close()
	l := listen(t, web.URL, "", map[string]any{"taskIds": []string{id}})
	l.next(t)
	l.next(t)
	cut.away.Store(true)
	defer cut.away.Store(false)
	if m, _ := l.next(t); m.Params.Status != EventFailed || m.Params.Error.Code != jsonrpc.CodeInternalError {
		t.Errorf("%+v", m)
	}
}

func TestASubscriptionToTasksNeedsTheExtension(t *testing.T) {
	r := newReplica(t, newStore(t, shard.Config{}), Config{})
	got := r.do(t, request{method: methodListen, caps: map[string]any{},
		params: map[string]any{"notifications": map[string]any{"taskIds": []string{"x"}}}})
	if got.code() != mcp.CodeMissingRequiredClientCapabilities || got.status != http.StatusBadRequest {
		t.Errorf("%d %v", got.status, got.Error)
	}
}

func TestAListenerThatLeavesLeavesNothingBehind(t *testing.T) {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { manager.Close() })
	r := newReplica(t, replay.Local(manager), Config{})
	r.add("long", untilDone, Options{})
	id := r.begin(t, "", "long").TaskID
	web := httptest.NewServer(r.handler)
	defer web.Close()
	l := listen(t, web.URL, "", map[string]any{"taskIds": []string{id}})
	l.next(t)
	l.next(t)
	l.close()
	testkit.Eventually(t, "only the tool follows the task", func() bool { return manager.Stats().Attached == 1 })
}

func TestConfigNamesTheFieldThatIsOutOfRange(t *testing.T) {
	store := newStore(t, shard.Config{})
	for field, cfg := range map[string]Config{
		"Config.TTL":            {TTL: time.Millisecond},
		"Config.PollInterval":   {PollInterval: -1},
		"Config.Lease":          {Lease: time.Millisecond},
		"Config.MaxResultBytes": {MaxResultBytes: -1},
		"Config.MaxEvents":      {MaxEvents: 1},
	} {
		if _, err := New(store, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := New(struct{ replay.Store }{store}, Config{}); !errors.Is(err, replay.ErrUnsupported) {
		t.Errorf("a Store that cannot size its sessions: %v", err)
	}
	if _, err := New(struct {
		replay.Store
		replay.Creator
	}{store, store.(replay.Creator)}, Config{Finish: true}); !errors.Is(err, replay.ErrUnsupported) {
		t.Errorf("a Store that cannot finish sessions: %v", err)
	}
	if _, err := (Options{TTL: 1}).withDefaults(Config{PollInterval: 1}); err == nil ||
		!strings.Contains(err.Error(), "Options.TTL") {
		t.Errorf("%v", err)
	}
}

func TestALogOfALaterVersionCanBeRead(t *testing.T) {
	s := newState("t", facts{})
	for i, e := range []ring.Event{
		{Type: EventWorking, Data: []byte(`{"statusMessage":"a","new":1}`)},
		{Type: "of a later version", Data: []byte(`{}`)},
		{Type: EventFailed, Data: []byte(`{"error":{"code":1,"message":"m"}}`)}, {Type: EventCompleted, Data: []byte(`{}`)},
	} {
		e.Seq = uint64(i + 1)
		if err := s.apply(e); err != nil {
			t.Error(err)
		}
	}
	if s.status != EventFailed || s.last != 4 {
		t.Errorf("%+v", s)
	}
	if err := s.apply(ring.Event{Seq: 5, Data: []byte("?")}); err == nil {
		t.Error("what is no JSON is taken")
	}
}
