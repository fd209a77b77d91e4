package main

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/npm"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const cuts = 10

// start serves the program, and a proxy in front of it.
func start(t *testing.T, delay time.Duration) (*app, *proxy.Proxy) {
	t.Helper()
	a, err := newApp(delay)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(a.routes())
	t.Cleanup(func() {
		a.close()
		s.Close()
		a.sessions.Close()
	})
	return a, proxy.New(t, s.Listener.Addr().String())
}

type said struct {
	Text     string
	Breaks   int // which the script has seen to
	Reloads  int // where the client has given up
	Finished bool
}

// run runs one of the scripts.
func run(t *testing.T, script string, args ...string) (s said) {
	t.Helper()
	command := npm.Node(t, filepath.Join("testdata", script), args...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return s
}

var want = strings.Join(words("hello"), " ")

func TestAIResumesThroughTenCuts(t *testing.T) {
	a, p := start(t, time.Millisecond)
	var after []int
	for n := range cuts {
		after = append(after, 2_000*(n+1)) // each time the answer comes from its beginning
	}
	p.CutEach(after...)
	got := run(t, "ai.mjs", "ask", p.URL()+"/api/chat", "chat 1")
	if got.Text != want || got.Breaks < cuts || p.Cuts() != cuts {
		t.Errorf("%d breaks, %d cuts, text %q", got.Breaks, p.Cuts(), got.Text)
	}
	if n := a.sessions.Stats().Created; n != 1 {
		t.Errorf("the model ran %d times", n)
	}
	if again := run(t, "ai.mjs", "resume", p.URL()+"/api/chat", "chat 1"); again.Text != want {
		t.Errorf("after a reload: %q", again.Text)
	}
}

func TestAIIsToldThatThereIsNothingToResume(t *testing.T) {
	_, p := start(t, time.Hour)
	for _, chat := range []string{"never begun", "stopped"} {
		if chat == "stopped" {
			response := post(t, p.URL()+"/api/chat", `{"id":"stopped","messages":[]}`)
			stop := post(t, p.URL()+"/api/chat/stopped/stop", "")
			stop.Body.Close()
			defer response.Body.Close()
		}
		if got := run(t, "ai.mjs", "resume", p.URL()+"/api/chat", chat); got.Text != "nothing to resume" {
			t.Errorf("a chat that was %s: %q", chat, got.Text)
		}
	}
}

// post returns when the headers have come.
func post(t *testing.T, url, body string) *http.Response {
	t.Helper()
	res, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode >= 300 {
		t.Fatalf("%s: %s", url, res.Status)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	return res
}

func TestAIStopsTheAnswer(t *testing.T) {
	_, p := start(t, 50*time.Millisecond) // what is stopped takes a quarter of a minute otherwise
	got := run(t, "ai.mjs", "stop", p.URL()+"/api/chat", "chat 1")
	if got.Text == "" || got.Text == want || !strings.HasPrefix(want, got.Text) || got.Breaks != 0 {
		t.Errorf("%d breaks, text %q", got.Breaks, got.Text)
	}
	if again := run(t, "ai.mjs", "resume", p.URL()+"/api/chat", "chat 1"); again.Text != "nothing to resume" {
		t.Errorf("after a reload: %q", again.Text)
	}
}

func TestTanStackResumesThroughTenCuts(t *testing.T) {
	a, p := start(t, time.Millisecond)
	p.CutEach(slices.Repeat([]int{2_500}, cuts)...)
	got := run(t, "tanstack.mjs", "ask", p.URL()+"/runs", "run 1")
	if got.Text != want || got.Reloads >= cuts || p.Cuts() != cuts {
		t.Errorf("%d cuts, %d reloads, text %q", p.Cuts(), got.Reloads, got.Text)
	}
	p.CutEach(slices.Repeat([]int{2_500}, cuts)...)
	again := run(t, "tanstack.mjs", "join", p.URL()+"/runs", "run 1")
	if again.Text != want || again.Reloads >= cuts || p.Cuts() != 2*cuts {
		t.Errorf("joined: %d cuts, %d reloads, text %q", p.Cuts()-cuts, again.Reloads, again.Text)
	}
	if n := a.sessions.Stats().Created; n != 1 {
		t.Errorf("the model ran %d times", n)
	}
}

func TestTanStackStopsTheRun(t *testing.T) {
	_, p := start(t, 50*time.Millisecond) // what is stopped takes a quarter of a minute otherwise
	got := run(t, "tanstack.mjs", "stop", p.URL()+"/runs", "run 1")
	again := run(t, "tanstack.mjs", "join", p.URL()+"/runs", "run 1")
	if again.Text == want || !again.Finished || !strings.HasPrefix(want, again.Text) ||
		got.Text == "" || !strings.HasPrefix(again.Text, got.Text) {
		t.Errorf("stopped at %q, joined: %q, finished: %t", got.Text, again.Text, again.Finished)
	}
}

// What joinRun asks for: everything, or what comes after Last-Event-ID.
func TestARunIsJoinedAfterLastEventID(t *testing.T) {
	_, p := start(t, 0)
	post(t, p.URL()+"/runs", `{"runId":"run 1","messages":[{"content":"hello"}]}`).Body.Close()
	join := func(runID, lastEventID string) (status int, data, ids []string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL()+"/runs?offset=-1&runId="+runID, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", lastEventID)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				data = append(data, text)
			} else if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				ids = append(ids, id)
			}
		}
		return res.StatusCode, data, ids
	}
	_, all, ids := join("run+1", "")
	at := len(all) / 2
	_, rest, _ := join("run+1", ids[len(ids)-len(all)+at])
	if len(all) != len(words("hello"))+5 || !slices.Equal(rest, all[at+1:]) {
		t.Errorf("%d events, and %d after number %d", len(all), len(rest), at)
	}
	if status, _, _ := join("unknown", ""); status != http.StatusNotFound {
		t.Errorf("an unknown run: %d", status)
	}
}
