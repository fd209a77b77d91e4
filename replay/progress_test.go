package replay

import (
	"context"
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// lagOf returns how far behind the session takes its only reader to be; -1: it does not know.
func lagOf(t *testing.T, s *shard.Session) int {
	t.Helper()
	f := s.Readers()
	if len(f) != 1 {
		t.Fatalf("%d followers", len(f))
	}
	if !f[0].Known {
		return -1
	}
	return int(f[0].Lag)
}

func TestAReaderSaysHowFarItIs(t *testing.T) {
	s := newSession(t, ring.Config{MaxEvents: 2000})
	r := mustOpen(t, s, Position{})
	equal(t, "lag of a reader that nobody asks", lagOf(t, s), -1)
	fill(t, s, 200)
	var e ring.Event
	r.Next(&e)
	equal(t, "after the first event", lagOf(t, s), 199)
	for range 62 {
		r.Next(&e)
	}
	equal(t, "63 events", lagOf(t, s), 200-61) // it says so every 12 events, of 200
	fill(t, s, 1400)
	for range 63 + 64 {
		r.Next(&e)
	}
	equal(t, "in a log of 1600", lagOf(t, s), 1600-(73+64))
	ready(r)
	equal(t, "having caught up", lagOf(t, s), 0)
	r.Close()
	equal(t, "followers after Close", len(s.Readers()), 0)
}

func TestAReaderOfASmallLogSpeaksMoreOften(t *testing.T) {
	for _, c := range []struct {
		cfg  ring.Config
		size int
	}{{ring.Config{MaxEvents: 32}, 1}, {ring.Config{MaxBytes: 32 << 10}, 1 << 10}} {
		s := newSession(t, c.cfg)
		r := mustOpen(t, s, Position{})
		for range 20 {
			if _, err := s.Append(ring.Event{Data: make([]byte, c.size)}); err != nil {
				t.Fatal(err)
			}
		}
		var e ring.Event
		for n := range 20 {
			r.Next(&e)
			if lag := lagOf(t, s); lag > 20-(n+1)+1 {
				t.Errorf("%+v: after %d events it is taken to be %d behind", c.cfg, n+1, lag)
			}
		}
	}
}

func TestAReaderOfOneStreamHasReadTheOthersToo(t *testing.T) {
	s := newSession(t, ring.Config{})
	r := mustOpen(t, s, Position{Streams: []string{"a"}})
	add(t, s, "a:1", "b:1", "b:2")
	ready(r)
	equal(t, "lag", lagOf(t, s), 0)
}

func TestAReaderThatOnlyWaitsSaysHowFarItIs(t *testing.T) {
	s := newSession(t, ring.Config{})
	r := mustOpen(t, s, Position{Live: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, r.Wait(ctx), context.Canceled)
	equal(t, "lag", lagOf(t, s), 0)
	fill(t, s, 3)
	equal(t, "after three events", lagOf(t, s), 3)
}
