package redis

import (
	"testing"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// A process may die between taking a place and creating its session.
func TestPlaceWithoutASessionIsFoundWhenNeeded(t *testing.T) {
	client := dial(t, startServer(t))
	InTime(t, time.Second, func(ttl time.Duration) bool {
		s := newStore(t, client, Config{MaxSessions: 1, MaxPerPrincipal: 1, TTL: ttl})
		md := shard.Metadata{Principal: "me"}
		start := time.Now()
		p := &place{member: randomText(tagLen) + "never", sets: s.sets("me")}
		if err := s.reserve(t.Context(), p, s.cfg.TTL); err != nil {
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
	list, err := s.list(t.Context(), s.scripts.place, "a", []string{s.head, ""})
	wantErr(t, "the tag", err, nil)
	for range 3 {
		if err := s.release(t.Context(), text(list[0])+"a", "", false); err != nil { // as if it were about to end
			t.Fatal(err)
		}
		_, err := s.Create(t.Context(), "c", shard.Metadata{})
		wantErr(t, "the third", err, shard.ErrSessionLimit)
	}
	_, err = s.Create(t.Context(), "a", shard.Metadata{})
	wantErr(t, "a taken ID comes before the limit", err, shard.ErrExists)
}

// createArgs are for the creating script.
func createArgs(s *Store, tag, until string) []string {
	return []string{s.head, tag, "{}", "", until, "0", "1000", "10", "1000", "100", "256", "0", "", "", ""}
}

func TestCreateThatComesTooLateDoesNothing(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	wantErr(t, "Create", s.do(t.Context(), s.scripts.create, "s", createArgs(s, randomText(tagLen), "1")), errConflict)
	_, err := s.Info(t.Context(), "s")
	wantErr(t, "Info", err, shard.ErrNotFound)
}

func TestCreateWhoseAnswerWasLostIsDone(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	for range 2 {
		wantErr(t, "Create", s.do(t.Context(), s.scripts.create, "s", createArgs(s, "abcdefghijkl", "0")), nil)
	}
}
