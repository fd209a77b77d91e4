package redis

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func batchOf(ids ...string) (es []ring.Event) {
	for _, id := range ids {
		es = append(es, ring.Event{ID: id, Data: []byte("x")})
	}
	return es
}

func TestBatchIsStoredWholeOrNotAtAll(t *testing.T) {
	s := newStore(
		t, dial(t, startServer(t)), Config{Ring: ring.Config{MaxEvents: 5, MaxEventBytes: 100, MaxBytes: 700}},
	)
	mustCreate(t, s, "s", shard.Metadata{})
	stored, err := s.AppendAll(t.Context(), "s", batchOf("a", "", "b"))
	if err != nil || len(stored) != 3 || stored[0].Seq != 1 || stored[2].Seq != 3 || stored[1].ID == "" {
		t.Fatalf("%+v, error %v", stored, err)
	}
	for name, c := range map[string]struct {
		es   []ring.Event
		want error
	}{
		"an ID that is retained":    {batchOf("c", "a"), ring.ErrDuplicateID},
		"an assigned one":           {batchOf(stored[1].ID), ring.ErrDuplicateID},
		"an ID twice":               {batchOf("c", "c"), ring.ErrDuplicateID},
		"too many":                  {make([]ring.Event, 6), ring.ErrEventTooLarge},
		"too much":                  {slices.Repeat([]ring.Event{{Data: make([]byte, 90)}}, 5), ring.ErrEventTooLarge},
		"one that is too large":     {[]ring.Event{{}, {Data: make([]byte, 101)}}, ring.ErrEventTooLarge},
		"an invalid one":            {batchOf("c", "d\n"), ring.ErrInvalidEvent},
		"a duplicate, then invalid": {batchOf("a", "d\n"), ring.ErrInvalidEvent},
	} {
		if got, err := s.AppendAll(t.Context(), "s", c.es); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %d events, error %v; want %v", name, len(got), err, c.want)
		}
	}
	if info, err := s.Info(t.Context(), "s"); err != nil || info.Log.Last != 3 {
		t.Errorf("%d events were stored, error %v", info.Log.Last, err)
	}
	if got, err := s.AppendAll(t.Context(), "s", nil); err != nil || len(got) != 0 {
		t.Errorf("no events: %d, error %v", len(got), err)
	}
	if _, err := s.AppendAll(t.Context(), "s", batchOf("c", "d", "e", "f")); err != nil {
		t.Error(err)
	}
	read, err := replay.Drain(mustRead(t, s, "s", replay.Position{}))
	if err != nil || len(read) != 5 || read[0].Seq != 3 || read[4].ID != "f" {
		t.Errorf("%d events are retained, error %v", len(read), err)
	}
}

// The answer to a batch is lost, and others have stored events since: the next attempt finds it.
func TestBatchWhoseAnswerWasLostIsFound(t *testing.T) {
	for _, id := range []string{"", "own"} {
		s := newStore(t, dial(t, startServer(t)), Config{})
		mustCreate(t, s, "s", shard.Metadata{})
		token, args := randomText(tokenLen), []string{s.head, "", "", "", ""}
		for i := range 3 {
			e := ring.Event{Time: time.Now()}
			if id != "" {
				e.ID = fmt.Sprint(id, i)
			}
			args = append(args, string(record(e, token)), e.ID)
		}
		var answers []string
		for _, since := range []string{"", "1000", "2000"} {
			args[1] = since
			m, err := s.run(t.Context(), s.scripts.append, "s", args, nil)
			if err != nil {
				t.Fatal(err)
			}
			answers = append(answers, text(m))
			mustStore(t, s, "s", ring.Event{})
		}
		if answers[1] != answers[0] || answers[2] != answers[0] {
			t.Errorf("ID %q: answers %q", id, answers)
		}
		if info, err := s.Info(t.Context(), "s"); err != nil || info.Log.Last != 6 {
			t.Errorf("%d events, error %v; want 6", info.Log.Last, err)
		}
	}
}

