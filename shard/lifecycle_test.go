package shard_test

import (
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
	for name, id := range map[string]string{"empty": "", "129 bytes": long, "space": "a b", "DEL": "\x7f",
		"UTF-8": "é"} {
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
			if st.Events != 0 || st.Bytes != 0 || st.Active != 0 || st.Total != 1 || st.Terminated != 1 ||
				st.Appended != 2 || st.Evicted != 0 {
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

func TestStatusHasAName(t *testing.T) {
	for s, want := range map[shard.Status]string{
		shard.Active: "active", shard.Finished: "finished", shard.Terminated: "terminated",
		shard.Expired: "expired", 77: "Status(77)",
	} {
		if s.String() != want {
			t.Errorf("%q, want %q", s.String(), want)
		}
	}
}
