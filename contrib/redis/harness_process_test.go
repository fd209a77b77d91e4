package redis_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// asProcess tells the test binary to be one process of several, on the Redis at that address,
// asHasty how long its Leases are, and asTiered to have sessions of its own in front of Redis.
const (
	asProcess = "REPRISE_REDIS_PROCESS"
	asHasty   = "REPRISE_REDIS_LEASE"
	asTiered  = "REPRISE_REDIS_TIERED"
)

// TestProcess is what another process of these tests runs. It ends with its standard input.
func TestProcess(t *testing.T) {
	addr := os.Getenv(asProcess)
	if addr == "" {
		return // this is the process that runs the tests
	}
	var store replay.Store = newStore(t, processConfig(), addr)
	if os.Getenv(asTiered) != "" {
		store = newTiered(t, store, tiered.Config{Sync: true})
	}
	h := &replay.Handler{Store: store, Retry: time.Millisecond}
	server := &http.Server{Handler: handler(store, h)}
	server.RegisterOnShutdown(h.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	wantNoErr(t, "Listen", err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(l)
	}()
	fmt.Println("serving", l.Addr())
	io.Copy(io.Discard, os.Stdin)
	server.Shutdown(context.Background())
	<-served
}

// handler lets GET follow a session, PUT create it, and POST append the body to it.
func handler(store replay.Store, stream http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", stream)
	do := func(method string, call func(ctx context.Context, session string, body []byte) error) {
		mux.HandleFunc(method+" /", func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				err = call(r.Context(), r.URL.Query().Get("session"), body)
			}
			if err != nil && !errors.Is(err, ring.ErrDuplicateID) {
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
			}
		})
	}
	do(http.MethodPut, func(ctx context.Context, session string, _ []byte) error {
		_, err := store.Create(ctx, session, shard.Metadata{})
		return err
	})
	do(http.MethodPost, func(ctx context.Context, session string, body []byte) error {
		_, err := store.Append(ctx, session, ring.Event{ID: string(body), Data: body})
		return err
	})
	return mux
}

func processConfig() redis.Config {
	cfg := roomy("p")
	if unit, err := time.ParseDuration(os.Getenv(asHasty)); err == nil {
		cfg.Lease, cfg.TTL = unit, 2*unit
	}
	return cfg
}

// A process is this test binary in another process.
type process struct {
	addr  string
	cmd   *exec.Cmd
	stdin io.Closer
}

func startProcess(t testing.TB, redisAddr string, environment ...string) *process {
	t.Helper()
	return startTest(t, "^TestProcess$", append(environment, asProcess+"="+redisAddr)...)
}

// startTest runs one test in another process, in an environment that makes it serve, and say where,
// until its standard input ends.
func startTest(t testing.TB, name string, environment ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], "-test.run", name)}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stderr = os.Stderr
	redis.EndWithUs(p.cmd)
	stdin, err := p.cmd.StdinPipe()
	wantNoErr(t, "StdinPipe", err)
	stdout, err := p.cmd.StdoutPipe()
	wantNoErr(t, "StdoutPipe", err)
	wantNoErr(t, "start", p.cmd.Start())
	p.stdin = stdin
	t.Cleanup(p.stop)
	line, err := bufio.NewReader(stdout).ReadString('\n')
	wantNoErr(t, "reading where the process serves", err)
	addr, ok := strings.CutPrefix(strings.TrimSpace(line), "serving ")
	if !ok {
		t.Fatalf("the process says %q", line)
	}
	p.addr = addr
	go io.Copy(io.Discard, stdout)
	return p
}

// stop lets the process end by itself, and kill ends it at once.
func (p *process) stop() {
	p.stdin.Close()
	p.cmd.Wait()
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// A client follows session s over HTTP, and comes back with the last event ID whenever the
// connection ends.
type client struct {
	url     string
	http    http.Client
	last    string
	events  []string
	streams int
	early   bool // it may come with an event that is not yet known where it lands, and comes again
}

// read takes one connection until it ends or the client has so many events.
func (c *client) read(ctx context.Context, goal int) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		return err
	}
	if c.last != "" {
		r.Header.Set("Last-Event-ID", c.last)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil // cut
	}
	defer answer.Body.Close()
	if c.early && answer.StatusCode == http.StatusGone {
		return nil
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s after event %q", answer.Status, c.last)
	}
	c.streams++
	var id, data string
	lines := bufio.NewScanner(answer.Body)
	for len(c.events) < goal && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			id = value
		case "data":
			data = value
		case "": // the event is complete
			if data != "" {
				c.last = id
				c.events = append(c.events, data)
			}
			id, data = "", ""
		}
	}
	return nil
}

func newClientOf(b *proxy.Proxy) *client {
	return &client{url: b.URL() + "/?session=s", http: http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
}

// follow reads events through a balancer that breaks every connection soon, until it has so many.
func (c *client) follow(t testing.TB, balancer *proxy.Proxy, goal int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	most := goal * 18 / 12 // bytes a connection, as an event takes 18 or more: so there are at least 12 connections
	for len(c.events) < goal {
		balancer.CutAfter(1 + rand.IntN(most))
		if err := c.read(ctx, goal); err != nil || ctx.Err() != nil {
			t.Fatalf("after %d events: %v %v", len(c.events), err, ctx.Err())
		}
	}
	if c.streams < 10 {
		t.Errorf("the client was cut off %d times only", c.streams-1)
	}
	t.Logf("%d events over %d streams", len(c.events), c.streams)
}

// wantStored wants the client to have exactly what is stored.
func (c *client) wantStored(t testing.TB, store replay.Store) {
	t.Helper()
	r, err := store.Open(t.Context(), "s", replay.Position{})
	wantNoErr(t, "Open", err)
	defer r.Close()
	stored, err := replay.Drain(r)
	wantNoErr(t, "Drain", err)
	equal(t, "events stored", len(stored), len(c.events))
	for i, e := range stored {
		if c.events[i] != string(e.Data) {
			t.Fatalf("the client has %q at place %d, want %q", c.events[i], i, e.Data)
		}
	}
}

// call sends one request to the process, about session s.
func (p *process) call(method, body string) error {
	r, err := http.NewRequest(method, "http://"+p.addr+"/?session=s", strings.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s: %s", answer.Status, said)
	}
	return nil
}

// post sends a writer's events to the process.
func (p *process) post(writer, n int) error {
	for i := range n {
		if err := p.call(http.MethodPost, fmt.Sprint(writer, ":", i)); err != nil {
			return err
		}
	}
	return nil
}
