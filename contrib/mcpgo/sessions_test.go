package mcpgo

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func wantValid(t testing.TB, s server.SessionIdManager, id string) {
	t.Helper()
	if isTerminated, err := s.Validate(id); isTerminated || err != nil {
		t.Fatalf("Validate(%q) = %v, %v; want it valid", id, isTerminated, err)
	}
}

func wantTerminated(t testing.TB, s server.SessionIdManager, id string) {
	t.Helper()
	if isTerminated, err := s.Validate(id); !isTerminated || err != nil {
		t.Fatalf("Validate(%q) = %v, %v; want it terminated", id, isTerminated, err)
	}
}

func mustTerminate(t testing.TB, s server.SessionIdManager, id string) {
	t.Helper()
	if isNotAllowed, err := s.Terminate(id); isNotAllowed || err != nil {
		t.Fatalf("Terminate(%q) = %v, %v", id, isNotAllowed, err)
	}
}

func TestGenerateOnlyMints(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: 1})
	s := Sessions(replay.Local(m))
	seen := map[string]bool{}
	for range 1000 {
		id := s.Generate()
		if seen[id] || len(id) != 48 || !wellFormed(id) {
			t.Fatalf("Generate() = %q, seen before: %v", id, seen[id])
		}
		seen[id] = true
		wantValid(t, s, id)
	}
	m.Close() // it cannot fail either
	if id := s.Generate(); id == "" || m.Stats().Created != 0 {
		t.Fatalf("%q, %d sessions created", id, m.Stats().Created)
	}
}

func TestASessionIsValidBeforeDuringAndNotAfterItsLife(t *testing.T) {
	for _, linger := range []time.Duration{time.Hour, -1} {
		store := replay.Local(newManager(t, shard.Config{Linger: linger}))
		s, es := Sessions(store), New(store)
		id := s.Generate()
		wantValid(t, s, id)
		mustStore(t, es, id, "a", "m")
		wantValid(t, s, id)
		mustTerminate(t, s, id)
		wantTerminated(t, s, id)
		mustTerminate(t, s, id)
		_, err := es.StoreEvent(t.Context(), id, "a", nil)
		wantError(t, "a late event", err, shard.ErrNotFound)
		wantTerminated(t, s, id)
	}
}

func TestASessionThatHasStoredNothingCanBeTerminated(t *testing.T) {
	s := Sessions(replay.Local(newManager(t, shard.Config{})))
	id := s.Generate()
	mustTerminate(t, s, id)
	wantTerminated(t, s, id)
	mustTerminate(t, s, id)
}

func TestMalformedAndForeignIDsAreRefused(t *testing.T) {
	m := newManager(t, shard.Config{})
	store := replay.Local(m)
	s := Sessions(store)
	id := s.Generate()
	flipped := []byte(id)
	flipped[20] ^= 1
	for _, bad := range []string{
		"", " ", "a", "mcp-session-b6f1f6a2-7d8e-4a55-9f3c-0e4b3e6f2f10", strings.ToLower(id) + "-", id[:47],
		id + "A", string(flipped),
		id[:10] + "\n" + id[11:], "é", strings.Repeat("a", 48), strings.Repeat("A", 129), Sessions(store).Generate(),
	} {
		if isTerminated, err := s.Validate(bad); isTerminated || err == nil {
			t.Errorf("Validate(%q) = %v, %v", bad, isTerminated, err)
		}
		if isNotAllowed, err := s.Terminate(bad); isNotAllowed || err == nil {
			t.Errorf("Terminate(%q) = %v, %v", bad, isNotAllowed, err)
		}
	}
	if n := s.(*sessions).past.ids.Len(); n != 0 {
		t.Errorf("%d of them are remembered", n)
	}
}

