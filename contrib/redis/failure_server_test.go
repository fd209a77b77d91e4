package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Writers and followers of several nodes, each of which has a client of its own.
func TestFollowersOnAllNodesSeeTheSame(t *testing.T) {
	s := newServer(t)
	var stores []replay.Store
	for range 4 {
		stores = append(stores, newStore(t, roomy("p"), s.addr))
	}
	create(t, stores[0], "s")
	var followers []*follower
	for _, store := range stores {
		followers = append(
			followers, follow(t, store, replay.Position{}), follow(t, store, replay.Position{Live: true}),
		)
	}
	w := write(t, 8, stores...)
	w.until(t, 1000)
	w.check(t, stores[3], followers...)
}

func TestServerThatHangs(t *testing.T) {
	s := newServer(t)
	writing, reading := newStore(t, roomy("p"), s.addr), newStore(t, roomy("p"), s.addr)
	create(t, writing, "s")
	f := follow(t, reading, replay.Position{})
	w := write(t, 4, writing)
	w.until(t, 100)
	s.pause()
	t.Run("deadlines are kept meanwhile", func(t *testing.T) { wantDeadlines(t, reading) })
	time.Sleep(3 * time.Second) // longer than the client waits for a connection, so that answers are lost
	s.resume()
	w.until(t, 100)
	w.check(t, reading, f)
}

// wantDeadlines wants every method to end with its context.
func wantDeadlines(t *testing.T, s *redis.Store) {
	const deadline, late = 200 * time.Millisecond, 15 * time.Second // less than Config.Timeout
	for name, call := range map[string]func(context.Context) error{
		"Create":    func(ctx context.Context) error { _, err := s.Create(ctx, "new", shard.Metadata{}); return err },
		"Info":      func(ctx context.Context) error { _, err := s.Info(ctx, "s"); return err },
		"Update":    func(ctx context.Context) error { return s.Update(ctx, "s", func(*shard.Metadata) {}) },
		"Touch":     func(ctx context.Context) error { return s.Touch(ctx, "s") },
		"Terminate": func(ctx context.Context) error { return s.Terminate(ctx, "other") },
		"Append":    func(ctx context.Context) error { _, err := s.Append(ctx, "other", ring.Event{}); return err },
		"Open":      func(ctx context.Context) error { _, err := s.Open(ctx, "s", replay.Position{}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			start := time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v, want context.DeadlineExceeded", err)
			}
			if took := time.Since(start); took > late {
				t.Errorf("it took %v, with a deadline after %v", took, deadline)
			}
		})
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	s := newServer(t, "appendonly yes", "appendfsync always")
	cfg := roomy("p")
	cfg.Timeout = 300 * time.Millisecond
	store, patient := newStore(t, cfg, s.addr), newStore(t, roomy("p"), s.addr)
	create(t, patient, "s")
	mustAppend(t, patient, ring.Event{})
	var f *follower
	eventually(t, "the follower has begun", func() bool {
		r, err := store.Open(t.Context(), "s", replay.Position{})
		if err == nil {
			f = followOn(t, r)
		}
		return err == nil
	})
	f.until(t, 1) // from now on it waits, and does not ask Next for what is not there
	s.kill()
	for range 3 {
		e, err := store.Append(t.Context(), "s", ring.Event{ID: "x"})
		if !errors.Is(err, redis.ErrUnavailable) || e.ID != "" || e.Seq != 0 {
			t.Errorf("Append returned event %d %q and error %v", e.Seq, e.ID, err)
		}
		_, err = store.Open(t.Context(), "s", replay.Position{})
		if !errors.Is(err, redis.ErrUnavailable) {
			t.Errorf("Open: error %v", err)
		}
	}
	s.start()
	eventually(t, "the Store works again", func() bool {
		e, err := store.Append(t.Context(), "s", ring.Event{ID: "x"})
		// It is a duplicate if an attempt was too slow for Timeout.
		return (err == nil || errors.Is(err, ring.ErrDuplicateID)) && e.Seq == 2
	})
	equal(t, "the event that the follower has waited for", f.until(t, 2)[1].ID, "x")
}

func TestServerThatRestartsInMidStream(t *testing.T) {
	s := newServer(t, "appendonly yes", "appendfsync always")
	writing, reading := newStore(t, roomy("p"), s.addr), newStore(t, roomy("p"), s.addr)
	create(t, writing, "s")
	f := follow(t, reading, replay.Position{})
	w := write(t, 4, writing)
	for range 3 {
		w.until(t, 50)
		s.kill()
		s.start()
	}
	w.until(t, 50)
	w.check(t, reading, f)
}