func TestSessionsHaveLimitsOfTheirOwn(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	if _, err := s.CreateWith(
		t.Context(), shard.Options{ID: "few", Ring: ring.Config{MaxEvents: 2, MaxEventBytes: 10}},
	); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		mustStore(t, s, "few", ring.Event{})
	}
	_, err := s.Append(t.Context(), "few", ring.Event{Data: make([]byte, 11)})
	wantErr(t, "Append", err, ring.ErrEventTooLarge)
	if info, err := s.Info(t.Context(), "few"); err != nil || info.Log.Events != 2 || info.Log.Evicted != 1 {
		t.Errorf("%+v, error %v", info.Log, err)
	}
	for _, o := range []shard.Options{{Ring: ring.Config{MaxEvents: -1}}, {TTL: time.Microsecond}} {
		if _, err := s.CreateWith(t.Context(), o); err == nil {
			t.Errorf("no error for %+v", o)
		}
	}
	if _, err := s.CreateWith(t.Context(), shard.Options{ID: "short", TTL: 200 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	Eventually(t, "it has expired", func() bool {
		info, err := s.Info(t.Context(), "short")
		return err == nil && info.Status == shard.Expired
	})
}

func TestClaims(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{MaxClaims: 2})
	mustCreate(t, s, "s", shard.Metadata{})
	for _, c := range []struct {
		key  string
		want error
	}{
		{"a", nil}, {"a", shard.ErrClaimed}, {"", shard.ErrInvalidClaim}, {"b", nil},
		{"c", shard.ErrClaimLimit}, {"b", shard.ErrClaimed},
	} {
		wantErr(t, "Claim of "+c.key, s.Claim(t.Context(), "s", c.key), c.want)
	}
	mustStore(t, s, "s", ring.Event{ID: "a"}) // has nothing to do with them
	wantErr(t, "Finish", s.Finish(t.Context(), "s"), nil)
	wantErr(t, "Claim", s.Claim(t.Context(), "s", "a"), shard.ErrFinished)
}

func lease(holder string, term time.Duration) replay.Lease {
	return replay.Lease{Holder: holder, Term: term, Note: "of " + holder}
}

// written are events as a writer gives them.
func written(from uint64, n int) (es []ring.Event) {
	for i := range uint64(n) {
		es = append(
			es, ring.Event{Seq: from + i, ID: fmt.Sprint("tag-", from+i), Time: time.Now(), Data: []byte{byte(i)}},
		)
	}
	return es
}

