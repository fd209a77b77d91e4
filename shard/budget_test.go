package shard_test

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Greedy sessions take all that MaxBytes leaves them, while quiet ones hold what they had and new
// ones come. One shard counts in one place, so that the total which Stats tells is exact at any
// moment.
func TestMaxBytesHoldsAndTheGrowingSessionsPay(t *testing.T) {
	const sessions, budget, greedy, rounds = 20, 1 << 20, 4, 20_000 / slow
	const share = budget / 2 / sessions
	m := newManager(t, shard.Config{Shards: 1, MaxSessions: sessions, MaxBytes: budget,
		Ring: ring.Config{MaxEvents: 1 << 16}})
	data := make([]byte, 200)
	var quiet []*shard.Session
	for range 5 {
		s := create(t, m, string(rune('a'+len(quiet))))
		fillUpTo(t, s, share, data)
		quiet = append(quiet, s)
	}
	var writing atomic.Int32
	writing.Store(greedy + 1)
	largest := int64(len(data)+ring.Overhead) + 40 // and an assigned ID
	together(greedy+2, func(g int) {
		switch {
		case g < greedy:
			defer writing.Add(-1)
			s := create(t, m, string(rune('A'+g)))
			for range rounds {
				if _, err := s.Append(ring.Event{Data: data}); err != nil {
					t.Errorf("a greedy session is refused: %v", err)
					return
				}
			}
		case g == greedy:
			defer writing.Add(-1)
			for range 10 {
				s, err := m.Create(shard.Metadata{})
				if err != nil {
					t.Error(err)
					return
				}
				fillUpTo(t, s, share, data)
				if log := s.Info().Log; log.Evicted != 0 || log.Bytes < share-largest {
					t.Errorf("a new session gets %d of its share of %d bytes and loses %d events", log.Bytes, share,
						log.Evicted)
				}
			}
		default:
			for writing.Load() > 0 {
				if over := m.Stats().Bytes - budget; over > (greedy+1)*largest {
					t.Errorf("the total is %d bytes over the budget", over)
					return
				}
				runtime.Gosched()
			}
		}
	})
	if st := m.Stats(); st.Bytes > budget+greedy*largest || st.Bytes < budget/2 {
		t.Errorf("%d bytes are retained of %d", st.Bytes, budget)
	}
	for _, s := range quiet {
		if log := s.Info().Log; log.First != 1 || log.Evicted != 0 {
			t.Errorf("a quiet session has lost %d events", log.Evicted)
		}
	}
}

// fillUpTo appends events as long as they fit into that many bytes.
func fillUpTo(t *testing.T, s *shard.Session, bytes int64, data []byte) {
	t.Helper()
	for {
		e, err := s.Append(ring.Event{Data: data})
		if err != nil {
			t.Errorf("refused though the share is not used up: %v", err)
			return
		}
		if s.Info().Log.Bytes+int64(e.Size()+ring.Overhead)+1 > bytes {
			return
		}
	}
}

func TestWhatASessionHeldIsFreeWhenItEnds(t *testing.T) {
	m := newManager(t, shard.Config{MaxSessions: -1, MaxBytes: 10_000, Linger: -1})
	data := make([]byte, 800)
	for range 20 {
		s, err := m.Create(shard.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			if _, err := s.Append(ring.Event{Data: data}); err != nil {
				t.Fatalf("refused though nobody else holds anything: %v", err)
			}
		}
		s.Terminate()
	}
	if n := m.Stats().Bytes; n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}
