package mcpgo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestTheFirstEventCreatesTheSession(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	if _, err := replayAfter(t.Context(), es, "S", es.newID("S", "a")); err == nil {
		t.Fatal("there is something to replay")
	}
	wantNoSession(t, es.store, "S")
	mustStore(t, es, "S", "a", "m")
	if info, err := m.Info("S"); err != nil || info.Status != shard.Active || info.Transport != "http" ||
		info.Log.Events != 1 {
		t.Fatalf("%+v, %v", info, err)
	}
}

func TestASessionThatTheApplicationHasCreatedIsUsed(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	s, err := m.CreateWithID("S", shard.Metadata{Principal: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	mustStore(t, es, "S", "a", "m")
	if info := s.Info(); info.Log.Events != 1 || info.Principal != "alice" {
		t.Fatalf("%+v", info)
	}
}

func TestConcurrentFirstEventsShareOneSession(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	for round := range 200 {
		session := fmt.Sprint("S", round)
		var wg sync.WaitGroup
		for w := range 4 {
			wg.Go(func() { mustStore(t, es, session, fmt.Sprint(w), "m") })
		}
		wg.Wait()
		if info, err := m.Info(session); err != nil || info.Log.Events != 4 {
			t.Fatalf("%+v, %v", info, err)
		}
	}
}

func TestIDsThatNoSessionCanHaveAreRefused(t *testing.T) {
	m := newManager(t, shard.Config{})
	es := New(replay.Local(m))
	for _, session := range []string{"", "a b", "a\n", "é", string(make([]byte, 129))} {
		_, err := es.StoreEvent(t.Context(), session, "a", nil)
		wantError(t, fmt.Sprintf("StoreEvent(%.10q)", session), err, shard.ErrInvalidID)
		wantRefused(t, es, session, es.newID(session, "a"), server.ErrUnknownEventID)
		if err := es.PurgeSession(t.Context(), session); err != nil {
			t.Errorf("PurgeSession(%.10q): %v", session, err)
		}
	}
	if total := m.Stats().Total; total != 0 {
		t.Fatalf("%d sessions", total)
	}
}

func TestTheStoresLimitsAreTold(t *testing.T) {
	es := newStore(t, shard.Config{MaxSessions: 1})
	mustStore(t, es, "S", "a", "m")
	_, err := es.StoreEvent(t.Context(), "T", "a", nil)
	wantError(t, "a second session", err, shard.ErrSessionLimit)
	if err := es.PurgeSession(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	mustStore(t, es, "T", "a", "m") // a refused session has not ended
}

func TestAPurgedSessionStaysDead(t *testing.T) {
	for _, linger := range []time.Duration{time.Hour, -1} {
		m := newManager(t, shard.Config{Linger: linger})
		es := New(replay.Local(m))
		id := mustStore(t, es, "S", "a", "m")
		for range 2 {
			if err := es.PurgeSession(t.Context(), "S"); err != nil {
				t.Fatal(err)
			}
			_, err := es.StoreEvent(t.Context(), "S", "a", nil)
			wantError(t, "a late event", err, shard.ErrNotFound)
			wantRefused(t, es, "S", id, server.ErrUnknownEventID, shard.ErrNotFound)
		}
		if active := m.Stats().Active; active != 0 {
			t.Fatalf("%d sessions are active", active)
		}
	}
}

func TestASessionPurgedBeforeItsFirstEventStaysDead(t *testing.T) {
	es := newStore(t, shard.Config{})
	if err := es.PurgeSession(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	_, err := es.StoreEvent(t.Context(), "S", "a", nil)
	wantError(t, "a late event", err, shard.ErrNotFound)
	wantNoSession(t, es.store, "S")
}

func TestAnExpiredSessionStaysDeadLongAfterTheStoreHasForgottenIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Minute, Linger: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		es := New(replay.Local(m))
		id := mustStore(t, es, "S", "a", "m")
		for _, pause := range []time.Duration{90 * time.Second, time.Hour, 1000 * time.Hour} {
			time.Sleep(pause)
			_, err := es.StoreEvent(t.Context(), "S", "a", nil)
			wantError(t, "a late event", err, shard.ErrNotFound)
			wantRefused(t, es, "S", id, server.ErrUnknownEventID, shard.ErrNotFound)
		}
		wantNoSession(t, es.store, "S")
	})
}

func TestTheApplicationCannotReviveAPurgedSessionByAccident(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	es := New(replay.Local(m))
	mustStore(t, es, "S", "a", "m")
	if err := es.PurgeSession(t.Context(), "S"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.CreateWithID("S", shard.Metadata{}); err != nil {
		t.Fatal(err)
	}
	_, err := es.StoreEvent(t.Context(), "S", "a", nil)
	wantError(t, "a late event", err, shard.ErrNotFound)
	wantRefused(t, es, "S", es.newID("S", "a"), shard.ErrNotFound)
}

func TestPurgeAgainstFirstEventsLeavesNoSession(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1, MaxSessions: -1})
	es := New(replay.Local(m))
	for round := range 500 {
		session := fmt.Sprint("S", round)
		var wg sync.WaitGroup
		for w := range 3 {
			wg.Go(func() {
				_, err := es.StoreEvent(context.Background(), session, fmt.Sprint(w), nil)
				if err != nil && !errors.Is(err, shard.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		wg.Go(func() {
			if err := es.PurgeSession(context.Background(), session); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		wantNoSession(t, es.store, session)
	}
}

func TestPurgeBetweenCreationAndAppendIsSeen(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{Linger: -1}))}
	es := New(h)
	h.create = func(ctx context.Context, id string, md shard.Metadata) (string, error) {
		if err := es.PurgeSession(ctx, id); err != nil { // finds no session to end
			t.Error(err)
		}
		return h.Store.Create(ctx, id, md)
	}
	_, err := es.StoreEvent(t.Context(), "S", "a", nil)
	wantError(t, "StoreEvent", err, shard.ErrNotFound)
	wantNoSession(t, h.Store, "S")
}

func TestPurgeDuringAnAppendIsSeen(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{Linger: -1}))}
	es := New(h)
	mustStore(t, es, "S", "a", "m")
	h.append = func(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
		stored, err := h.Store.Append(ctx, id, e)
		return stored, errors.Join(err, es.PurgeSession(ctx, id))
	}
	_, err := es.StoreEvent(t.Context(), "S", "a", nil)
	wantError(t, "StoreEvent", err, shard.ErrNotFound)
}

