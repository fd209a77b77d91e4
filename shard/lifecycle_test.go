package shard_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestCreateMintsAUUIDv4(t *testing.T) {
	m := newManager(t, shard.Config{})
	seen := map[string]bool{}
	for range 1000 {
		s, err := m.Create(shard.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		id, err := uuid.Parse(s.ID())
		if err != nil || id.Version() != 4 || seen[s.ID()] {
			t.Fatalf("ID %q: version %v, seen before: %v, %v", s.ID(), id.Version(), seen[s.ID()], err)
		}
		seen[s.ID()] = true
		if got, err := m.Get(s.ID()); got != s {
			t.Fatalf("Get returns %v, %v", got, err)
		}
	}
}

func TestSessionIDFromOutsideIs1To128BytesOf21To7E(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: -1})
	for _, id := range []string{"!", "~", "a/b?c=d&e", strings.Repeat("x", 128)} {
		if s, err := m.CreateWithID(id, shard.Metadata{}); err != nil || s.ID() != id {
			t.Errorf("%q: %v", id, err)
		}
	}
	for c := range 256 {
		id := "a" + string([]byte{byte(c)})
		_, err := m.CreateWithID(id, shard.Metadata{})
		if valid := c >= 0x21 && c <= 0x7e; valid != (err == nil) || !valid && !errors.Is(err, shard.ErrInvalidID) {
			t.Errorf("%q: %v", id, err)
		}
	}
	long := strings.Repeat("x", 129)
	for name, id := range map[string]string{"empty": "", "129 bytes": long, "space": "a b", "DEL": "\x7f", "UTF-8": "é"} {
		_, err := m.CreateWithID(id, shard.Metadata{})
		wantErr(t, name, err, shard.ErrInvalidID)
		if id != "" {
			_, err = m.CreateWith(shard.Options{ID: id})
			wantErr(t, name+" in Options", err, shard.ErrInvalidID)
		}
		if err != nil && len(err.Error()) > 150 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

func TestTakenIDIsErrExistsAlsoWhileItsSessionLingers(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Linger: time.Minute, TTL: time.Hour})
		first := create(t, m, "id")
		_, err := m.CreateWithID("id", shard.Metadata{})
		wantErr(t, "active", err, shard.ErrExists)

		first.Terminate()
		sleep(time.Minute - 1)
		_, err = m.CreateWithID("id", shard.Metadata{})
		wantErr(t, "lingering", err, shard.ErrExists)

		time.Sleep(time.Nanosecond) // by the clock: whether or not the driver has been there
		second := create(t, m, "id")
		store(t, second, "of the second")
		wantErr(t, "the first", first.Touch(), shard.ErrNotFound)
		sleep(2 * time.Minute)
		if got, _ := m.Get("id"); got != second {
			t.Error("the second session went with the first")
		}
		if st := m.Stats(); st.Total != 1 || st.Active != 1 || st.Events != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestUnknownSessionIsErrNotFound(t *testing.T) {
	m := newManager(t, shard.Config{})
	for _, id := range []string{"", "unknown", strings.Repeat("x", 10_000), "\x00"} {
		_, err := m.Get(id)
		wantErr(t, "Get", err, shard.ErrNotFound)
		if len(err.Error()) > 200 {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
		_, err = m.Info(id)
		wantErr(t, "Info", err, shard.ErrNotFound)
		_, err = m.Authorize(id, "x")
		wantErr(t, "Authorize", err, shard.ErrNotFound)
		if err := m.Terminate(id); err != nil {
			t.Errorf("Terminate: %v", err)
		}
	}
}

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

func TestTerminatedSessionRefusesEverythingAndForgetsItsEvents(t *testing.T) {
	for name, end := range map[string]func(*shard.Manager, *shard.Session){
		"Session.Terminate": func(_ *shard.Manager, s *shard.Session) { s.Terminate() },
		"Manager.Terminate": func(m *shard.Manager, s *shard.Session) { m.Terminate(s.ID()) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t, shard.Config{})
			s := create(t, m, "id")
			store(t, s, "a", "b")
			if closed(s.Done()) {
				t.Error("Done before the end")
			}
			end(m, s)
			end(m, s) // idempotent
			if !closed(s.Done()) {
				t.Error("not Done")
			}
			wantRefused(t, m, s)
			wantErr(t, "Wait", s.Wait(t.Context(), 5), shard.ErrNotFound)
			st := m.Stats()
			if st.Events != 0 || st.Bytes != 0 || st.Active != 0 || st.Total != 1 || st.Terminated != 1 || st.Appended != 2 || st.Evicted != 0 {
				t.Errorf("%+v", st)
			}
			info, err := m.Info("id")
			if err != nil || info.Status != shard.Terminated || info.Log != (ring.Stats{}) {
				t.Errorf("%+v, %v", info, err)
			}
		})
	}
}