func TestNetworkThatBreaks(t *testing.T) {
	s := newServer(t)
	theirs, ours := proxy.New(t, s.addr), proxy.New(t, s.addr)
	writing, reading := newStore(t, roomy("p"), theirs.Addr()), newStore(t, roomy("p"), ours.Addr())
	create(t, writing, "s")
	f := follow(t, reading, replay.Position{})
	w := write(t, 4, writing)
	eventually(t, "40 cuts", func() bool {
		theirs.CutAfter(1 + rand.IntN(500))
		ours.CutAfter(1 + rand.IntN(3000))
		return theirs.Cuts()+ours.Cuts() >= 40
	})
	w.until(t, 50)
	w.check(t, newStore(t, roomy("p"), s.addr), f)
	t.Logf("%d cuts of the writers' connections, %d of the follower's", theirs.Cuts(), ours.Cuts())
}

// What the server did is not heard of: every answer is lost, and the connection then.
func TestAnswersThatAreLost(t *testing.T) {
	s := newServer(t)
	cable := proxy.New(t, s.addr)
	// One connection, which nothing but the cable breaks: so it is up when an answer is to be lost,
	// however slow the machine is.
	one := newClientWith(t, rueidis.ClientOption{
		InitAddress: []string{cable.Addr()}, PipelineMultiplex: -1, ConnWriteTimeout: patience,
		Dialer: net.Dialer{Timeout: patience, KeepAlive: time.Hour},
	})
	store, beside := newStoreOn(t, roomy("p"), one), newStore(t, roomy("p"), s.addr)
	create(t, store, "s")
	// The server knows the script from now on, so that one answer is all there is to lose.
	mustAppend(t, store, ring.Event{})
	for i, e := range []ring.Event{{ID: "own", Data: []byte("1")}, {Data: []byte("2")}, {Data: []byte("2")}} {
		cable.Set(true, false)
		stored := make(chan ring.Event, 1)
		go func() {
			got, err := store.Append(context.Background(), "s", e)
			if err != nil {
				t.Errorf("Append: %v", err)
			}
			stored <- got
		}()
		eventually(t, "the server has the event", func() bool {
			info, err := beside.Info(t.Context(), "s")
			return err == nil && info.Log.Events == i+2
		})
		cable.Set(false, false)
		got := <-stored
		equal(t, "sequence", got.Seq, i+2)
		r, err := beside.Open(t.Context(), "s", replay.Position{LastEventID: got.ID})
		wantNoErr(t, "Open after the ID that Append returned", err)
		r.Close()
	}
	info, err := beside.Info(t.Context(), "s")
	wantNoErr(t, "Info", err)
	equal(t, "events", info.Log.Events, 4)
}

func TestServerWithoutMemory(t *testing.T) {
	s := newServer(t, "maxmemory-policy noeviction")
	store := newStore(t, roomy("p"), s.addr)
	create(t, store, "s")
	create(t, store, "other")
	_, err := store.Append(t.Context(), "other", ring.Event{Data: make([]byte, 1<<20)})
	wantNoErr(t, "Append", err)
	var used int
	fmt.Sscan(s.info("used_memory"), &used)
	s.cli("CONFIG", "SET", "maxmemory", fmt.Sprint(used+2<<20))
	stored := 0
	for ; err == nil; stored++ {
		_, err = store.Append(t.Context(), "s", ring.Event{ID: fmt.Sprint(stored), Data: make([]byte, 32<<10)})
	}
	if !errors.Is(err, shard.ErrOverBudget) {
		t.Fatalf("Append: error %v, want ErrOverBudget", err)
	}
	stored--
	_, err = store.Create(t.Context(), "third", shard.Metadata{})
	if err != nil && !errors.Is(err, shard.ErrOverBudget) {
		t.Errorf("Create: %v", err)
	}
	wantNoErr(t, "Touch", store.Touch(t.Context(), "s"))
	r, err := store.Open(t.Context(), "s", replay.Position{})
	wantNoErr(t, "Open", err)
	defer r.Close()
	events, err := replay.Drain(r)
	wantNoErr(t, "Drain", err)
	equal(t, "events", len(events), stored)
	_, err = store.Open(t.Context(), "s", replay.Position{LastEventID: fmt.Sprint(stored)})
	if !errors.Is(err, ring.ErrUnknownID) {
		t.Errorf("the event that was refused is there: error %v", err)
	}
	wantNoErr(t, "Terminate", store.Terminate(t.Context(), "other"))
	eventually(t, "there is room again", func() bool {
		e, err := store.Append(t.Context(), "s", ring.Event{ID: fmt.Sprint(stored), Data: []byte("x")})
		return err == nil && e.Seq == uint64(stored+1)
	})
}

// The server comes back without the newest events, which it had confirmed. Their numbers are given
// again, and nobody takes the new ones for them.
func TestServerThatLostTheTail(t *testing.T) {
	s := newServer(t)
	store := newStore(t, roomy("p"), s.addr)
	l := newLoss(t, store)
	s.cli("SAVE")
	l.more(t)
	s.kill()
	s.start()
	l.check(t)
}