func TestPurgeOutlivesTheRequestThatAskedForIt(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	h.terminate = func(ctx context.Context, id string) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the Store may take for ever")
		}
		return errors.Join(ctx.Err(), h.Store.Terminate(ctx, id))
	}
	es := New(h)
	mustStore(t, es, "S", "a", "m")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := es.PurgeSession(ctx, "S"); err != nil {
		t.Fatal(err)
	}
}

func TestAPurgeThatTheStoreRefusesIsToldAndTheSessionStaysDeadHere(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	es := New(h)
	id := mustStore(t, es, "S", "a", "m")
	h.terminate = func(context.Context, string) error { return errDown }
	wantError(t, "PurgeSession", es.PurgeSession(t.Context(), "S"), errDown)
	_, err := es.StoreEvent(t.Context(), "S", "a", nil)
	wantError(t, "a late event", err, shard.ErrNotFound)
	wantRefused(t, es, "S", id, shard.ErrNotFound)
}

func TestEndedSessionsAreRememberedUpToTheBound(t *testing.T) {
	es := newStore(t, shard.Config{Linger: -1})
	es.past = newPast(100)
	for i := range 1000 {
		session := fmt.Sprint("S", i)
		mustStore(t, es, session, "a", "m")
		if err := es.PurgeSession(t.Context(), session); err != nil {
			t.Fatal(err)
		}
		for _, back := range []int{0, 30} {
			if i < back {
				continue
			}
			_, err := es.StoreEvent(t.Context(), fmt.Sprint("S", i-back), "a", nil)
			wantError(t, "a late event", err, shard.ErrNotFound)
		}
	}
	if n := es.past.ids.Len(); n > 100 {
		t.Fatalf("%d IDs are remembered", n)
	}
}

func TestTheEndThatAReplayMeetsIsRemembered(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	es := New(replay.Local(m))
	id := mustStore(t, es, "S", "a", "m")
	m.Terminate("S")
	wantRefused(t, es, "S", id, server.ErrUnknownEventID, shard.ErrNotFound)
	if _, err := m.CreateWithID("S", shard.Metadata{}); err != nil {
		t.Fatal(err)
	}
	_, err := es.StoreEvent(t.Context(), "S", "a", nil)
	wantError(t, "a late event", err, shard.ErrNotFound)
}
