package pebble

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
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

const crashWriters = 4

// victim serves the session "s" over HTTP on a listener that it inherits, and appends to it and to
// a small session without an end. Each event that was confirmed is a line on standard output. It
// ends when it is killed, or when its input does.
func victim(dir string) error {
	store, err := Open(dir, Config{SyncEvery: crashSyncEvery(), MinFree: -1})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if events := os.Getenv("REPRISE_CRASH_FILL"); events != "" {
		return appendAndWait(ctx, store, events)
	}
	for id, limits := range map[string]ring.Config{"s": {MaxEvents: 1 << 20, MaxBytes: 1 << 30},
		"small": {MaxEvents: 5}} {
		if _, err := store.Info(ctx, id); err != nil {
			if _, err := store.CreateWith(ctx, shard.Options{ID: id, Ring: limits}); err != nil {
				return err
			}
		}
	}
	l, err := net.FileListener(os.NewFile(3, "listener"))
	if err != nil {
		return err
	}
	go http.Serve(l, &replay.Handler{Store: store, Retry: time.Millisecond})
	fmt.Println("ready")
	if os.Getenv("REPRISE_CRASH_QUIET") == "" {
		for w := range crashWriters {
			go appendForEver(ctx, store, w)
		}
	}
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// crashBurst is how many calls each writer makes that is told to stop after some.
const crashBurst = 10

func crashSyncEvery() time.Duration {
	d, _ := time.ParseDuration(os.Getenv("REPRISE_CRASH_SYNC"))
	return d
}

// appendForEver tells of each event only when it is confirmed: by one write, which a pipe takes
// whole.
func appendForEver(ctx context.Context, store *Store, w int) {
	burst := os.Getenv("REPRISE_CRASH_BURST") != ""
	for n := 0; n < crashBurst || !burst; n++ {
		e := ring.Event{Data: fmt.Appendf(nil, "%d/%d", w, n)}
		if n%3 == 1 {
			e.ID = fmt.Sprintf("own-%d-%d-%d", os.Getpid(), w, n)
		}
		id := "s"
		if n%5 == 4 {
			id = "small"
		}
		if n%7 == 6 {
			stored, err := store.AppendAll(ctx, id, []ring.Event{e, {Data: e.Data}})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			fmt.Print(confirmation(id, stored[0]) + confirmation(id, stored[1]))
			continue
		}
		stored, err := store.Append(ctx, id, e)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(confirmation(id, stored))
	}
}

func confirmation(id string, e ring.Event) string {
	return fmt.Sprintf("%s %d %s %s\n", id, e.Seq, e.ID, e.Data)
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

// A client is an EventSource: it comes back with the last ID, and keeps what it got.
type client struct {
	url  string
	last string
	mu   sync.Mutex
	got  []string // ID and data of events
	cuts int
}

// run reads until ctx ends.
func (c *client) run(ctx context.Context) {
	for ctx.Err() == nil {
		c.read(ctx)
		c.cuts++
	}
}

func (c *client) read(ctx context.Context) {
	request, _ := http.NewRequestWithContext(ctx, "GET", c.url, http.NoBody)
	if c.last != "" {
		request.Header.Set("Last-Event-ID", c.last)
	}
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	id, data := "", ""
	for r := bufio.NewReader(response.Body); response.StatusCode == 200; {
		line, err := r.ReadString('\n')
		if err != nil {
			return // an event without its blank line does not count
		}
		switch line = strings.TrimSuffix(line, "\n"); {
		case strings.HasPrefix(line, "id: "):
			id = line[4:]
		case strings.HasPrefix(line, "data: "):
			data = line[6:]
		case line == "":
			if c.last = id; data != "" {
				c.mu.Lock()
				c.got = append(c.got, id+" "+data)
				c.mu.Unlock()
			}
			data = ""
		}
	}
	c.mu.Lock()
	c.got = append(c.got, fmt.Sprint("status ", response.StatusCode))
	c.mu.Unlock()
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

func (c *client) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.got)
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