func TestEndedSessionAnswersInfoForLingerAndThenIsNotFound(t *testing.T) {
	for _, linger := range []time.Duration{-1, time.Nanosecond, time.Second, time.Hour} {
		t.Run(fmt.Sprint(linger), func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				m := newManager(t, shard.Config{Linger: linger})
				s, err := m.Create(shard.Metadata{Principal: "me"})
				if err != nil {
					t.Fatal(err)
				}
				store(t, s, "a")
				s.Terminate()
				if linger > 0 {
					time.Sleep(linger - 1)
					info, err := m.Info(s.ID())
					if err != nil || info.Status != shard.Terminated || info.Principal != "me" {
						t.Errorf("%+v, %v", info, err)
					}
					time.Sleep(time.Nanosecond)
				}
				_, err = m.Info(s.ID())
				wantErr(t, "Info", err, shard.ErrNotFound)
				if info := s.Info(); info.Status != shard.Terminated || info.Principal != "me" {
					t.Errorf("the session itself says %+v", info)
				}
				sleep(100 * time.Millisecond) // a Tick
				if st := m.Stats(); st.Total != 0 || st.Memory != 0 {
					t.Errorf("after Linger and Tick: %+v", st)
				}
			})
		})
	}
}

func TestFinishedSessionIsReadableForLingerAndThenGone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var ends endLog
		m := newManager(t, shard.Config{Linger: time.Minute, OnEnd: ends.add})
		s := create(t, m, "id")
		store(t, s, "a", "b")
		reader, _ := s.Seek("")
		for range 2 {
			if err := s.Finish(); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.Append(ring.Event{})
		wantErr(t, "Append", err, shard.ErrFinished)
		wantErr(t, "Err", s.Err(), shard.ErrFinished)
		wantErr(t, "Wait", s.Wait(t.Context(), 2), shard.ErrFinished)
		if err := s.Wait(t.Context(), 1); err != nil {
			t.Errorf("Wait for an event that is there: %v", err)
		}
		time.Sleep(time.Minute - 1)
		if got, err := m.Get("id"); got != s {
			t.Errorf("Get: %v", err)
		}
		if c, err := s.Seek(""); err != nil || read(c) != "a b" {
			t.Errorf("Seek: %v", err)
		}
		detach, err := s.Attach()
		if err != nil {
			t.Fatalf("Attach: %v", err)
		}
		if info := s.Info(); info.Status != shard.Finished || info.Log.Events != 2 || closed(s.Done()) {
			t.Errorf("%+v", info)
		}
		if ends.of("id") != nil {
			t.Error("OnEnd before the end")
		}
		time.Sleep(time.Nanosecond)
		wantRefused(t, m, s)
		_, err = m.Info("id")
		wantErr(t, "Info", err, shard.ErrNotFound)
		detach()
		if read(reader) != "a b" {
			t.Error("a reader could not read to the end")
		}
		sleep(time.Second)
		infos := ends.of("id")
		if len(infos) != 1 || infos[0].Status != shard.Finished || infos[0].Log.Events != 2 {
			t.Errorf("OnEnd got %+v", infos)
		}
		if st := m.Stats(); st.Total != 0 || st.Active != 0 || st.Events != 0 || st.Terminated != 0 || st.Expired != 0 || st.Attached != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestFinishedSessionThatIsTerminatedEndsAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Linger: time.Minute})
		s := create(t, m, "id")
		store(t, s, "a")
		s.Finish()
		sleep(10 * time.Second)
		s.Terminate()
		wantRefused(t, m, s)
		if info, err := m.Info("id"); err != nil || info.Status != shard.Terminated {
			t.Errorf("%+v, %v", info, err)
		}
		time.Sleep(50 * time.Second)
		_, err := m.Info("id")
		wantErr(t, "Info a Linger after Finish", err, shard.ErrNotFound)
	})
}

