//go:build reprise_steps

package ring

import (
	"sync"
	"testing"

	"github.com/reprise-go/reprise/internal/step"
)

// Many writers on many processors lose one race after the other, always to somebody else's event. By the time they come round, the others'
// records have filled the chunks that theirs are in, and they reserve again. What they leave behind holds no event, and must not stay for as long
// as one would: memory would be that of all writers' events, not of the retained ones.
func TestLosersOfManyRacesDoNotMultiplyMemory(t *testing.T) {
	const rounds, losers, size = 300, 16, 4000
	r := newRing(t, Config{MaxEvents: 100})
	for range 200 {
		mustAppend(t, r, Event{Data: make([]byte, size)})
	}
	full := r.Memory()

	var mu sync.Mutex
	moved := sync.NewCond(&mu)
	var round, waiting int
	var winning, over bool
	step.Set(func(at step.Point) {
		mu.Lock()
		defer mu.Unlock()
		if at != step.Written || winning || over {
			return
		}
		waiting++
		moved.Broadcast()
		for mine := round; round == mine; {
			moved.Wait()
		}
	})
	t.Cleanup(func() { step.Set(nil) })

	var appends sync.WaitGroup
	for range losers {
		appends.Go(func() {
			if _, err := r.Append(Event{Data: make([]byte, size)}); err != nil {
				t.Error(err)
			}
		})
	}
	var most int64
	for n := range rounds {
		mu.Lock()
		for waiting < losers {
			moved.Wait()
		}
		winning = true
		mu.Unlock()
		mustAppend(t, r, Event{Data: make([]byte, size)})
		most = max(most, r.Memory())
		mu.Lock()
		winning, waiting, over = false, 0, n == rounds-1
		round++
		moved.Broadcast()
		mu.Unlock()
	}
	appends.Wait()
	if most > 2*full {
		t.Errorf("memory went from %d to %d bytes, for %d retained", full, most, r.Stats().Bytes)
	}
}
