package tests

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	writerEnv = "REPRISE_TIERED_WRITER" // address and prefix of the Store behind: this process is a writer
	term      = 500 * time.Millisecond
	sessionID = "shared"
)

func TestMain(m *testing.M) {
	if where := os.Getenv(writerEnv); where != "" {
		if err := write(where); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	testkit.Main(m)
}

// write is the other process: four goroutines append to one session, and each prints what was
// confirmed to it.
func write(where string) error {
	addr, prefix, _ := strings.Cut(where, " ")
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		return err
	}
	back, err := redis.New(client, redis.Config{Prefix: prefix})
	if err != nil {
		return err
	}
	s, err := tiered.New(back, tiered.Config{Sync: true, Term: term})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if _, err := s.Create(ctx, sessionID, shard.Metadata{Principal: "alice"}); err != nil &&
		!errors.Is(err, shard.ErrExists) {
		return err
	}
	var all sync.WaitGroup
	var out sync.Mutex
	say := func(args ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(args...)
	}
	for g := range 4 {
		all.Go(func() {
			for i := 0; ; i++ {
				e, err := s.Append(ctx, sessionID, ring.Event{Data: fmt.Appendf(nil, "%d-%d-%d", os.Getpid(), g, i)})
				if errors.Is(err, tiered.ErrElsewhere) || errors.Is(err, replay.ErrFenced) ||
					errors.Is(err, shard.ErrNotFound) {
					say("lost", err)
					return
				}
				if err != nil {
					say("failed", err)
					return
				}
				say("ok", e.Seq, e.ID, string(e.Data))
			}
		})
	}
	all.Wait()
	return nil
}

// A writer is such a process.
type writer struct {
	cmd       *exec.Cmd
	confirmed chan string // "sequence ID data"
	lost      chan string
}

func startWriter(t *testing.T, addr, prefix string) *writer {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), writerEnv+"="+addr+" "+prefix)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := &writer{cmd, make(chan string, 1<<20), make(chan string, 16)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.read(t, out)
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGCONT)
		cmd.Process.Kill()
		<-done
		cmd.Wait()
	})
	return w
}

func (w *writer) read(t *testing.T, out io.Reader) {
	defer close(w.confirmed)
	defer close(w.lost)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		switch kind {
		case "ok":
			w.confirmed <- rest
		case "lost":
			w.lost <- rest
		case "failed":
			t.Errorf("the writer says: %s", rest)
		}
	}
}

// await returns what was confirmed first.
func (w *writer) await(t *testing.T, n int) (all []string) {
	t.Helper()
	for range n {
		all = append(all, testkit.Await(t, "an append is confirmed", w.confirmed))
	}
	return all
}

// wantAll wants every confirmed event in the log, once, in order, and no sequence missing.
func wantAll(t *testing.T, events []ring.Event, confirmed []string) {
	t.Helper()
	has := make(map[string]int)
	for i, e := range events {
		if e.Seq != uint64(i)+events[0].Seq {
			t.Fatalf("sequence %d follows on %d", e.Seq, events[max(0, i-1)].Seq)
		}
		has[fmt.Sprint(e.Seq, " ", e.ID, " ", string(e.Data))]++
	}
	for _, c := range confirmed {
		if seq := strings.Fields(c)[0]; has[c] != 1 && fmt.Sprint(events[0].Seq) <= seq {
			t.Fatalf("confirmed %q is there %d times, of %d events", c, has[c], len(events))
		}
	}
}

// takeOver appends until this process may.
func takeOver(t *testing.T, s *tiered.Store) ring.Event {
	t.Helper()
	var e ring.Event
	testkit.Eventually(t, "the session is taken over", func() bool {
		var err error
		e, err = s.Append(t.Context(), sessionID, ring.Event{Data: []byte("taken over")})
		if err != nil && !errors.Is(err, tiered.ErrElsewhere) {
			t.Fatal(err)
		}
		return err == nil
	})
	return e
}

