package gosdk

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestNothingBringsAClosedSessionBack(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1}) // the Store forgets at once
	es := New(replay.Local(m))
	mustOpen(t, es, "S", "", "a")
	mustAppend(t, es, "S", "a", 0, 2)
	for range 2 {
		if err := es.SessionClosed(t.Context(), "S"); err != nil {
			t.Fatalf("SessionClosed: %v", err)
		}
	}
	if err := es.Append(t.Context(), "S", "a", nil); !errors.Is(err, shard.ErrNotFound) {
		t.Errorf("Append after SessionClosed: %v", err)
	}
	for _, stream := range []string{"", "a", "new"} {
		if err := es.Open(t.Context(), "S", stream); !errors.Is(err, shard.ErrNotFound) {
			t.Errorf("Open(%q) after SessionClosed: %v", stream, err)
		}
		wantError(t, es, "S", stream, -1, shard.ErrNotFound)
	}
	if active := m.Stats().Active; active != 0 {
		t.Errorf("%d sessions are active", active)
	}
}

func TestClosingBeforeTheFirstOpenKeepsTheSessionFromBeginning(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	if err := es.SessionClosed(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	if err := es.Open(t.Context(), "S", ""); !errors.Is(err, shard.ErrNotFound) || m.Stats().Total != 0 {
		t.Fatalf("Open: %v, %d sessions", err, m.Stats().Total)
	}
}

func TestASessionClosedWhileItIsCreatedDoesNotRemain(t *testing.T) {
	m := newManager(t, shard.Config{})
	h := &hooked{Store: replay.Local(m)}
	es := New(h)
	h.create = func(ctx context.Context, id string, md shard.Metadata) (string, error) {
		id, err := h.Store.Create(ctx, id, md)
		if err := es.SessionClosed(ctx, id); err != nil {
			t.Error(err)
		}
		return id, err
	}
	if err := es.Open(t.Context(), "S", ""); !errors.Is(err, shard.ErrNotFound) || m.Stats().Active != 0 {
		t.Fatalf("Open: %v, %d active sessions", err, m.Stats().Active)
	}
	if es.get("S") != nil || remembered(es) != 0 {
		t.Fatal("the adapter still knows the session")
	}
}

func TestSessionClosedEndsTheSessionInTheStore(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	mustOpen(t, es, "S", "a")
	if err := es.SessionClosed(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	if info, err := m.Info("S"); err != nil || info.Status != shard.Terminated {
		t.Fatalf("Info: %v, %v", info.Status, err)
	}
}

func TestSessionClosedDoesNotWaitForAStoreThatBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: -1})
		h := &hooked{Store: replay.Local(m)}
		h.terminate = func(ctx context.Context, id string) error { <-ctx.Done(); return ctx.Err() }
		es := New(h)
		mustOpen(t, es, "S", "a")
		began := time.Now()
		if err := es.SessionClosed(t.Context(), "S"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != terminateWait {
			t.Errorf("SessionClosed took %v, want %v", waited, terminateWait)
		}
		if err := es.Append(t.Context(), "S", "a", nil); !errors.Is(err, shard.ErrNotFound) {
			t.Errorf("Append meanwhile: %v", err)
		}
		time.Sleep(terminateLimit) // its goroutine has ended by then, or synctest complains
	})
}

func TestSessionClosedReportsWhatTheStoreSays(t *testing.T) {
	broken := errors.New("broken")
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	h.terminate = func(context.Context, string) error { return broken }
	es := New(h)
	mustOpen(t, es, "S", "a")
	if err := es.SessionClosed(t.Context(), "S"); !errors.Is(err, broken) {
		t.Fatalf("SessionClosed: %v", err)
	}
}

