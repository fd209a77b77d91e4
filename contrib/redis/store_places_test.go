package redis

import (
	"testing"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// A process may die between taking a place and creating its session.
func TestPlaceWithoutASessionIsFoundWhenNeeded(t *testing.T) {
	client := dial(t, startServer(t))
	InTime(t, 300*time.Millisecond, func(ttl time.Duration) bool {
		s := newStore(t, client, Config{MaxSessions: 1, MaxPerPrincipal: 1, TTL: ttl})
		md := shard.Metadata{Principal: "me"}
		start := time.Now()
		if _, err := s.reserve(t.Context(), "never", "me"); err != nil {
			t.Fatal(err)
		}
		_, err := s.Create(t.Context(), "s", md)
		if time.Since(start) > ttl {
			return false
		}
		wantErr(t, "Create at once", err, shard.ErrSessionLimit)
		Eventually(t, "the place is free", func() bool {
			_, err := s.Create(t.Context(), "s", md)
			return err == nil
		})
		return true
	})
}

func TestPlaceOfASessionThatLivesOnIsKept(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{MaxSessions: 2})
	mustCreate(t, s, "a", shard.Metadata{})
	mustCreate(t, s, "b", shard.Metadata{})
	for range 3 {
		if err := s.review(t.Context(), "a", ""); err != nil { // as if it had ended
			t.Fatal(err)
		}
		_, err := s.Create(t.Context(), "c", shard.Metadata{})
		wantErr(t, "the third", err, shard.ErrSessionLimit)
	}
	_, err := s.Create(t.Context(), "a", shard.Metadata{})
	wantErr(t, "a taken ID comes before the limit", err, shard.ErrExists)
}

func TestCreateThatComesTooLateDoesNothing(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	m, err := s.run(t.Context(), s.scripts.create, s.buckets.keys("s"), []string{s.limits, "s", randomText(tagLen), "{}", "", "1"}, nil)
	if err != nil || number(m) != 9 {
		t.Errorf("it answers %v, error %v", m, err)
	}
	_, err = s.Info(t.Context(), "s")
	wantErr(t, "Info", err, shard.ErrNotFound)
}

func TestCreateWhoseAnswerWasLostIsDone(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	for range 2 {
		if err := s.do(t.Context(), s.scripts.create, "s", s.buckets.keys("s"), []string{s.limits, "s", "abcdefghijkl", "{}", "", "0"}); err != nil {
			t.Fatal(err)
		}
	}
}