func TestAnotherProcessGoesOnWhereAKilledOneWas(t *testing.T) {
	addr := newServer(t).addr
	w := startWriter(t, addr, "k")
	var confirmed []string
	confirmed = append(confirmed, w.await(t, 200)...)
	back := newRedis(t, addr, redis.Config{Prefix: "k"})
	s := newTiered(t, back, tiered.Config{Sync: true, Term: term})
	r, err := s.Open(t.Context(), sessionID, replay.Position{}) // reads what another process writes
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := s.Append(t.Context(), sessionID, ring.Event{}); !errors.Is(err, tiered.ErrElsewhere) {
		t.Fatalf("Append while another process writes: %v", err)
	}
	w.cmd.Process.Kill()
	for c := range w.confirmed {
		confirmed = append(confirmed, c)
	}
	last := takeOver(t, s)
	events := stored(t, s, sessionID, replay.Position{})
	wantAll(t, events, confirmed)
	if end := events[len(events)-1]; end.Seq != last.Seq || end.ID != last.ID {
		t.Errorf("the newest event is %d %q, want %d %q", end.Seq, end.ID, last.Seq, last.ID)
	}
	if info, err := s.Info(t.Context(), sessionID); err != nil || info.Principal != "alice" {
		t.Errorf("the session is %+v, %v", info, err)
	}
	seen := uint64(0)
	for seen < last.Seq { // the reader that was there before sees all of it, once
		var e ring.Event
		if !r.Next(&e) {
			if err := r.Wait(t.Context()); err != nil || r.Err() != nil {
				t.Fatal(err, r.Err())
			}
			continue
		}
		if e.Seq != seen+1 {
			t.Fatalf("after %d comes %d", seen, e.Seq)
		}
		seen = e.Seq
	}
	for _, e := range events[:3] { // IDs and places that the dead process gave are good
		rest := stored(t, s, sessionID, replay.Position{LastEventID: e.ID, All: true})
		if rest[0].Seq != e.Seq+1 {
			t.Errorf("after %q comes %d", e.ID, rest[0].Seq)
		}
	}
}

func TestAWriterThatWasOnlyPausedIsToldThatItHasLostTheSession(t *testing.T) {
	addr := newServer(t).addr
	w := startWriter(t, addr, "p")
	confirmed := w.await(t, 100)
	w.cmd.Process.Signal(syscall.SIGSTOP)
	s := newTiered(t, newRedis(t, addr, redis.Config{Prefix: "p"}), tiered.Config{Sync: true, Term: term})
	takeOver(t, s)
	w.cmd.Process.Signal(syscall.SIGCONT)
	if lost := testkit.Await(t, "the writer is told", w.lost); lost == "" {
		t.Error("the writer was not told")
	}
	for c := range w.confirmed { // it ends once all four have been told
		confirmed = append(confirmed, c)
	}
	add(t, s, sessionID, "still here")
	wantAll(t, stored(t, s, sessionID, replay.Position{}), confirmed)
}

func TestAStoreThatIsClosedLeavesItsSessionsToOthersAtOnce(t *testing.T) {
	addr := newServer(t).addr
	back := newRedis(t, addr, redis.Config{})
	a := newTiered(t, back, tiered.Config{Term: time.Hour})
	create(t, a, "s")
	for i := range 1000 {
		add(t, a, "s", fmt.Sprint(i))
	}
	place := stored(t, a, "s", replay.Position{})[499]
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Append(t.Context(), "s", ring.Event{}); !errors.Is(err, shard.ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	b := newTiered(t, back, tiered.Config{})
	add(t, b, "s", "1000")
	rest := stored(t, b, "s", replay.Position{LastEventID: place.ID, All: true})
	if len(rest) != 501 || string(rest[0].Data) != "500" || string(rest[500].Data) != "1000" {
		t.Errorf("%d events from %q to %q", len(rest), rest[0].Data, rest[len(rest)-1].Data)
	}
}