func TestAnExpiredSessionIsUnknownAndReleased(t *testing.T) {
	for name, meet := range map[string]func(*EventStore) error{
		"Append": func(es *EventStore) error { return es.Append(context.Background(), "S", "a", nil) },
		"Open":   func(es *EventStore) error { return es.Open(context.Background(), "S", "b") },
		"After":  func(es *EventStore) error { _, err := after(context.Background(), es, "S", "a", -1); return err },
		"After at the end": func(es *EventStore) error {
			_, err := after(context.Background(), es, "S", "a", 0)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, err := shard.New(shard.Config{TTL: time.Minute, Linger: time.Second})
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				es := New(replay.Local(m))
				mustOpen(t, es, "S", "a")
				mustAppend(t, es, "S", "a", 0, 1)
				time.Sleep(2 * time.Minute)
				if err := meet(es); !errors.Is(err, shard.ErrNotFound) {
					t.Errorf("%s: %v", name, err)
				}
				if es.get("S") != nil || remembered(es) != 0 {
					t.Error("its streams are still remembered")
				}
				if err := es.Open(t.Context(), "S", "a"); !errors.Is(err, shard.ErrNotFound) {
					t.Errorf("Open afterwards: %v", err)
				}
			})
		})
	}
}

func TestOpeningAStreamIsActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		es := New(replay.Local(m))
		for i := range 10 {
			mustOpen(t, es, "S", fmt.Sprint(i))
			time.Sleep(50 * time.Second)
		}
	})
}

func TestSessionsThatEndUnseenAreReleasedAsNewOnesBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Minute, MaxSessions: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		es := New(replay.Local(m))
		const generation = 100
		for g := range 10 {
			for i := range generation {
				mustOpen(t, es, fmt.Sprintf("%d-%d", g, i), "", "a")
			}
			time.Sleep(2 * time.Minute)
			if n := remembered(es); n > 2*generation {
				t.Fatalf("after %d generations of %d sessions that expired the adapter holds %d", g+1, generation, n)
			}
		}
	})
}

func TestAStoreThatCannotTellEndsNothing(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	h.info = func(context.Context, string) (shard.Info, error) { return shard.Info{}, errors.New("no connection") }
	es := New(h)
	mustOpen(t, es, "S", "a")
	mustOpen(t, es, "T", "a")
	mustOpen(t, es, "U", "a")
	mustAppend(t, es, "S", "a", 0, 1)
}

func TestASessionThatTheApplicationMadeIsUsed(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	if _, err := m.CreateWithID("S", shard.Metadata{Principal: "alice"}); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, es, "S", "a")
	mustAppend(t, es, "S", "a", 0, 1)
	if info, err := m.Info("S"); err != nil || info.Log.Last != 1 {
		t.Fatalf("Info: %+v, %v", info, err)
	}
}

func TestASessionWhoseEventsWereNumberedElsewhereIsRefused(t *testing.T) {
	m := newManager(t, shard.Config{})
	before, now := New(replay.Local(m)), New(replay.Local(m))
	mustOpen(t, before, "S", "")
	mustAppend(t, before, "S", "", 0, 1)
	if err := now.Open(t.Context(), "S", ""); !errors.Is(err, shard.ErrExists) {
		t.Fatalf("Open in another EventStore: %v", err)
	}
}

func TestConcurrentOpensMakeOneSession(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			stream := fmt.Sprint(i)
			if err := es.Open(context.Background(), "S", stream); err != nil {
				t.Error(err)
				return
			}
			if err := es.Append(context.Background(), "S", stream, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if stats := m.Stats(); stats.Created != 1 || stats.Appended != 32 {
		t.Fatalf("%d sessions, %d events", stats.Created, stats.Appended)
	}
}

func TestOpenAppendAndCloseMayRaceOnOneSession(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: -1})
	es := New(replay.Local(m))
	for i := range 200 {
		session := fmt.Sprint(i)
		var wg sync.WaitGroup
		wg.Go(func() { es.Open(context.Background(), session, "") })
		wg.Go(func() { es.Open(context.Background(), session, "a") })
		wg.Go(func() { es.Append(context.Background(), session, "a", nil) })
		wg.Go(func() { after(context.Background(), es, session, "a", -1) })
		wg.Go(func() { es.SessionClosed(context.Background(), session) })
		wg.Wait()
	}
	if active := m.Stats().Active; active != 0 || remembered(es) != 0 {
		t.Fatalf("%d sessions survive in the Store, %d in the adapter", active, remembered(es))
	}
}

