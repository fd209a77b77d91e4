package tests

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func newRand(seed uint64, stream int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(stream))) }

// A player makes calls on sessions of its own, one after the other, and the same ones on Local.
type player struct {
	*game
	n           int
	rnd         *rand.Rand
	places      [8]*mirror // sessions
	made        int
	calls       int
	unconfirmed int // appends that are stored and were not confirmed
}

// A mirror is a session in both Stores. One that has never been is one that has ended.
type mirror struct {
	id        string
	state     shard.Status // Active, Finished, or ended
	brief     bool         // it expires behind in the course of an outage
	pairs     []*pair
	ids       [][2]string     // some IDs of events
	confirmed uint64          // sequence
	doubtful  map[string]bool // keys whose Claim has failed
	claimed   []string
}

// A pair is a reader of each Store, at the same place.
type pair struct{ ours, local replay.Reader }

func newPlayer(g *game, n int) *player {
	p := &player{game: g, n: n, rnd: newRand(g.seed, n+1)}
	for i := range p.places {
		p.places[i] = p.unborn(i)
	}
	return p
}

// unborn is a session that is yet to be created: under the name of the last one at its place, where
// names can be used again.
func (p *player) unborn(i int) *mirror {
	id := fmt.Sprintf("p%d-s%d", p.n, i)
	if !p.reuse {
		p.made++
		id += fmt.Sprint("-", p.made)
	}
	return &mirror{id: id, state: shard.Terminated, doubtful: map[string]bool{}}
}

func (p *player) play() {
	for n := 0; n < steps && time.Now().Before(p.end) && !p.Failed(); n++ {
		p.step()
	}
}

// context ends soon, or with the test.
func (p *player) context() (context.Context, context.CancelFunc) {
	if p.rnd.IntN(4) > 0 {
		return context.WithTimeout(context.Background(), testkit.Patience)
	}
	return context.WithTimeout(context.Background(), time.Duration(1+p.rnd.IntN(300))*time.Millisecond)
}

func (p *player) step() {
	ctx, cancel := p.context()
	defer cancel()
	p.calls++
	i := p.rnd.IntN(len(p.places))
	m := p.places[i]
	switch n := p.rnd.IntN(40); {
	case n < 6:
		p.create(ctx, i)
	case n < 20:
		p.append(ctx, m, 1)
	case n < 23:
		p.append(ctx, m, 2+p.rnd.IntN(5))
	case n < 27:
		p.openPair(ctx, m)
	case n < 31:
		p.read(m)
	case n == 31:
		if len(m.pairs) > 1 { // the first one keeps a brief session
			m.drop(len(m.pairs) - 1)
		}
	case n == 32:
		p.finishOne(ctx, m)
	case n == 33:
		p.terminate(ctx, m)
	case n < 36:
		p.claim(ctx, m)
	case n == 36:
		p.update(ctx, m)
	case n == 37:
		p.same("Touch", m, p.store.Touch(ctx, m.id), touch(ctx, p.local, m.id))
	default:
		p.info(ctx, m)
	}
}

func touch(ctx context.Context, s replay.Store, id string) error { return s.Touch(ctx, id) }

// same compares two answers, and returns whether both are good. A session that is here needs nobody
// behind for most of what it is asked.
func (p *player) same(what string, m *mirror, ours, local error) bool {
	p.Helper()
	if p.isGhost(m, ours, local) {
		p.clarify(m)
		return false
	}
	if kind(ours) == unclear && (m.state == shard.Terminated || m.state == shard.Finished) {
		return false // whether there is one is asked behind
	}
	if kind(ours) != kind(local) {
		p.Fatalf("player %d, call %d: %s of %s: %v; Local says %v", p.n, p.calls, what, m.id, ours, local)
	}
	return ours == nil
}

// isGhost reports whether there is a session that nobody has: a Create of it has failed, or a new
// copy of it that was asked for before it ended, and that has landed since.
func (p *player) isGhost(m *mirror, ours, local error) bool {
	return p.faulty.isStray(m.id) && m.state == shard.Terminated &&
		errors.Is(local, shard.ErrNotFound) && !errors.Is(ours, shard.ErrNotFound)
}
