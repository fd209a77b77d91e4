package shard_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Each refusal counts once, in its own field of Refused and in no other.
func TestEveryRefusalCountsByItsReason(t *testing.T) {
	const id = "id"
	cfg := shard.Config{
		MaxSessions: 3, MaxPerPrincipal: 1, MaxAttached: 1, MaxClaims: 1, MaxBytes: 1000,
		Ring: ring.Config{MaxEventBytes: 900},
	}
	for field, c := range map[string]struct {
		want   error
		refuse func(m *shard.Manager, s *shard.Session) error
	}{
		"SessionLimit": {shard.ErrSessionLimit, func(m *shard.Manager, _ *shard.Session) error {
			create(t, m, "2")
			create(t, m, "3")
			_, err := m.Create(shard.Metadata{})
			return err
		}},
		"PrincipalLimit": {shard.ErrSessionLimit, func(m *shard.Manager, _ *shard.Session) error {
			m.Create(shard.Metadata{Principal: "me"})
			_, err := m.Create(shard.Metadata{Principal: "me"})
			return err
		}},
		"Exists": {shard.ErrExists, func(m *shard.Manager,
			_ *shard.Session) error {
			return second(m.CreateWithID(id, shard.Metadata{}))
		}},
		"InvalidID": {shard.ErrInvalidID, func(m *shard.Manager,
			_ *shard.Session) error {
			return second(m.CreateWithID("a b", shard.Metadata{}))
		}},
		"InvalidMetadata": {shard.ErrInvalidMetadata, func(m *shard.Manager, _ *shard.Session) error {
			return second(m.Create(shard.Metadata{Transport: "\xff"}))
		}},
		"AttachLimit": {shard.ErrAttachLimit, func(_ *shard.Manager, s *shard.Session) error {
			s.Attach()
			return second(s.Attach())
		}},
		"OverBudget": {shard.ErrOverBudget, func(m *shard.Manager, s *shard.Session) error {
			s.Append(ring.Event{Data: make([]byte, 500)})
			return second(create(t, m, "2").Append(ring.Event{Data: make([]byte, 800)}))
		}},
		"TooLarge": {ring.ErrEventTooLarge, func(_ *shard.Manager, s *shard.Session) error {
			return second(s.Append(ring.Event{Data: make([]byte, 901)}))
		}},
		"InvalidEvent": {ring.ErrInvalidEvent, func(_ *shard.Manager, s *shard.Session) error {
			return second(s.Append(ring.Event{Type: "a\nb"}))
		}},
		"AppendFinished": {shard.ErrFinished, func(_ *shard.Manager, s *shard.Session) error {
			s.Finish()
			return second(s.Append(ring.Event{}))
		}},
		"AppendEnded": {shard.ErrNotFound, func(_ *shard.Manager, s *shard.Session) error {
			s.Terminate()
			return second(s.Append(ring.Event{}))
		}},
		"Claimed": {shard.ErrClaimed, func(_ *shard.Manager, s *shard.Session) error {
			s.Claim("a")
			return s.Claim("a")
		}},
		"ClaimLimit": {shard.ErrClaimLimit, func(_ *shard.Manager, s *shard.Session) error {
			s.Claim("a")
			return s.Claim("b")
		}},
		"NotFound": {shard.ErrNotFound, func(m *shard.Manager,
			_ *shard.Session) error {
			return second(m.Get("unknown"))
		}},
		"Principal": {shard.ErrPrincipal, func(m *shard.Manager,
			_ *shard.Session) error {
			return second(m.Authorize(id, "you"))
		}},
	} {
		t.Run(field, func(t *testing.T) {
			m := newManager(t, cfg)
			s := create(t, m, id)
			wantErr(t, field, c.refuse(m, s), c.want)
			got := reflect.ValueOf(m.Stats().Refused)
			for i := range got.NumField() {
				want := uint64(0)
				if got.Type().Field(i).Name == field {
					want = 1
				}
				if got.Field(i).Uint() != want {
					t.Errorf("%s is %d, want %d", got.Type().Field(i).Name, got.Field(i).Uint(), want)
				}
			}
		})
	}
	if n := reflect.TypeFor[shard.Refused]().NumField(); n != 15 {
		t.Errorf("%d reasons, 15 are tested", n)
	}
}

