package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// What a server does that evicts: it drops single keys of a session.

// A part is one of a session's keys.
type part int

const (
	state part = iota
	events
	index
	leases
)

func (p part) String() string { return [...]string{"state", "events", "index", "leases"}[p] }

func drop(t testing.TB, s *Store, id string, p part) {
	t.Helper()
	if call(t, s, "DEL", s.buckets.keys(id)[p]) != "1" {
		t.Fatalf("the session has no key for its %v", p)
	}
}

// missed is what whoever misses an event is told, by what is gone.
func missed(p part) error {
	if p == events {
		return ErrLost
	}
	return shard.ErrNotFound
}

// soon fails when do does not return.
func soon(t testing.TB, what string, do func(ctx context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do(ctx)
	}()
	select {
	case <-done:
	case <-time.After(Patience):
		t.Fatalf("%s does not return", what)
	}
}

func TestKeyThatIsDroppedBeforeOpen(t *testing.T) {
	client := dial(t, startServer(t))
	for _, p := range []part{state, events, index} {
		for _, more := range []int{0, 1} { // events after the loss
			t.Run(fmt.Sprint(p, ", ", more, " events later"), func(t *testing.T) {
				s := newStore(t, client, Config{})
				mustCreate(t, s, "s", shard.Metadata{Principal: "me"})
				var ids []string
				for _, id := range []string{"", "own", ""} {
					ids = append(ids, mustStore(t, s, "s", ring.Event{ID: id}).ID)
				}
				drop(t, s, "s", p)
				for range more {
					_, err := s.Append(t.Context(), "s", ring.Event{})
					if p == events {
						wantErr(t, "Append", err, nil)
					} else {
						wantErr(t, "Append", err, shard.ErrNotFound)
					}
				}
				for _, last := range []string{"", ids[0], ids[1], ids[2]} {
					at := replay.Position{LastEventID: last}
					_, err := s.Open(t.Context(), "s", at)
					wantErr(t, fmt.Sprintf("Open at %+v", at), err, missed(p))
				}
				info, err := s.Info(t.Context(), "s")
				if p != events {
					wantErr(t, "Info", err, shard.ErrNotFound)
					return
				}
				if err != nil || info.Log.Events != more || info.Log.Last != uint64(3+more) || info.Log.Evicted != 3 {
					t.Errorf("Info has %+v, error %v; want %d events, the first 3 evicted", info.Log, err, more)
				}
				read, err := replay.Drain(mustRead(t, s, "s", replay.Position{})) // one was told
				if err != nil || len(read) != more {
					t.Errorf("%d events, error %v", len(read), err)
				}
				wantErr(t, "an ID that is free again", second(s.Append(t.Context(), "s", ring.Event{ID: "own"})), nil)
			})
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestKeyThatIsDroppedBetweenBatches(t *testing.T) {
	client := dial(t, startServer(t))
	for _, p := range []part{state, events, index} {
		for _, more := range []int{0, 1} {
			t.Run(fmt.Sprint(p, ", ", more, " events later"), func(t *testing.T) {
				s := newStore(t, client, Config{})
				mustCreate(t, s, "s", shard.Metadata{})
				es := make([]ring.Event, 600) // of which the first batch has 256
				if _, err := s.AppendAll(t.Context(), "s", es); err != nil {
					t.Fatal(err)
				}
				r := mustRead(t, s, "s", replay.Position{})
				fresh := mustRead(t, s, "s", replay.Position{Streams: []string{"none"}})
				drop(t, s, "s", p)
				for range more {
					s.Append(t.Context(), "s", ring.Event{})
				}
				soon(t, "a reader", func(ctx context.Context) {
					var e ring.Event
					for n := uint64(0); r.Next(&e); n++ {
						if e.Seq != n+1 || n > 256 {
							t.Errorf("event %d after %d", e.Seq, n)
						}
					}
					wantErr(t, "the reader", r.Err(), missed(p))
					for fresh.Err() == nil && fresh.Wait(ctx) == nil && fresh.Next(&e) {
					}
					wantErr(t, "the reader that has seen nothing", fresh.Err(), missed(p))
				})
			})
		}
	}
}

func TestKeyThatIsDroppedWhileAReaderWaits(t *testing.T) {
	client := dial(t, startServer(t))
	for _, p := range []part{state, events, index, leases} {
		for _, stored := range []int{0, 3} {
			t.Run(fmt.Sprint(p, ", with ", stored, " events"), func(t *testing.T) {
				s := newStore(t, client, Config{Lease: time.Second})
				mustCreate(t, s, "s", shard.Metadata{})
				for range stored {
					mustStore(t, s, "s", ring.Event{})
				}
				r := mustRead(t, s, "s", replay.Position{})
				if read, err := replay.Drain(r); err != nil || len(read) != stored {
					t.Fatalf("%d events, error %v", len(read), err)
				}
				drop(t, s, "s", p)
				soon(t, "a reader", func(ctx context.Context) {
					if p == state || p == index { // the session has ended
						wantErr(t, "Wait", r.Wait(ctx), nil)
						wantErr(t, "the reader", errors.Join(r.Err(), drained(r)), shard.ErrNotFound)
						return
					}
					// The reader has seen everything, so it misses nothing and goes on.
					mustStore(t, s, "s", ring.Event{Data: []byte("next")})
					var e ring.Event
					if err := r.Wait(ctx); err != nil || !r.Next(&e) || e.Seq != uint64(stored+1) {
						t.Errorf("event %d, errors %v and %v", e.Seq, err, r.Err())
					}
				})
				Eventually(t, "every key has an expiry", func() bool { return len(immortal(t, s)) == 0 })
			})
		}
	}
}

func drained(r replay.Reader) error {
	_, err := replay.Drain(r)
	return err
}

// immortal returns the keys that have no expiry.
func immortal(t testing.TB, s *Store) (keys []string) {
	t.Helper()
	for _, key := range keysOf(t, s) {
		if call(t, s, "PTTL", key) == "-1" {
			keys = append(keys, key)
		}
	}
	return keys
}

// A reader that finds nothing asks no more than it has to, and not after its caller has gone.
func TestReaderOfASessionWithoutEventsIsQuiet(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	mustCreate(t, s, "s", shard.Metadata{})
	r := mustRead(t, s, "s", replay.Position{})
	mustStore(t, s, "s", ring.Event{})
	drop(t, s, "s", events)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	before := commands(t, s)
	for r.Err() == nil && r.Wait(ctx) == nil {
		var e ring.Event
		for r.Next(&e) {
		}
	}
	if n := commands(t, s) - before; n > 200 {
		t.Errorf("%d commands", n)
	}
	wantErr(t, "the reader", r.Err(), ErrLost)
}

func commands(t testing.TB, s *Store) int {
	t.Helper()
	for line := range strings.Lines(call(t, s, "INFO", "stats")) {
		if n, ok := strings.CutPrefix(line, "total_commands_processed:"); ok {
			count, _ := strconv.Atoi(strings.TrimSpace(n))
			return count
		}
	}
	t.Fatal("INFO has no total_commands_processed")
	return 0
}

// A session that is nobody's any more is not everybody's, and its ID begins anew.
func TestSessionWithoutIndexOrStateIsNobodysAndBeginsAnew(t *testing.T) {
	client := dial(t, startServer(t))
	for _, p := range []part{state, index} {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			s := newStore(t, client, Config{MaxPerPrincipal: 2})
			mustCreate(t, s, "s", shard.Metadata{Principal: "alice"})
			mustStore(t, s, "s", ring.Event{ID: "own", Data: []byte("alice's")})
			drop(t, s, "s", p)
			for _, who := range []string{"", "alice", "bob"} {
				wantErr(t, "Authorize of "+strconv.Quote(who), s.Authorize(t.Context(), "s", who), shard.ErrNotFound)
			}
			wantErr(t, "Append", second(s.Append(t.Context(), "s", ring.Event{ID: "own"})), shard.ErrNotFound)
			wantErr(t, "Claim", s.Claim(t.Context(), "s", "key"), shard.ErrNotFound)
			mustCreate(t, s, "s", shard.Metadata{Principal: "bob"})
			if read, err := replay.Drain(mustRead(t, s, "s", replay.Position{})); err != nil || len(read) != 0 {
				t.Errorf("bob reads %d events, error %v", len(read), err)
			}
			if e := mustStore(t, s, "s", ring.Event{ID: "own", Data: []byte("bob's")}); e.Seq != 1 {
				t.Errorf("bob's first event is number %d", e.Seq)
			}
			drop(t, s, "s", p)
			wantErr(t, "Terminate", s.Terminate(t.Context(), "s"), nil)
		})
	}
}

// 1,500 sessions on a server that evicts what it wants: everything returns, and whoever misses
// something is told.
func TestServerThatEvicts(t *testing.T) {
	for _, policy := range []string{"allkeys-lru", "volatile-lru"} {
		t.Run(policy, func(t *testing.T) {
			s := newStore(t, dial(t, startServer(t)), Config{MaxSessions: -1})
			call(t, s, "CONFIG", "SET", "maxmemory-policy", policy)
			call(t, s, "CONFIG", "SET", "maxmemory", "12mb")
			const sessions, each = 1500, 8
			var told, whole, readers sync.Map
			var working sync.WaitGroup
			work := make(chan int)
			for range 16 {
				working.Go(func() {
					for n := range work {
						evictedSession(t, s, n, each, &told, &whole, &readers)
					}
				})
			}
			for n := range sessions {
				work <- n
			}
			close(work)
			working.Wait()
			readers.Range(func(_, r any) bool { r.(replay.Reader).Close(); return true })
			t.Logf("%d sessions were whole, and of %d somebody was told of a loss", count(&whole), count(&told))
			if count(&told) == 0 || count(&whole) == 0 {
				t.Error("the server evicts nothing, or everything")
			}
			if keys := immortal(t, s); len(keys) > 0 {
				t.Errorf("%d keys have no expiry, such as %q", len(keys), keys[0])
			}
		})
	}
}

func count(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

// evictedSession makes a session, appends, and reads that session and an older one. Each has either
// all events from 1 to the last, or an error.
func evictedSession(t *testing.T, s *Store, n, each int, told, whole, readers *sync.Map) {
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	id := fmt.Sprint("s", n)
	if _, err := s.Create(ctx, id, shard.Metadata{Principal: id}); err != nil {
		if !errors.Is(err, shard.ErrOverBudget) {
			t.Errorf("Create: %v", err)
		}
		return
	}
	for i := range each {
		if _, err := s.Append(ctx, id, ring.Event{ID: fmt.Sprint("own", i), Data: make([]byte, 1500)}); err != nil {
			if !errors.Is(err, shard.ErrNotFound) && !errors.Is(err, shard.ErrOverBudget) {
				t.Errorf("Append: %v", err)
			}
			told.Store(id, true)
			return
		}
	}
	for _, id := range []string{id, fmt.Sprint("s", rand.IntN(n+1))} {
		info, infoErr := s.Info(ctx, id)
		if infoErr == nil && info.Principal != id {
			t.Errorf("session %q belongs to %q", id, info.Principal)
		}
		r, err := s.Open(ctx, id, replay.Position{})
		if err != nil {
			if !errors.Is(err, shard.ErrNotFound) && !errors.Is(err, ErrLost) && !errors.Is(err, shard.ErrOverBudget) {
				t.Errorf("Open: %v", err)
			}
			told.Store(id, true)
			continue
		}
		readers.Store(r, r)
		read, err := replay.Drain(r)
		if err != nil {
			told.Store(id, true)
		} else if len(read) == each {
			whole.Store(id, true)
		}
		for i, e := range read {
			if want := info.Log.Evicted + uint64(i) + 1; infoErr == nil && info.Log.Evicted == 0 && e.Seq != want {
				t.Errorf("event %d of %q at place %d", e.Seq, id, want)
			}
		}
	}
}