func TestASessionThatTheStoreKnowsIsValidWhoeverNamedIt(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	s := Sessions(replay.Local(m))
	for _, end := range []func(id string){func(id string) { m.Terminate(id) },
		func(id string) { mustTerminate(t, s, id) }} {
		created, err := m.Create(shard.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		wantValid(t, s, created.ID())
		end(created.ID())
		wantTerminated(t, s, created.ID())
	}
}

func TestAFinishedSessionIsStillValid(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := Sessions(replay.Local(m))
	created, err := m.Create(shard.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	if err := created.Finish(); err != nil {
		t.Fatal(err)
	}
	wantValid(t, s, created.ID())
	// as a Store may say
	h := &hooked{Store: replay.Local(m), touch: func(context.Context, string) error { return shard.ErrFinished }}
	wantValid(t, Sessions(h), created.ID())
}

func TestTheEventStoresSessionsKnowWhatItKnows(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	es := New(replay.Local(m))
	s := es.Sessions()
	expired, purged := s.Generate(), s.Generate()
	wantValid(t, s, expired)
	wantValid(t, s, purged)
	mustStore(t, es, expired, "a", "m")
	m.Terminate(expired) // without a word to us
	wantTerminated(t, s, expired)
	if err := es.PurgeSession(t.Context(), purged); err != nil {
		t.Fatal(err)
	}
	wantTerminated(t, s, purged)
	mustTerminate(t, s, s.Generate())
}

func TestAShortKeyIsAnErrorThatNamesTheField(t *testing.T) {
	if s, err := New(nil).SessionsWith(SessionConfig{Key: make([]byte, 15)}); err == nil || s != nil ||
		!strings.Contains(err.Error(), "SessionConfig.Key has 15 bytes") {
		t.Fatalf("%v, %v", s, err)
	}
	if s := mustSessions(t, nil, SessionConfig{}).(*sessions); s.idle != DefaultIdle {
		t.Fatalf("Idle is %v", s.idle)
	}
}

func TestAFailingStoreRefusesAndChangesNothing(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	s := Sessions(h)
	id := s.Generate()
	stored, err := h.Create(t.Context(), "", shard.Metadata{})
	if err != nil {
		t.Fatal(err)
	}
	down := func(ctx context.Context, _ string) error {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the Store may take for ever")
		}
		return errDown
	}
	h.touch, h.terminate = down, down
	for _, id := range []string{id, stored} {
		_, err := s.Validate(id)
		wantError(t, "Validate", err, errDown)
		_, err = s.Terminate(id)
		wantError(t, "Terminate", err, errDown)
	}
	h.touch, h.terminate = nil, nil
	h.info = func(context.Context, string) (shard.Info, error) { return shard.Info{}, errDown }
	_, err = s.Validate(id)
	wantError(t, "Validate", err, errDown)
	_, err = s.Terminate("foreign")
	wantError(t, "Terminate", err, errDown)
	h.info = nil
	wantValid(t, s, id)
	wantValid(t, s, stored)
}

func TestASessionThatBeginsDuringValidateIsValid(t *testing.T) {
	h := &hooked{Store: replay.Local(newManager(t, shard.Config{}))}
	s, es := Sessions(h), New(h)
	id := s.Generate()
	h.touch = func(context.Context, string) error {
		mustStore(t, es, id, "a", "m")
		return shard.ErrNotFound
	}
	wantValid(t, s, id)
}

func TestSessionIDsInUseAreRememberedUpToTheBound(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	es := New(replay.Local(m))
	es.past = newPast(100)
	s := es.Sessions()
	for i := range 1000 {
		if id := s.Generate(); i%2 == 0 {
			mustTerminate(t, s, id)
			wantTerminated(t, s, id)
		} else if _, err := s.Validate(id); err != nil {
			t.Fatal(err)
		}
	}
	if n := es.past.ids.Len(); n != 100 {
		t.Fatalf("%d IDs are remembered", n)
	}
}

func FuzzSessionIDsAreDataFromOutside(f *testing.F) {
	m, err := shard.New(shard.Config{})
	if err != nil {
		f.Fatal(err)
	}
	defer m.Close()
	s := Sessions(replay.Local(m))
	id := s.Generate()
	for _, seed := range []string{"", id, id[:47], id + "=", fmt.Sprintf("%048d", 0), "\x00\xff"} {
		f.Add(seed)
	}
	f.Add(strings.Repeat("AAA\n", 12))
	f.Fuzz(func(t *testing.T, other string) {
		if _, ok := s.(*sessions).ids.minted(other); ok != (other == id) {
			t.Fatalf("minted(%q) = %v", other, ok)
		}
		isTerminated, err := s.Validate(other)
		if isTerminated || (err == nil) != (other == id) {
			t.Fatalf("Validate(%q) = %v, %v", other, isTerminated, err)
		}
		if _, err := s.Terminate(other); other != id && (err == nil || errors.Is(err, errDown)) {
			t.Fatalf("Terminate(%q): %v", other, err)
		}
		if other == id {
			p := s.(*sessions).past
			p.ids.Drop(maphash.String(p.seed, id))
		}
	})
}
