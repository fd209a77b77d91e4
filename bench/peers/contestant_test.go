package peers

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// No contestant is measured doing nothing: what is appended is what is replayed.
func TestContestantsReplayWhatWasAppended(t *testing.T) {
	const retain, payload = 40, 16
	each(t, Config{Sessions: 3, Retain: retain, Payload: payload}, func(t *testing.T, c Contestant, s Store) {
		buf := make([]byte, payload)
		data := func(session, i int) string { return fmt.Sprintf("event %d of %d..", 1000+i, session)[:payload] }
		n := 0
		add := func(session, i int) string {
			copy(buf, data(session, i))
			n++
			id := s.AppendID(session, fmt.Sprintf("own-%d", n), buf)
			clear(buf) // it is the caller's again
			return id
		}
		for i := range 100 { // more than is retained
			for session := range 3 {
				add(session, i)
			}
		}
		var last [3]string
		for session := range last {
			last[session] = add(session, 100)
		}
		for i := 101; i < 111; i++ {
			for session := range 3 {
				copy(buf, data(session, i))
				n++
				if h, ok := s.(Holder); ok && i%2 == 0 {
					h.AppendHeld(session, fmt.Sprintf("own-%d", n), buf)
				} else {
					s.Append(session, fmt.Sprintf("own-%d", n), buf)
				}
				if c.Name != ByHandRef {
					clear(buf)
				}
			}
		}
		for session := range 3 {
			var want []string
			for i := 101; i < 111; i++ {
				want = append(want, data(session, i))
			}
			got := s.Events(session, last[session])
			if c.Name == ByHandRef {
				got, want = got[:0], want[:0] // it keeps the one buffer
			}
			if !slices.Equal(got, want) {
				t.Errorf("session %d: replayed %q, want %q", session, got, want)
			}
			if n := s.Replay(session, last[session]); n != 10 {
				t.Errorf("session %d: Replay goes through %d events, want 10", session, n)
			}
		}
	})
}

func TestOnlyContestantsWithOwnIDsTakeTheProducersID(t *testing.T) {
	each(t, Config{Sessions: 1, Retain: 10, Payload: 8}, func(t *testing.T, c Contestant, s Store) {
		if id := s.AppendID(0, "the-producers", []byte("12345678")); (id == "the-producers") != c.OwnIDs {
			t.Errorf("the event's ID is %q", id)
		}
	})
}

func TestContestantsAreSafeForConcurrentUse(t *testing.T) {
	const retain, writers, each_ = 1000, 8, 50
	each(t, Config{Sessions: 1, Retain: retain, Payload: 8}, func(t *testing.T, _ Contestant, s Store) {
		last := s.AppendID(0, "first", []byte("12345678"))
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for i := range each_ {
					s.Append(0, fmt.Sprintf("%d-%d", w, i), []byte("12345678"))
				}
			})
		}
		wg.Wait()
		if n := s.Replay(0, last); n != writers*each_ {
			t.Errorf("%d events are there, want %d", n, writers*each_)
		}
	})
}

func TestBoundedContestantsForget(t *testing.T) {
	const retain = 50
	each(t, Config{Sessions: 1, Retain: retain, Payload: 8}, func(t *testing.T, c Contestant, s Store) {
		first := s.AppendID(0, "first", []byte("12345678"))
		for i := range 3 * retain {
			s.Append(0, fmt.Sprint(i), []byte("12345678"))
		}
		n := func() (n int) {
			defer func() { recover() }() // some say that the event is gone
			return s.Replay(0, first)
		}()
		if c.Unbounded != (n == 3*retain) {
			t.Errorf("of %d events, %d are there", 3*retain, n)
		}
	})
}

func TestSessionsMayRetainDifferentNumbersOfEvents(t *testing.T) {
	cfg := Config{Sessions: kinds, Retain: 20, Most: 100, Payload: 8}
	if least, most := cfg.RetainOf(0), cfg.RetainOf(kinds-1); least != 20 || most != 100 {
		t.Fatalf("sessions retain %d to %d events, want 20 to 100", least, most)
	}
	each(t, cfg, func(t *testing.T, c Contestant, s Store) {
		if c.Unbounded || c.Name == GoSDK {
			return // whose bound is in bytes, and of all sessions
		}
		for session := range cfg.Sessions {
			retain := cfg.RetainOf(session)
			first := s.AppendID(session, "first", []byte("12345678"))
			appendSome := func(n int) {
				for i := range n {
					s.Append(session, fmt.Sprint(n, "-", i), []byte("12345678"))
				}
			}
			if appendSome(retain - 1); s.Replay(session, first) != retain-1 {
				t.Errorf("session %d has lost one of %d events", session, retain)
			}
			appendSome(2)
			n := func() (n int) {
				defer func() { recover() }() // some say that the event is gone
				return s.Replay(session, first)
			}()
			if n > retain {
				t.Errorf("session %d has more than %d events", session, retain)
			}
		}
	})
}

func each(t *testing.T, cfg Config, test func(t *testing.T, c Contestant, s Store)) {
	for _, c := range All() {
		t.Run(c.Name, func(t *testing.T) {
			s := c.Open(cfg)
			defer s.Close()
			test(t, c, s)
		})
	}
}
