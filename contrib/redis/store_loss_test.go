package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// keep returns a function that brings a session's keys back to what they are now, as a replica does
// that takes over without the newest events.
func keep(t *testing.T, s *Store, id string) (restore func()) {
	t.Helper()
	kept := map[string]string{}
	for _, key := range s.buckets.keys(id) {
		if dump, err := s.client.Do(t.Context(), s.client.B().Dump().Key(key).Build()).ToString(); err == nil {
			kept[key] = dump
		}
	}
	return func() {
		t.Helper()
		for key, dump := range kept {
			call(t, s, "RESTORE", key, "600000", dump, "REPLACE")
		}
	}
}

func TestLostTail(t *testing.T) {
	for _, refill := range []int{0, 1, 2, 3, 4, 10} {
		t.Run(fmt.Sprint(refill, " events later"), func(t *testing.T) {
			s := newStore(t, dial(t, startServer(t)), Config{Ring: ring.Config{MaxEvents: 4}})
			mustCreate(t, s, "s", shard.Metadata{})
			kept := mustStore(t, s, "s", ring.Event{Data: []byte("kept")})
			restore := keep(t, s, "s")
			r := mustRead(t, s, "s", replay.Position{})
			lost := []ring.Event{mustStore(t, s, "s", ring.Event{}), mustStore(t, s, "s", ring.Event{ID: "own"})}
			for want := range 3 {
				var e ring.Event
				if err := r.Wait(t.Context()); err != nil || !r.Next(&e) || e.Seq != uint64(want+1) {
					t.Fatalf("read event %d, error %v", e.Seq, err)
				}
			}
			// A failover takes longer: no entry has the milliseconds of the one it replaces.
			time.Sleep(2 * time.Millisecond)
			restore()
			for range refill {
				e := mustStore(t, s, "s", ring.Event{})
				if e.ID == lost[0].ID {
					t.Fatalf("%q was assigned twice", e.ID)
				}
			}
			for range 2 { // the first time a reader may say that there is nothing new
				if events, err := replay.Drain(r); len(events) > 0 {
					t.Fatalf("read event %d behind a gap, error %v", events[0].Seq, err)
				}
			}
			if refill < 6 { // else what it needs is gone in any case
				wantErr(t, "the reader", r.Err(), ErrLost)
			}
			wantErr(t, "the reader", r.Err(), ring.ErrEvicted)
			for _, e := range lost {
				_, err := s.Open(t.Context(), "s", replay.Position{LastEventID: e.ID})
				if refill < 6 || e.ID == "own" {
					wantErr(t, "Open after a lost event", err, ring.ErrUnknownID)
				} else {
					wantErr(t, "Open after a lost event whose sequence was evicted", err, ring.ErrEvicted)
				}
			}
			if refill < 4 {
				mustRead(t, s, "s", replay.Position{LastEventID: kept.ID})
			}
		})
	}
}

// appendOnce is one attempt to append e, or another one that many milliseconds since the first.
func appendOnce(
	t *testing.T, s *Store, id string, e ring.Event, token string, since ...string,
) (rueidis.RedisMessage, error) {
	t.Helper()
	args := []string{s.head, strings.Join(since, ""), "", "", "", string(record(e, token)), e.ID}
	return s.attempt(t.Context(), s.scripts.append, s.buckets.keys(id), args, nil)
}

func TestAppendThatWasStoredIsFoundByItsToken(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{Ring: ring.Config{MaxEvents: 400}})
	mustCreate(t, s, "s", shard.Metadata{})
	attempt := func(e ring.Event, token string, since ...string) string {
		m, err := appendOnce(t, s, "s", e, token, since...)
		if err != nil {
			t.Fatal(err)
		}
		if m.IsInt64() {
			return fmt.Sprint(number(m))
		}
		if m.IsArray() {
			return "duplicate"
		}
		return text(m)[tagLen:]
	}
	now := time.Now()
	for _, id := range []string{"", "own"} {
		e := ring.Event{ID: id, Time: now, Data: []byte("x")}
		first := attempt(e, "token-"+fmt.Sprint(len(id), "0"))
		for range 100 {
			mustStore(t, s, "s", ring.Event{})
		}
		if again := attempt(e, "token-"+fmt.Sprint(len(id), "0"), "1000"); again != first {
			t.Errorf("ID %q: entry %s, and again %s", id, first, again)
		}
	}
	if got := attempt(ring.Event{ID: "own", Time: now}, "another-", "1000"); got != "duplicate" {
		t.Errorf("somebody else's event of the same ID: %s", got)
	}
	if got := attempt(ring.Event{Time: now}, "thirdthi", "1000"); got == "10" {
		t.Error("nothing was evicted: it can be told that the event is not there")
	}
	for range 400 {
		mustStore(t, s, "s", ring.Event{})
	}
	if got := attempt(ring.Event{Time: now}, "fourthfo", "60000"); got != fmt.Sprint(codeUncertain) {
		t.Errorf("all that is retained is younger than the attempt: %s, want a refusal", got)
	}
}