func TestWriterHoldsItsSessionUntilItIsTakenOver(t *testing.T) {
	client := dial(t, startServer(t))
	InTime(t, time.Second, func(term time.Duration) bool {
		s, ctx := newStore(t, client, Config{}), t.Context()
		start := time.Now()
		one, err := s.CreateHeld(ctx, shard.Options{ID: "s", Ring: ring.Config{MaxEvents: 8}}, lease("one", term))
		if err != nil {
			t.Fatal(err)
		}
		appended := one.Append(ctx, written(1, 3))
		_, taken := s.Acquire(ctx, "s", lease("two", term))
		plain := second(s.Append(ctx, "s", ring.Event{}))
		finish := s.Finish(ctx, "s")
		if time.Since(start) > term/2 {
			return false
		}
		wantErr(t, "the writer's Append", appended, nil)
		for _, err := range []error{taken, plain, finish} {
			var held *replay.HeldError
			if !errors.As(err, &held) || held.Holder != "one" || held.Left > term {
				t.Errorf("a held session: error %v", err)
			}
		}
		wantErr(t, "again, and one more", one.Append(ctx, written(2, 3)), nil)
		var missing *replay.MissingError
		if err := one.Append(ctx, written(6, 1)); !errors.As(err, &missing) || missing.Last != 4 || missing.Next != 6 {
			t.Errorf("a gap: error %v", err)
		}
		var two replay.Writer
		Eventually(t, "the lease has run out", func() bool {
			two, err = s.Acquire(ctx, "s", lease("two", time.Minute))
			return err == nil
		})
		h := two.Held()
		if h.Note != "of one" || h.Last != 4 || h.First != 1 || h.Token != one.Held().Token+1 ||
			h.Incarnation != one.Held().Incarnation || h.Options.Ring != (ring.Config{MaxEvents: 8}) ||
			h.Options.TTL != 0 {
			t.Errorf("the new writer is told %+v", h)
		}
		for _, err := range []error{
			one.Append(ctx, written(5, 1)), one.Renew(ctx), one.Finish(ctx), one.Terminate(ctx),
			one.Release(ctx), one.Restart(ctx, 9),
		} {
			wantErr(t, "the old writer", err, replay.ErrFenced)
		}
		wantErr(t, "the new writer's Append", two.Append(ctx, written(5, 1)), nil)
		read, err := replay.Drain(mustRead(t, s, "s", replay.Position{LastEventID: "tag-3"}))
		if err != nil || len(read) != 2 || read[1].ID != "tag-5" || read[1].Seq != 5 {
			t.Errorf("read %+v, error %v", read, err)
		}
		wantErr(t, "Release", two.Release(ctx), nil)
		wantErr(t, "Append of the Store", second(s.Append(ctx, "s", ring.Event{})), nil)
		wantErr(t, "the writer after that", two.Renew(ctx), replay.ErrFenced)
		return true
	})
}

func TestWriterOfAnotherIncarnationChangesNothing(t *testing.T) {
	s, ctx := newStore(t, dial(t, startServer(t)), Config{Linger: -1}), t.Context()
	old, err := s.CreateHeld(ctx, shard.Options{ID: "s"}, lease("one", time.Minute))
	wantErr(t, "CreateHeld", err, nil)
	wantErr(t, "Terminate", s.Terminate(ctx, "s"), nil)
	mustCreate(t, s, "s", shard.Metadata{})
	for _, err := range []error{
		old.Append(ctx, written(1, 1)), old.Renew(ctx), old.Finish(ctx), old.Terminate(ctx), old.Update(ctx, nil),
	} {
		wantErr(t, "the old writer", err, shard.ErrNotFound)
	}
	mustStore(t, s, "s", ring.Event{})
}

func TestWriterRestartsALog(t *testing.T) {
	s, ctx := newStore(t, dial(t, startServer(t)), Config{}), t.Context()
	w, err := s.CreateHeld(ctx, shard.Options{ID: "s"}, lease("one", time.Minute))
	wantErr(t, "CreateHeld", err, nil)
	wantErr(t, "Append", w.Append(ctx, written(1, 3)), nil)
	behind := mustRead(t, s, "s", replay.Position{LastEventID: "tag-1", All: true})
	asleep := mustRead(t, s, "s", replay.Position{Live: true})
	if err := w.Restart(ctx, 3); !errors.Is(err, replay.ErrMissing) {
		t.Errorf("Restart in what is stored: error %v", err)
	}
	wantErr(t, "Restart", w.Restart(ctx, 10), nil)
	wantErr(t, "Append", w.Append(ctx, written(10, 2)), nil)
	for _, r := range []replay.Reader{behind, asleep} {
		read, err := replay.Drain(r)
		for err == nil && len(read) > 0 { // what it had
			read, err = replay.Drain(r)
		}
		wantErr(t, "a reader", errors.Join(err, r.Err()), ring.ErrEvicted)
	}
	read, err := replay.Drain(mustRead(t, s, "s", replay.Position{}))
	if err != nil || len(read) != 2 || read[0].Seq != 10 {
		t.Errorf("%d events, error %v", len(read), err)
	}
	if info, err := s.Info(ctx, "s"); err != nil || info.Log.Evicted != 9 || info.Log.First != 10 {
		t.Errorf("%+v, error %v", info.Log, err)
	}
}
