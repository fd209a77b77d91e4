package mcpgo

import (
	"hash/maphash"
	"sync"

	"github.com/reprise-go/reprise/internal/lru"
)

// MaxRemembered is how many session IDs an [EventStore] remembers, in 32 bytes each at most. The ID
// that was used least recently is forgotten first: it takes as many others in between before an
// ended session could be begun anew, and then only if the Store has forgotten it too and a message
// still comes for it.
const MaxRemembered = 1 << 17

// state is what is known of a session ID. It only ever advances.
type state uint64

const (
	unknown state = iota
	pending       // in use, and the Store has not been seen to know it
	existed       // the Store has known it
	ended
	stateBits = 2
)

// past remembers IDs by a 64-bit hash under a random seed, so that nobody can arrange for two to
// collide; with a full table one in 10^14 new IDs does by chance. It is safe for concurrent use;
// its mutex is held for a few table steps only.
type past struct {
	seed maphash.Seed
	mu   sync.Mutex
	ids  lru.Table // values: seen << stateBits | state
}

func newPast(limit uint32) *past {
	return &past{seed: maphash.MakeSeed(), ids: lru.Table{Limit: limit}}
}

// of returns what is known of id, and when advance was last told that it was in use, in ticks.
func (p *past) of(id string) (was state, seen int64) {
	hash := maphash.String(p.seed, id)
	p.mu.Lock()
	defer p.mu.Unlock()
	word, _ := p.ids.Get(hash)
	return state(word & (1<<stateBits - 1)), int64(word >> stateBits)
}

// advance brings id to a state, unless it is beyond it, makes it the most recently used, and
// returns the state that it is in now.
func (p *past) advance(id string, to state, seen int64) state {
	hash := maphash.String(p.seed, id)
	p.mu.Lock()
	defer p.mu.Unlock()
	word, _ := p.ids.Get(hash)
	to = max(to, state(word&(1<<stateBits-1)))
	p.ids.Set(hash, uint64(seen)<<stateBits|uint64(to))
	return to
}