// second returns the error of a call with two results.
func second[T any](_ T, err error) error { return err }

func TestSuccessIsNoRefusalAndEveryLookUpCounts(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Minute, Linger: time.Minute})
		s := create(t, m, "id")
		store(t, s, "a")
		s.Append(ring.Event{ID: "x"})
		s.Append(ring.Event{ID: "x"})
		s.Claim("a")
		detach, _ := s.Attach()
		detach()
		m.Get("id")
		m.Authorize("id", "")
		m.Info("id")
		m.Terminate("unknown")
		if st := m.Stats(); st.Refused != (shard.Refused{}) || st.Duplicates != 1 {
			t.Errorf("%+v", st)
		}
		s.Terminate()
		m.Info("id") // lingers
		m.Get("id")
		m.Authorize("id", "")
		sleep(time.Minute + tick)
		m.Info("id")
		if st := m.Stats(); st.Refused != (shard.Refused{NotFound: 3}) {
			t.Errorf("%+v", st.Refused)
		}
	})
}

func TestGapsCountByWhatBecameOfTheReader(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 2}})
	s := create(t, m, "id")
	lost := store(t, s, "a", "b", "c")[0]
	s.Seek(lost.ID)
	s.Seek(lost.ID)
	s.Seek("who?")
	if st := m.Stats(); st.GapsBy != (shard.Gaps{Evicted: 2, Unknown: 1}) || st.Gaps != 3 {
		t.Errorf("%d: %+v", st.Gaps, st.GapsBy)
	}
}

// 15,000 bytes are what an HTTP header can carry.
func TestALookUpOfAnUnknownIDCostsOneAllocationHoweverLongItIs(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: 1})
	s := create(t, m, "id")
	store(t, s, "a")
	if _, err := s.Append(ring.Event{ID: "a"}); err != nil {
		t.Fatal(err)
	}
	id, large := strings.Repeat("x", 15_000), make([]byte, 2<<20)
	var err error
	for what, look := range map[string]func(){
		"Get":       func() { _, err = m.Get(id) },
		"Authorize": func() { _, err = m.Authorize("id", "you") },
		"Info":      func() { _, err = m.Info(id) },
		"Claim":     func() { err = s.Claim("a") },
		"Seek":      func() { _, err = s.Seek(id) },
		"Append":    func() { _, err = s.Append(ring.Event{ID: "a"}) },
		"an event":  func() { _, err = s.Append(ring.Event{Data: large}) },
	} {
		look()
		if n := testing.AllocsPerRun(100, look); n > 1 && slow == 1 {
			t.Errorf("%s: %v allocations", what, n)
		}
		if len(err.Error()) > 400 {
			t.Errorf("%s: an error of %d bytes", what, len(err.Error()))
		}
	}
	if _, err := m.Get(id); !errors.Is(err, shard.ErrNotFound) ||
		!strings.HasPrefix(err.Error(), `shard: session not found: "xxx`) {
		t.Errorf("%v", err)
	}
}

func TestCensusCountsSessionsByProblem(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: 2 * time.Minute, Ring: ring.Config{MaxEvents: 2}})
		create(t, m, "healthy")
		finished := create(t, m, "finished")
		store(t, finished, "a", "b", "c")
		finished.Finish()
		evicting := create(t, m, "evicting")
		store(t, evicting, "a", "b", "c")
		overtaken := create(t, m, "overtaken")
		r, err := overtaken.AttachReader()
		if err != nil {
			t.Fatal(err)
		}
		r.ReadUpTo(0)
		store(t, overtaken, "a", "b", "c")
		if got := m.Census(); got != (shard.Census{Active: 4, Unhealthy: 2, Overtaken: 1, Evicting: 2}) {
			t.Errorf("%+v", got)
		}
		sleep(time.Minute + 30*time.Second)
		if got := m.Census(); got != (shard.Census{Active: 3, Unhealthy: 3, Overtaken: 1, Unread: 1, Expiring: 2}) {
			t.Errorf("a minute and a half later: %+v", got)
		}
		if n := testing.AllocsPerRun(10, func() { m.Census() }); n > 5 && slow == 1 {
			t.Errorf("%v allocations", n)
		}
	})
}
