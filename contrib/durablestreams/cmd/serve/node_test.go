package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/npm"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"go.uber.org/goleak"
)

// Two goroutines of fasthttp end later than its server, and one never.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"))
}

// start serves a Handler like that of the program, and returns its address.
func start(t testing.TB, open opener, change ...func(*durablestreams.Handler)) string {
	t.Helper()
	store, closeStore, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := closeStore(); err != nil {
			t.Error(err)
		}
	})
	h := newHandler(store)
	h.LongPoll = 2 * time.Second
	for _, f := range change {
		f(h)
	}
	return startServer(t, h, patience, h.Close)
}

// startServer serves a Handler as the program does, and returns its address.
func startServer(t testing.TB, h http.Handler, patience time.Duration, onShutdown func()) string {
	t.Helper()
	server := newServer(h, patience)
	server.long.RegisterOnShutdown(onShutdown)
	l, done := testkit.Listen(t), make(chan error, 1)
	go func() { done <- server.serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Patience)
		defer cancel()
		if err := server.shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
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
			cmd := npm.Node(t, "node_modules/vitest/vitest.mjs", "run", "--dir", "testdata", "--testTimeout", "60000",
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

func TestTheOfficialClientReadsEveryByteOnceThroughTenCuts(t *testing.T) {
	const messages, cuts = 2000, 10
	message := func(i int) string {
		return fmt.Sprintf(`{"n":%d,"text":"進捗 прогресс","done":%t}`, i, i == messages-1)
	}
	for _, live := range []string{"sse", "long-poll"} {
		t.Run(live, func(t *testing.T) {
			// so that the client comes on between cuts
			small := func(h *durablestreams.Handler) { h.MaxChunk = 4 << 10 }
			addr := start(t, stores(t)["memory"], small)
			p := proxy.New(t, addr)
			p.CutEach(slices.Repeat([]int{8_000}, cuts)...)
			send(t, http.MethodPut, "http://"+addr+"/s", "")
			var sender sync.WaitGroup
			sender.Go(func() { // while the client reads
				for i := range messages {
					send(t, http.MethodPost, "http://"+addr+"/s", message(i))
				}
			})
			defer sender.Wait()
			cmd := npm.Node(t, "testdata/read.mjs", p.URL()+"/s", live)
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
			if len(lines) != messages || p.Cuts() != cuts {
				t.Errorf("%d messages of %d, %d cuts", len(lines), messages, p.Cuts())
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