// A connection that was given up may deliver what was sent through it after another one has: here
// the second attempt comes before the first.
func TestAppendThatIsOvertakenByItsRetryIsStoredOnce(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{Ring: ring.Config{MaxEvents: 4}})
	for _, id := range []string{"", "own"} {
		for _, later := range []int{0, 40} { // events, which push it out
			session := fmt.Sprint(id, later)
			mustCreate(t, s, session, shard.Metadata{})
			attempt := func(e ring.Event, token string, since ...string) string {
				m, err := appendOnce(t, s, session, e, token, since...)
				if err != nil || !m.IsString() {
					t.Fatalf("ID %q, %d events later: it answers %v, error %v", id, later, number(m), err)
				}
				return text(m)
			}
			e, token := ring.Event{ID: id, Time: time.Now()}, randomText(tokenLen)
			second, other := attempt(e, token, "1000"), attempt(ring.Event{Time: e.Time}, randomText(tokenLen), "1000")
			if second == other {
				t.Errorf("another event is taken for it: %s", other)
			}
			for range later {
				mustStore(t, s, session, ring.Event{})
			}
			if first, third := attempt(e, token), attempt(e, token, "2000"); first != second || third != second {
				t.Errorf(
					"ID %q, %d events later: the attempts are answered %s, %s and %s", id, later, first, second,
					third,
				)
			}
			if info, err := s.Info(t.Context(), session); err != nil || info.Log.Last != uint64(2+later) {
				t.Errorf("ID %q: %d events were stored, error %v; want %d", id, info.Log.Last, err, 2+later)
			}
		}
	}
}

func TestMetadataSurvivesARepeatedUpdate(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	mustCreate(t, s, "s", shard.Metadata{Transport: "1"})
	_, before, err := s.describe(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	after, _ := encodeMetadata(shard.Metadata{Transport: "2"})
	for range 2 {
		if err := s.do(t.Context(), s.scripts.update, "s", []string{s.head, before, after, ""}); err != nil {
			t.Fatal(err)
		}
	}
	other, _ := encodeMetadata(shard.Metadata{Transport: "3"})
	wantErr(t, "an update of what is no longer there",
		s.do(t.Context(), s.scripts.update, "s", []string{s.head, before, other, ""}), errConflict)
}

// A field that is missing is an error, and not an empty one: here the session is nobody's in truth.
func TestFieldThatIsMissingIsNotAnEmptyOne(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	for name, c := range map[string]struct {
		field string
		calls []string
	}{
		"metadata":  {"", []string{"Info", "Update"}},
		"principal": {"\x00", []string{"Info", "Authorize"}},
		"tag":       {"\x00tag", []string{"Info", "Update", "Authorize", "Append", "Open", "Claim", "Finish"}},
	} {
		t.Run(name, func(t *testing.T) {
			mustCreate(t, s, name, shard.Metadata{})
			if call(t, s, "HDEL", s.buckets.keys(name)[index], c.field) != "1" {
				t.Fatal("the index has no such field")
			}
			for what, do := range map[string]func(context.Context) error{
				"Info":      func(ctx context.Context) error { return second(s.Info(ctx, name)) },
				"Update":    func(ctx context.Context) error { return s.Update(ctx, name, func(*shard.Metadata) {}) },
				"Authorize": func(ctx context.Context) error { return s.Authorize(ctx, name, "") },
				"Append":    func(ctx context.Context) error { return second(s.Append(ctx, name, ring.Event{})) },
				"Open":      func(ctx context.Context) error { return second(s.Open(ctx, name, replay.Position{})) },
				"Claim":     func(ctx context.Context) error { return s.Claim(ctx, name, "key") },
				"Finish":    func(ctx context.Context) error { return s.Finish(ctx, name) },
			} {
				if slices.Contains(c.calls, what) {
					err := do(t.Context())
					wantErr(t, what, err, shard.ErrNotFound)
					wantErr(t, what, err, ErrLost)
				}
			}
		})
	}
}
