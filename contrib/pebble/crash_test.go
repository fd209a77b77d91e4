package pebble

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// The tests' binary is also the program that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("REPRISE_CRASH_DIR"); dir != "" {
		if err := victim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv("REPRISE_ALONE") != "" {
		os.Exit(m.Run())
	}
	testkit.Main(m)
}

// crashRounds is how often a process is killed: make crash sets it.
func crashRounds(t *testing.T, otherwise int) int {
	v := os.Getenv("REPRISE_CRASHES")
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("REPRISE_CRASHES is %q, want a number", v)
	}
	return n
}

// A killer starts processes on one directory and one listener, and keeps what they confirmed.
type killer struct {
	t         testing.TB
	dir       string
	listener  *os.File
	confirmed map[string]map[uint64]string // session, sequence: ID and data
	ids       map[string]bool              // that were ever confirmed
}

func newKiller(t testing.TB) *killer {
	l := testkit.Listen(t)
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return &killer{t: t, dir: t.TempDir(), listener: f,
		confirmed: map[string]map[uint64]string{"s": {}, "small": {}}, ids: map[string]bool{}}
}

// run lets a process live until stop says so, which is called once the process serves.
func (k *killer) run(stop func(lines <-chan string), env ...string) {
	k.t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(append(os.Environ(), "REPRISE_CRASH_DIR="+k.dir), env...)
	command.ExtraFiles = []*os.File{k.listener}
	endWithUs(command)
	stdin, err1 := command.StdinPipe()
	stdout, err2 := command.StdoutPipe()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err1 != nil || err2 != nil {
		k.t.Fatal(err1, err2)
	}
	if err := command.Start(); err != nil {
		k.t.Fatal(err)
	}
	defer stdin.Close()
	lines := make(chan string, 1024)
	go func() {
		defer close(lines)
		for r := bufio.NewReader(stdout); ; {
			line, err := r.ReadString('\n')
			if err != nil {
				return // a line that is not whole was not confirmed to anybody
			}
			lines <- strings.TrimSpace(line)
		}
	}()
	if first, ok := <-lines; !ok || first != "ready" {
		command.Wait()
		k.t.Fatalf("the process did not come up: %q %s", first, &stderr)
	}
	stop(lines)
	command.Process.Kill()
	for line := range lines {
		k.note(line)
	}
	command.Wait()
	if stderr.Len() > 0 {
		k.t.Fatalf("the process says: %s", &stderr)
	}
}

// note keeps a confirmation, and wants its ID to be a new one.
func (k *killer) note(line string) {
	k.t.Helper()
	var session, id, data string
	var seq uint64
	if n, err := fmt.Sscan(line, &session, &seq, &id, &data); n != 4 {
		k.t.Fatalf("line %q: %v", line, err)
	}
	if k.ids[session+" "+id] {
		k.t.Errorf("ID %s of session %s was given twice", id, session)
	}
	k.ids[session+" "+id] = true
	k.confirmed[session][seq] = id + " " + data
}

// check opens the directory and wants everything that was confirmed, once and in order.
func (k *killer) check() {
	k.t.Helper()
	s, err := Open(k.dir, Config{MinFree: -1})
	if err != nil {
		k.t.Fatal(err)
	}
	defer s.Close()
	for id, confirmed := range k.confirmed {
		events := readAll(k.t, s, id)
		found := map[uint64]string{}
		for i, e := range events {
			if i > 0 && e.Seq != events[i-1].Seq+1 {
				k.t.Fatalf("session %s: event %d follows on %d", id, e.Seq, events[i-1].Seq)
			}
			found[e.Seq] = e.ID + " " + string(e.Data)
		}
		last := uint64(0)
		if len(events) > 0 {
			last = events[len(events)-1].Seq
		}
		for seq, want := range confirmed {
			if seq > last {
				k.t.Fatalf("session %s: event %d was confirmed, and %d is the newest", id, seq, last)
			}
			if got := found[seq]; got != want && (id == "s" || seq+5 > last) {
				k.t.Fatalf("session %s: event %d is %q, confirmed was %q", id, seq, got, want)
			}
		}
	}
}

func readAll(t testing.TB, s *Store, id string) []ring.Event {
	t.Helper()
	r, err := s.Open(context.Background(), id, replay.Position{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	events, err := replay.Drain(r)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// A process is killed in the middle of appends again and again: every event that it had confirmed
// is there, once and in order, and a client that comes back each time has got each of them once.
func TestKilledProcessLosesNothingThatItConfirmed(t *testing.T) {
	k := newKiller(t)
	c := &client{url: "http://" + k.addr() + "/?session=s"}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	rounds := crashRounds(t, 20)
	var reading sync.WaitGroup
	for i := range rounds {
		k.run(func(lines <-chan string) {
			if i == 0 {
				reading.Go(func() { c.run(ctx) })
			}
			for range 1 + rand.IntN(400) {
				k.note(<-lines)
			}
		})
		k.check()
	}
	k.run(func(<-chan string) {
		newest := uint64(0)
		s := k.confirmed["s"]
		for seq := range s {
			newest = max(newest, seq)
		}
		testkit.Eventually(t, "the client has got all", func() bool { return c.count() >= int(newest) })
	}, "REPRISE_CRASH_QUIET=1")
	cancel()
	reading.Wait()
	k.compare(c)
	t.Logf("%d kills, %d confirmed events, the client came back %d times", rounds, len(k.ids), c.cuts)
}

// compare wants the client to have got all confirmed events where they belong. It may have got
// more: those whose confirmation was cut off.
func (k *killer) compare(c *client) {
	k.t.Helper()
	for seq, want := range k.confirmed["s"] {
		if seq > uint64(len(c.got)) || c.got[seq-1] != want {
			k.t.Fatalf("the client's event %d is %q, confirmed was %q", seq, c.got[min(seq, uint64(len(c.got)))-1],
				want)
		}
	}
	seen := map[string]bool{}
	for i, got := range c.got {
		if seen[got] {
			k.t.Errorf("the client got event %d %q twice", i+1, got)
		}
		seen[got] = true
	}
}

func (k *killer) addr() string {
	l, err := net.FileListener(k.listener)
	if err != nil {
		k.t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
