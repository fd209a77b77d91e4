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
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// asProcess tells the test binary to be one process of several, on the Redis at that address, and asHasty how long its Leases are.
const (
	asProcess = "REPRISE_REDIS_PROCESS"
	asHasty   = "REPRISE_REDIS_LEASE"
)

// TestProcess is what another process of these tests runs: GET follows a session, POST appends the body to it. It ends with its standard input.
func TestProcess(t *testing.T) {
	addr := os.Getenv(asProcess)
	if addr == "" {
		return // this is the process that runs the tests
	}
	store := newStore(t, processConfig(), addr)
	h := &replay.Handler{Store: store, Retry: time.Millisecond}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			h.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = store.Append(r.Context(), r.URL.Query().Get("session"), ring.Event{ID: string(body), Data: body})
		}
		if err != nil && !errors.Is(err, ring.ErrDuplicateID) {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})}
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

func startProcess(t testing.TB, redisAddr string) *process {
	t.Helper()
	return startTest(t, "^TestProcess$", asProcess+"="+redisAddr)
}

// startTest runs one test in another process, in an environment that makes it serve, and say where, until its standard input ends.
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

// A client follows session s over HTTP, and comes back with the last event ID whenever the connection ends.
type client struct {
	url     string
	http    http.Client
	last    string
	events  []string
	streams int
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

func TestClientOfTwoProcessesThatLandsOnTheOtherOneEachTime(t *testing.T) {
	const writers, each = 4, 250
	server := newServer(t)
	one, other := startProcess(t, server.addr), startProcess(t, server.addr)
	balancer := newCable(t, one.addr, other.addr) // for the client's streams
	store := newStore(t, processConfig(), server.addr)
	create(t, store, "s")
	done := make(chan error, writers)
	for w := range writers {
		go func() { done <- post([]*process{one, other}[w%2], w, each) }()
	}
	c := &client{url: "http://" + balancer.addr() + "/?session=s", http: http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(c.events) < writers*each {
		balancer.arm(1 + rand.IntN(1500))
		if err := c.read(ctx, writers*each); err != nil || ctx.Err() != nil {
			t.Fatalf("after %d events: %v %v", len(c.events), err, ctx.Err())
		}
	}
	for range writers {
		wantNoErr(t, "POST", <-done)
	}
	r, err := store.Open(t.Context(), "s", replay.Position{})
	wantNoErr(t, "Open", err)
	defer r.Close()
	stored, err := replay.Drain(r)
	wantNoErr(t, "Drain", err)
	equal(t, "events stored", len(stored), writers*each)
	for i, e := range stored {
		if c.events[i] != string(e.Data) {
			t.Fatalf("the client has %q at place %d, want %q", c.events[i], i, e.Data)
		}
	}
	if c.streams < 10 {
		t.Errorf("the client was cut off %d times only", c.streams-1)
	}
	t.Logf("%d events over %d streams", len(c.events), c.streams)
}

// post sends a writer's events to a process.
func post(p *process, writer, n int) error {
	for i := range n {
		answer, err := http.Post("http://"+p.addr+"/?session=s", "text/plain", strings.NewReader(fmt.Sprint(writer, ":", i)))
		if err != nil {
			return err
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", answer.Status)
		}
	}
	return nil
}

// A process that dies with a reader open holds the session for a Lease and no longer.
func TestReaderOfAProcessThatDiesLetsGo(t *testing.T) {
	server := newServer(t)
	redis.InTime(t, time.Second, func(lease time.Duration) bool {
		t.Setenv(asHasty, lease.String())
		p := startProcess(t, server.addr)
		defer p.kill()
		cfg := processConfig()
		store, id := newStore(t, cfg, server.addr), "s"+lease.String()
		create(t, store, id)
		answer, err := http.Get("http://" + p.addr + "/?session=" + id)
		wantNoErr(t, "GET", err)
		defer answer.Body.Close()
		time.Sleep(cfg.TTL + cfg.Lease)
		info, err := store.Info(t.Context(), id)
		if err != nil || info.Status != shard.Active || info.Attached != 1 {
			return false // the process came too late to renew the lease, this once
		}
		p.kill()
		died := time.Now()
		eventually(t, "the session has expired", func() bool {
			info, err := store.Info(t.Context(), id)
			return err == nil && info.Status == shard.Expired
		})
		return time.Since(died) <= cfg.TTL+cfg.Lease+cfg.Lease/2
	})
}
