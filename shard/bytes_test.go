package shard_test

import (
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// What was appended is retained, evicted, or went with its session.
func TestStatsCountBytesAppendedAndEvicted(t *testing.T) {
	m, err := shard.New(shard.Config{Ring: ring.Config{MaxEvents: 10}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var appended, evicted int64
	for session := range 3 {
		s, err := m.Create(shard.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		var costs []int64
		for n := range 25 {
			e, err := s.Append(ring.Event{Data: make([]byte, 100*n)})
			if err != nil {
				t.Fatal(err)
			}
			costs = append(costs, int64(e.Size()+ring.Overhead))
		}
		for n, cost := range costs {
			if appended += cost; n < len(costs)-10 {
				evicted += cost
			}
		}
		if session == 1 {
			s.Terminate()
		}
		if st := m.Stats(); int64(st.AppendedBytes) != appended || int64(st.EvictedBytes) != evicted {
			t.Errorf("session %d: %d bytes appended, %d evicted, want %d and %d", session, st.AppendedBytes,
				st.EvictedBytes, appended, evicted)
		}
	}
}