func TestTheSharedSessionSurvivesRequestsThatOpenAppendAndCloseAtOnce(t *testing.T) {
	m := newManager(t, retaining(16*100*3)) // a request that is kept waiting must find its events
	es := New(replay.Local(m))
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 100 {
				statelessRequest(t, es, fmt.Sprintf("%d-%d", w, i))
			}
		})
	}
	wg.Wait()
	if active := m.Stats().Active; active != 0 || remembered(es) != 0 {
		t.Fatalf("%d sessions survive in the Store, %d in the adapter", active, remembered(es))
	}
	if err := es.Append(t.Context(), "", "0-0", nil); !errors.Is(err, shard.ErrNotFound) {
		t.Fatalf("Append when all have closed: %v", err)
	}
}

// statelessRequest does what the SDK does for one request to a stateless server.
func statelessRequest(t *testing.T, es *EventStore, stream string) {
	for _, s := range []string{"", stream} {
		if err := es.Open(context.Background(), "", s); err != nil {
			t.Errorf("Open(%q): %v", s, err)
		}
	}
	for i := range 3 {
		if err := es.Append(context.Background(), "", stream, data(stream, i)); err != nil {
			t.Errorf("Append number %d to %q: %v", i, stream, err)
		}
	}
	if got, err := after(context.Background(), es, "", stream, 0); err != nil || len(got) != 2 {
		t.Errorf("After(0) of %q = %q, %v", stream, got, err)
	}
	if err := es.SessionClosed(context.Background(), ""); err != nil {
		t.Errorf("SessionClosed: %v", err)
	}
}

func TestTheSharedSessionBeginsAnewAfterItHasEnded(t *testing.T) {
	es := newStore(t, shard.Config{})
	for range 3 {
		mustOpen(t, es, "", "", "a")
		mustAppend(t, es, "", "a", 0, 2)
		wantAfter(t, es, "", "a", -1, 2)
		if err := es.SessionClosed(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		wantError(t, es, "", "a", -1, shard.ErrNotFound)
	}
}

func TestTheSharedSessionBeginsAnewAfterItHasExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		es := New(replay.Local(m))
		for range 2 {
			mustOpen(t, es, "", "", "a")
			mustAppend(t, es, "", "a", 0, 2)
			wantAfter(t, es, "", "a", -1, 2)
			time.Sleep(2 * time.Minute)
		}
	})
}

func TestAHundredThousandDrainedStreamsDoNotSlowAppend(t *testing.T) {
	const drained = 100_000
	es := newStore(t, retaining(64))
	mustOpen(t, es, "S", "")
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range drained {
		stream := fmt.Sprint(i)
		mustOpen(t, es, "S", stream)
		mustAppend(t, es, "S", stream, 0, 1)
	}
	runtime.GC()
	runtime.ReadMemStats(&now)
	if each := float64(now.HeapAlloc-before.HeapAlloc) / drained; each > 33 { // the ring's own 64 events are in it too
		t.Errorf("a drained stream costs %.1f bytes", each)
	}
	for _, i := range []int{0, 1, 50_000, drained - 65} {
		stream := fmt.Sprint(i)
		wantError(t, es, "S", stream, -1, mcp.ErrEventsPurged)
		wantAfter(t, es, "S", stream, 0, 1)
		mustAppend(t, es, "S", stream, 1, 1) // and it does not count from 0 again
		wantAfter(t, es, "S", stream, 0, 2)
	}
	wantAfter(t, es, "S", "", -1, 0)
}

func TestTheOldestDrainedStreamIsForgottenAndNeverRenumbered(t *testing.T) {
	es := newStore(t, retaining(2))
	es.limit = 10
	mustOpen(t, es, "S", "")
	mustAppend(t, es, "S", "", 0, 1)
	for i := range 9 {
		mustOpen(t, es, "S", fmt.Sprint(i))
		mustAppend(t, es, "S", fmt.Sprint(i), 0, 1)
	}
	mustAppend(t, es, "S", "0", 1, 1) // now 1 is the oldest
	mustOpen(t, es, "S", "one more")
	if err := es.Append(t.Context(), "S", "1", nil); !errors.Is(err, ErrUnknownStream) {
		t.Errorf("Append to the oldest: %v", err)
	}
	wantError(t, es, "S", "1", 0, ErrUnknownStream)
	mustAppend(t, es, "S", "0", 2, 1)
	mustAppend(t, es, "S", "2", 1, 1)
	mustAppend(t, es, "S", "", 1, 1) // the standalone stream is never forgotten
}
