package tests

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	// This process is a server that writes: on "redis <address> <prefix>" or "pebble <directory>".
	processEnv = "REPRISE_TIERED_PROCESS"
	// It waits for the session while another process writes it, and when it has lost it.
	patientEnv = "REPRISE_TIERED_PATIENT"

	term      = 500 * time.Millisecond
	sessionID = "shared"
	writers   = 4
)

func TestMain(m *testing.M) {
	if behind := os.Getenv(processEnv); behind != "" {
		if err := serveAndWrite(behind); err != nil {
			say("failed", err)
			os.Exit(1)
		}
		return
	}
	testkit.Main(m)
}

// say prints a line by one write, which a pipe takes whole.
func say(args ...any) { os.Stdout.WriteString(fmt.Sprintln(args...)) }

// serveAndWrite serves the session over HTTP, and appends to it with several goroutines until its
// input ends. Each confirmed event is a line. It goes on serving until it is killed, or until all
// goroutines have lost the session.
func serveAndWrite(behind string) error {
	back, err := openBack(behind)
	if err != nil {
		return err
	}
	s, err := tiered.New(back, tiered.Config{
		Sync: true, Term: term, Shard: shard.Config{Ring: ring.Config{MaxEvents: 1 << 20, MaxBytes: 1 << 30}},
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	if _, err := s.Create(ctx, sessionID, shard.Metadata{Principal: "alice"}); err != nil &&
		!errors.Is(err, shard.ErrExists) {
		return err
	}
	go http.Serve(listener, &replay.Handler{
		Store: s, Retry: time.Millisecond, Principal: func(*http.Request) string { return "alice" },
	})
	say("serving", listener.Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	var all sync.WaitGroup
	for g := range writers {
		all.Go(func() { appendForEver(ctx, s, g) })
	}
	all.Wait()
	if ctx.Err() != nil {
		select {}
	}
	return nil
}

func openBack(behind string) (replay.Store, error) {
	kind, where, _ := strings.Cut(behind, " ")
	if kind == "pebble" {
		return pebble.Open(where, pebble.Config{})
	}
	addr, prefix, _ := strings.Cut(where, " ")
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		return nil, err
	}
	return redis.New(client, redis.Config{Prefix: prefix})
}

func appendForEver(ctx context.Context, s *tiered.Store, g int) {
	lost := false
	for i := 0; ctx.Err() == nil; i++ {
		e, err := s.Append(ctx, sessionID, ring.Event{Data: fmt.Appendf(nil, "%d-%d-%d", os.Getpid(), g, i)})
		switch {
		case err == nil:
			lost = false
			say("ok", e.Seq, e.ID, string(e.Data))
		case ctx.Err() != nil:
		case !errors.Is(err, tiered.ErrElsewhere) && !errors.Is(err, replay.ErrFenced):
			say("failed", err)
			return
		default:
			if !lost {
				say("lost", err)
			}
			if lost = true; os.Getenv(patientEnv) == "" {
				return
			}
			time.Sleep(term / 50) // between two attempts
		}
	}
}

// A process is such a server.
type process struct {
	cmd       *exec.Cmd
	stdin     io.Closer // ends the writing
	addr      chan string
	confirmed chan string // "sequence ID data"
	lost      chan string
}

func startProcess(t *testing.T, behind string, env ...string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(append(os.Environ(), processEnv+"="+behind), env...)
	cmd.Stderr = os.Stderr
	testkit.EndWithUs(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd, in, make(chan string, 1), make(chan string, 1<<20), make(chan string, 1<<10)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.read(t, out)
	}()
	t.Cleanup(func() {
		p.signal(syscall.SIGCONT)
		p.signal(syscall.SIGKILL)
		<-done
		cmd.Wait()
	})
	return p
}

func (p *process) signal(s syscall.Signal) { p.cmd.Process.Signal(s) }

func (p *process) read(t *testing.T, out io.Reader) {
	defer close(p.confirmed)
	defer close(p.lost)
	for r := bufio.NewReader(out); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return // a line that is not whole was not confirmed to anybody
		}
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch kind {
		case "serving":
			p.addr <- rest
		case "ok":
			p.confirmed <- rest
		case "lost":
			p.lost <- rest
		case "failed":
			t.Errorf("the process says: %s", rest)
		}
	}
}

// await returns what was confirmed first.
func (p *process) await(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		all = append(all, testkit.Await(t, "an append is confirmed", p.confirmed))
	}
	return all
}

// rest returns what else was confirmed, once the process has ended.
func (p *process) rest() (all []string) {
	for c := range p.confirmed {
		all = append(all, c)
	}
	return all
}

// quiet ends the writing, and returns what else was confirmed: everything up to the end of what is
// stored, but for what was under way.
func (p *process) quiet(t *testing.T, s replay.Store) []ring.Event {
	t.Helper()
	p.stdin.Close()
	var before uint64
	testkit.Eventually(t, "nothing is appended any more", func() bool {
		info, err := s.Info(t.Context(), sessionID)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { before = info.Log.Last }()
		time.Sleep(moment)
		return before == info.Log.Last
	})
	return everything(t, s)
}

func everything(t *testing.T, s replay.Store) []ring.Event {
	t.Helper()
	return stored(t, s, sessionID, replay.Position{})
}
