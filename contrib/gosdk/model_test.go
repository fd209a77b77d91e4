package gosdk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/jsonrpc"
	"github.com/reprise-go/reprise/internal/mcpstore"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// model is one session as a plain list: what is retained, and how far each stream has counted.
type model struct {
	retain  int
	events  []modelEvent // oldest first
	refused map[modelEvent]bool
	next    map[string]int
}

type modelEvent struct {
	stream string
	index  int
}

func (m *model) append(stream string, stored bool) {
	if stored {
		m.events = append(m.events, modelEvent{stream, m.next[stream]})
		m.events = m.events[max(0, len(m.events)-m.retain):]
	} else {
		m.refused[modelEvent{stream, m.next[stream]}] = true
	}
	m.next[stream]++
}

// after returns the indices that After yields; false: purged.
func (m *model) after(stream string, index int) (want []int, ok bool) {
	for i := index + 1; i < m.next[stream]; i++ {
		if e := (modelEvent{stream, i}); !slices.Contains(m.events, e) && !m.refused[e] {
			return nil, false
		}
		want = append(want, i)
	}
	return want, true
}

func TestAnswersAreThoseOfAPlainListUnderEvictionAndRefusal(t *testing.T) {
	streams := []string{"", "a", "a_1", "~odd\x00"}
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 3))
		retain := 1 + rng.IntN(12)
		es := newStore(t, shard.Config{Ring: ring.Config{MaxEvents: retain, MaxEventBytes: 512}})
		m := model{retain: retain, refused: map[modelEvent]bool{}, next: map[string]int{}}
		mustOpen(t, es, "S", streams...)
		for op := range 400 {
			stream := streams[min(rng.IntN(8), 3)] // the last one is the busiest
			if rng.IntN(3) > 0 {
				d, stored := data(stream, m.next[stream]), rng.IntN(30) > 0
				if !stored {
					d = make([]byte, 1024)
				}
				if err := es.Append(t.Context(), "S", stream, d); (err == nil) != stored {
					t.Fatalf("seed %d, op %d: Append: %v", seed, op, err)
				}
				m.append(stream, stored)
				continue
			}
			index := m.next[stream] - rng.IntN(8) - 1
			if rng.IntN(5) == 0 {
				index = -1
			}
			compareWithModel(t, es, &m, stream, max(-1, index), fmt.Sprintf("seed %d, op %d", seed, op))
		}
	}
}

func compareWithModel(t *testing.T, es *EventStore, m *model, stream string, index int, where string) {
	t.Helper()
	got, err := after(t.Context(), es, "S", stream, index)
	indices, ok := m.after(stream, index)
	var want []string
	for _, i := range indices {
		if m.refused[modelEvent{stream, i}] {
			want = append(want, string(jsonrpc.Lost(make([]byte, 1), mcpstore.Reason(ring.ErrEventTooLarge))))
			continue
		}
		want = append(want, string(data(stream, i)))
	}
	if !slices.Equal(got, want) || (err == nil) != ok || err != nil && !errors.Is(err, mcp.ErrEventsPurged) {
		t.Fatalf("%s: After(%q, %d) = %q, %v; want %q, purged: %v", where, stream, index, got, err, want, !ok)
	}
}
