package redis

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
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

// A writer may end its session and lose the connection before it has given the place up. It learns
// at its next attempt that the session has ended.
func TestPlaceOfASessionThatItsWriterHasEndedIsFree(t *testing.T) {
	client := dial(t, startServer(t))
	for _, linger := range []time.Duration{-1, time.Hour} {
		for _, to := range []shard.Status{shard.Finished, shard.Terminated} {
			if to == shard.Finished && linger > 0 {
				continue // then it has not ended
			}
			s := newStore(t, client, Config{MaxSessions: 1, Linger: linger})
			o := shard.Options{ID: "s", TTL: time.Hour, Metadata: shard.Metadata{Principal: "me"}}
			held, err := s.CreateHeld(t.Context(), o, replay.Lease{Holder: "h", Term: time.Minute})
			wantErr(t, "CreateHeld", err, nil)
			w := held.(*writer)
			if err := s.release(t.Context(), w.held.Incarnation+"s", "me", false); err != nil { // to be looked at
				t.Fatal(err)
			}
			_, err = s.Create(t.Context(), "next", shard.Metadata{})
			wantErr(t, "Create while it lives", err, shard.ErrSessionLimit) // and looks again when it expires
			_, err = s.run(t.Context(), s.scripts.end, "s", []string{s.head, strconv.Itoa(int(to)), w.fence}, nil)
			wantErr(t, "the script", err, nil)
			end := map[shard.Status]func(context.Context) error{shard.Finished: w.Finish, shard.Terminated: w.Terminate}
			wantErr(t, "the next attempt", end[to](t.Context()), shard.ErrNotFound)
			_, err = s.Create(t.Context(), "next", shard.Metadata{})
			wantErr(t, "Create after it", err, nil)
		}
	}
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