func TestWithoutLingerAFinishedSessionEndsWithItsLastReader(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var ends endLog
		m := newManager(t, shard.Config{Linger: -1, OnEnd: ends.add})
		alone := create(t, m, "alone")
		alone.Finish()
		wantRefused(t, m, alone)

		read := create(t, m, "read")
		a, _ := read.Attach()
		b, _ := read.Attach()
		read.Finish()
		a()
		sleep(time.Hour)
		if _, err := m.Get("read"); err != nil {
			t.Errorf("a reader is attached, Get says %v", err)
		}
		b()
		wantRefused(t, m, read)
		sleep(time.Second)
		if st := m.Stats(); st.Total != 0 || len(ends.of("alone")) != 1 || len(ends.of("read")) != 1 {
			t.Errorf("%+v", st)
		}
	})
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
	s.CountReplay(3, 1)
	s.CountReplay(-5, -5)
	if st := m.Stats(); st.Gaps != 3 || st.Replayed != 3 || st.Evicted != 1 {
		t.Errorf("%+v", st)
	}
}

func TestValueKeepsWhateverTheApplicationWants(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "id")
	if v := s.Value(); v != nil {
		t.Errorf("before SetValue: %v", v)
	}
	for _, v := range []any{1, "two", nil, error(nil), 3.0} {
		s.SetValue(v)
		if got := s.Value(); got != v {
			t.Errorf("%v, want %v", got, v)
		}
	}
	s.Terminate()
	if s.Value() != 3.0 {
		t.Error("the value went with the session")
	}
}

func TestSessionsYieldsTheActiveOnesAndStopsWhenTold(t *testing.T) {
	m := newManager(t, shard.Config{})
	want := map[string]bool{}
	for i := range 1000 {
		s := create(t, m, fmt.Sprint(i))
		switch i % 4 {
		case 0:
			s.Terminate()
		case 1:
			s.Finish() // ends later
			fallthrough
		default:
			want[s.ID()] = true
		}
	}
	for s := range m.Sessions() {
		if !want[s.ID()] {
			t.Errorf("%s is yielded twice, or has ended", s.ID())
		}
		delete(want, s.ID())
		create(t, m, "made-in-the-loop-"+s.ID()).Terminate() // no lock is held
	}
	if len(want) != 0 {
		t.Errorf("%d sessions are not yielded", len(want))
	}
	n := 0
	for range m.Sessions() {
		if n++; n == 5 {
			break
		}
	}
	if n != 5 {
		t.Errorf("%d sessions after a break at the fifth", n)
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
	if err == nil || !strings.Contains(err.Error(), "Options.Ring") || !strings.Contains(err.Error(), "MaxBytes is -1") {
		t.Errorf("the error %v does not name the field", err)
	}
}

func TestStatusHasAName(t *testing.T) {
	for s, want := range map[shard.Status]string{
		shard.Active: "active", shard.Finished: "finished", shard.Terminated: "terminated", shard.Expired: "expired", 77: "Status(77)",
	} {
		if s.String() != want {
			t.Errorf("%q, want %q", s.String(), want)
		}
	}
}
