package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
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

// cutTenTimes cuts the proxy's connections after one, two, … ten times so many bytes.
func cutTenTimes(t *testing.T, p *proxy.Proxy, bytes func(n int) int) {
	t.Helper()
	go func() {
		for n := range cuts {
			fuse, ok := p.CutAfter(bytes(n))
			if !ok {
				t.Error("a cut is pending")
				return
			}
			select {
			case <-fuse.Done:
			case <-t.Context().Done():
				return
			}
		}
	}()
}

type said struct {
	Text   string
	Breaks int
}

// npm runs one of the scripts with the Node.js of package-lock.json.
func npm(t *testing.T, script string, args ...string) (s said) {
	t.Helper()
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	node, err := filepath.Abs(filepath.Join("node_modules", "node-linux-"+arch, "bin", "node"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(node); err != nil {
		t.Fatalf("the npm packages are missing, make test installs them: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), node, append([]string{filepath.Join("testdata", script)}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
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
	cutTenTimes(t, p, func(n int) int { return 2_000 * (n + 1) }) // each time the answer comes from its beginning
	got := npm(t, "ai.mjs", "ask", p.URL()+"/api/chat", "chat 1")
	if got.Text != want || got.Breaks != cuts || p.Cuts() != cuts {
		t.Errorf("%d breaks, %d cuts, text %q", got.Breaks, p.Cuts(), got.Text)
	}
	if n := a.sessions.Stats().Created; n != 1 {
		t.Errorf("the model ran %d times", n)
	}
	if again := npm(t, "ai.mjs", "resume", p.URL()+"/api/chat", "chat 1"); again.Text != want {
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
		if got := npm(t, "ai.mjs", "resume", p.URL()+"/api/chat", chat); got.Text != "nothing to resume" {
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

func TestTanStackResumesThroughTenCuts(t *testing.T) {
	a, p := start(t, time.Millisecond)
	cutTenTimes(t, p, func(int) int { return 3_000 })
	if got := npm(t, "tanstack.mjs", "ask", p.URL()+"/runs", "run 1"); got.Text != want || p.Cuts() != cuts {
		t.Errorf("%d cuts, text %q", p.Cuts(), got.Text)
	}
	if n := a.sessions.Stats().Created; n != 1 {
		t.Errorf("the model ran %d times", n)
	}
	if again := npm(t, "tanstack.mjs", "join", p.URL()+"/runs", "run 1"); again.Text != want {
		t.Errorf("after a reload: %q", again.Text)
	}
}
