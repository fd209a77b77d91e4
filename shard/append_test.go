package shard_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestAppendNeverCreatesASession(t *testing.T) {
	m := newManager(t, shard.Config{Linger: -1})
	s := create(t, m, "id")
	s.Terminate()
	_, err := s.Append(ring.Event{Data: []byte("late")})
	wantErr(t, "Append", err, shard.ErrNotFound)
	if st := m.Stats(); st.Total != 0 || st.Events != 0 || st.Appended != 0 {
		t.Errorf("%+v", st)
	}
}

func TestAppendErrorsComeInTheirOrder(t *testing.T) {
	m := newManager(t, shard.Config{MaxBytes: 4096, MaxSessions: 1, Ring: ring.Config{MaxEventBytes: 3000}})
	s := create(t, m, "id")
	first, err := s.Append(ring.Event{ID: "1", Data: []byte("one")})
	if err != nil {
		t.Fatal(err)
	}
	everything := ring.Event{ID: "1", Stream: "a\nb", Data: make([]byte, 5000)}
	_, err = s.Append(everything)
	wantErr(t, "all that can be wrong", err, ring.ErrInvalidEvent)
	everything.Stream = ""
	_, err = s.Append(everything)
	wantErr(t, "too large and duplicate", err, ring.ErrEventTooLarge)
	got, err := s.Append(ring.Event{ID: "1", Data: []byte("another")})
	wantErr(t, "duplicate", err, ring.ErrDuplicateID)
	if got.Seq != first.Seq || string(got.Data) != "one" {
		t.Errorf("with the error comes %+v, want the retained event", got)
	}
	everything.Stream = "a\nb"
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(everything)
	wantErr(t, "finished", err, shard.ErrFinished)
	s.Terminate()
	_, err = s.Append(everything)
	wantErr(t, "terminated", err, shard.ErrNotFound)
}

func TestEventOverTheBudgetIsErrOverBudget(t *testing.T) {
	m := newManager(t, shard.Config{MaxBytes: 1000, MaxSessions: 1})
	s := create(t, m, "id")
	store(t, s, "kept")
	_, err := s.Append(ring.Event{Data: make([]byte, 2000)})
	wantErr(t, "Append", err, shard.ErrOverBudget)
	wantErr(t, "Append", err, ring.ErrOverBudget)
	if log := s.Info().Log; log.Events != 1 || log.Evicted != 0 {
		t.Errorf("%+v: something was evicted", log)
	}
}

func TestWaitLooksForAnEventBeforeItLooksAtTheContext(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "id")
	store(t, s, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Wait(ctx, 0); err != nil {
		t.Errorf("there is an event, Wait says %v", err)
	}
	wantErr(t, "Wait", s.Wait(ctx, 1), context.Canceled)
}

func TestWaiterIsWokenByAppendFinishTerminateAndExpiry(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*shard.Session)
		want error
	}{
		"append":    {func(s *shard.Session) { s.Append(ring.Event{}) }, nil},
		"finish":    {func(s *shard.Session) { s.Finish() }, shard.ErrFinished},
		"terminate": {func(s *shard.Session) { s.Terminate() }, shard.ErrNotFound},
		"expiry":    {func(s *shard.Session) { time.Sleep(time.Hour + 100*time.Millisecond) }, shard.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				m := newManager(t, shard.Config{})
				s := create(t, m, "id")
				got := make(chan error, 1)
				go func() { got <- s.Wait(t.Context(), 0) }()
				sleep(0)
				c.do(s)
				if err := <-got; !errors.Is(err, c.want) {
					t.Errorf("Wait returns %v, want %v", err, c.want)
				}
			})
		})
	}
}

func TestAttachedReaderReadsToTheEndOfAnEndedSession(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "id")
	detach, err := s.Attach()
	if err != nil {
		t.Fatal(err)
	}
	c := s.Tail()
	store(t, s, "last")
	s.Terminate()
	if err := s.Wait(t.Context(), c.Seq()); err != nil {
		t.Fatalf("an event is left, Wait says %v", err)
	}
	if got := read(c); got != "last" {
		t.Errorf("read %q", got)
	}
	wantErr(t, "Wait at the end", s.Wait(t.Context(), 1), shard.ErrNotFound)
	detach()
	if tail := s.Tail(); tail != (ring.Cursor{}) {
		t.Error("the log outlives its last reader")
	}
}

func TestSeekOfAnUnknownEventIsAGap(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 1}})
	s := create(t, m, "id")
	events := store(t, s, "a", "b")
	_, err := s.Seek(events[0].ID)
	wantErr(t, "evicted", err, ring.ErrEvicted)
	_, err = s.Seek("nobody's")
	wantErr(t, "unknown", err, ring.ErrUnknownID)
	if c, err := s.Seek(events[1].ID); err != nil || read(c) != "" {
		t.Errorf("%v", err)
	}
	shardaccess.CountReplay(s, 3, 1)
	shardaccess.CountReplay(s, -5, -5)
	if st := m.Stats(); st.Gaps != 3 || st.Replayed != 3 || st.Evicted != 1 {
		t.Errorf("%+v", st)
	}
}

func TestOptionsRingReplacesSomeLimitsOfTheLog(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 3, MaxEventBytes: 5}})
	small, err := m.CreateWith(shard.Options{ID: "small", Ring: ring.Config{MaxEvents: 2}})
	if err != nil {
		t.Fatal(err)
	}
	store(t, small, "a", "b", "c", "d")
	if n := small.Info().Log.Events; n != 2 {
		t.Errorf("%d events, want its own limit of 2", n)
	}
	_, err = small.Append(ring.Event{Data: []byte("123456")})
	wantErr(t, "Append", err, ring.ErrEventTooLarge)
	if st := m.Stats(); st.Evicted != 2 || st.Events != 2 {
		t.Errorf("%+v", st)
	}
	_, err = m.CreateWith(shard.Options{ID: "wrong", Ring: ring.Config{MaxBytes: -1}})
	if err == nil || !strings.Contains(err.Error(), "Options.Ring") ||
		!strings.Contains(err.Error(), "MaxBytes is -1") {
		t.Errorf("the error %v does not name the field", err)
	}
}
