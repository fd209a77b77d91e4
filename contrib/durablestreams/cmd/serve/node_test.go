package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/durablestreams"
)

// node returns a command that runs the Node.js of package-lock.json.
func node(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	arch := map[string]string{"amd64": "x64"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	program, err := filepath.Abs(filepath.Join("node_modules", "node-linux-"+arch, "bin", "node"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("the npm packages are missing, make test installs them: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// start serves a Handler like that of the program, and returns its address.
func start(t testing.TB, open opener, change ...func(*durablestreams.Handler)) string {
	t.Helper()
	store, closeStore, err := open()
	if err != nil {
		t.Fatal(err)
	}
	h := newHandler(store)
	h.LongPoll = 2 * time.Second
	for _, f := range change {
		f(h)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	t.Cleanup(func() {
		h.Close()
		server.Close()
		if err := closeStore(); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// passed and skipped are what the pinned suite has to say of a server that does everything but
// subscriptions, whose six cases it leaves out itself unless told otherwise.
const (
	passed  = 332
	skipped = 6
)

func TestTheProtocolsOwnSuite(t *testing.T) {
	for name, open := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := filepath.Join(t.TempDir(), "report.json")
			cmd := node(t, "node_modules/vitest/vitest.mjs", "run", "--dir", "testdata", "--testTimeout", "60000",
				"--reporter", "json", "--outputFile", report)
			cmd.Env = append(os.Environ(), "STREAMS_URL=http://"+start(t, open))
			out, runErr := cmd.CombinedOutput()
			text, err := os.ReadFile(report)
			if err != nil {
				t.Fatalf("%v, %v\n%s", runErr, err, out)
			}
			var result struct {
				NumPassedTests, NumFailedTests, NumPendingTests int
				TestResults                                     []struct {
					AssertionResults []struct {
						FullName, Status string
						FailureMessages  []string
					}
				}
			}
			if err := json.Unmarshal(text, &result); err != nil {
				t.Fatal(err)
			}
			for _, file := range result.TestResults {
				for _, c := range file.AssertionResults {
					if c.Status == "failed" {
						t.Errorf("%s: %s", c.FullName, strings.Join(c.FailureMessages, "; "))
					}
				}
			}
			if result.NumPassedTests != passed || result.NumPendingTests != skipped {
				t.Errorf("%d passed, %d failed, %d skipped; want %d and %d",
					result.NumPassedTests, result.NumFailedTests, result.NumPendingTests, passed, skipped)
			}
		})
	}
}

// A cutter is a proxy that cuts connections after so many bytes to the client, so many times.
type cutter struct {
	to    string
	after int64
	cuts  atomic.Int64
	most  int64
}

func (c *cutter) start(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.pass(conn.(*net.TCPConn))
		}
	}()
	return l.Addr().String()
}

func (c *cutter) pass(client *net.TCPConn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.to)
	if err != nil {
		return
	}
	defer server.Close()
	go io.Copy(server, client)
	if c.cuts.Load() < c.most {
		if n, _ := io.CopyN(client, server, c.after); n == c.after && c.cuts.Add(1) <= c.most {
			client.SetLinger(0) // a reset: what is under way is lost
			return
		}
	}
	io.Copy(client, server)
}

func TestTheOfficialClientReadsEveryByteOnceThroughTenCuts(t *testing.T) {
	const messages = 2000
	message := func(i int) string {
		return fmt.Sprintf(`{"n":%d,"text":"進捗 прогресс","done":%t}`, i, i == messages-1)
	}
	for _, live := range []string{"sse", "long-poll"} {
		t.Run(live, func(t *testing.T) {
			// so that the client comes on between cuts
			small := func(h *durablestreams.Handler) { h.MaxChunk = 4 << 10 }
			addr := start(t, stores(t)["memory"], small)
			proxy := &cutter{to: addr, after: 10_000, most: 10}
			send(t, http.MethodPut, "http://"+addr+"/s", "")
			var sender sync.WaitGroup
			sender.Go(func() { // while the client reads
				for i := range messages {
					send(t, http.MethodPost, "http://"+addr+"/s", message(i))
				}
			})
			defer sender.Wait()
			cmd := node(t, "testdata/read.mjs", "http://"+proxy.start(t)+"/s", live)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			for i, line := range lines {
				if line != message(i) {
					t.Fatalf("line %d is %q", i, line)
				}
			}
			if n := proxy.cuts.Load(); len(lines) != messages || n < proxy.most {
				t.Errorf("%d messages of %d, %d cuts", len(lines), messages, n)
			}
		})
	}
}

func send(t testing.TB, method, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	fetch(t, http.DefaultClient, req)
}

// fetch makes a request, reads the answer to its end and wants it to be a success.
func fetch(t testing.TB, c *http.Client, req *http.Request) http.Header {
	res, err := c.Do(req)
	if err != nil {
		t.Error(err)
		return http.Header{}
	}
	defer res.Body.Close()
	io.Copy(io.Discard, res.Body)
	if res.StatusCode >= 300 {
		t.Errorf("%s %s: %s", req.Method, req.URL, res.Status)
	}
	return res.Header
}
