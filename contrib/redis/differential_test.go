package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A duel is the same calls on this Store and on Local. Their answers must be the same, as long as
// the server keeps what it has. Keys are dropped at random too: from then on a session may have
// lost what it had, and says so, until it is made anew in both.
type duel struct {
	testing.TB
	ctx    context.Context
	rnd    *rand.Rand
	server *server
	cable  *proxy.Proxy
	store  *redis.Store
	local  replay.Store
	prefix string
	// drops is set if keys are dropped. The place of a session whose state is dropped is free only
	// later, so that no limit on sessions is met then.
	drops   bool
	assigns bool           // events get IDs, of which each Store makes its own: so the bytes differ
	lingers bool           // sessions linger, so that an ID is used once
	uses    map[string]int // of an ID, where it cannot be used again

	hurt          map[string]bool // sessions that may have lost something
	pairs         []*pair         // readers
	ids           map[string][2]string
	calls         int
	faults        int
	uncertainties int
}

// A pair is a reader of each Store, at the same place.
type pair struct {
	id          string
	ours, local replay.Reader
}

// duelTime is how long the test runs: REPRISE_CHAOS, or some seconds.
func duelTime(t testing.TB) time.Duration {
	d, err := time.ParseDuration(os.Getenv("REPRISE_CHAOS"))
	if os.Getenv("REPRISE_CHAOS") == "" {
		return 20 * time.Second
	}
	wantNoErr(t, "REPRISE_CHAOS", err)
	return d
}

// The seeds go through all kinds of duels in turn: with keys dropped or not, IDs assigned or not,
// sessions that linger or not.
func TestChaosBesideLocal(t *testing.T) {
	end := time.Now().Add(duelTime(t))
	s := newServer(t)
	for seed := uint64(1); time.Now().Before(end) && !t.Failed(); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			d := newDuel(t, s, seed)
			for n := 0; n < 600 && !t.Failed(); n++ {
				d.step()
			}
			d.finish()
			t.Logf("%d calls, %d faults, %d appends uncertain", d.calls, d.faults, d.uncertainties)
		})
	}
}

func newDuel(t testing.TB, s *server, seed uint64) *duel {
	t.Helper()
	d := &duel{
		TB: t, ctx: t.Context(), rnd: rand.New(rand.NewPCG(seed, 7)), server: s, hurt: map[string]bool{},
		ids: map[string][2]string{}, uses: map[string]int{},
		drops: seed&1 == 0, assigns: seed&2 == 0, lingers: seed&4 == 0,
	}
	limits, most, each, linger := ring.Config{MaxEvents: 6, MaxBytes: 2000, MaxEventBytes: 500}, 6, 4, -time.Second
	if d.drops {
		most, each = 100, 100
	}
	if d.assigns {
		limits.MaxBytes = 1 << 20
	}
	if d.lingers {
		linger = time.Hour
	}
	m, err := shard.New(
		shard.Config{
			MaxSessions: most, MaxPerPrincipal: each, MaxAttached: 3, MaxClaims: 3, Linger: linger, Ring: limits,
		},
	)
	wantNoErr(t, "shard.New", err)
	t.Cleanup(func() { m.Close() })
	d.local = replay.Local(m)
	d.cable, d.prefix = proxy.New(t, s.addr), fmt.Sprint("duel", seed, "-", time.Now().UnixNano()%1e6)
	d.store = newStore(t, redis.Config{
		Prefix: d.prefix, MaxSessions: most, MaxPerPrincipal: each, MaxAttached: 3, MaxClaims: 3, Linger: linger,
		Ring: limits, Timeout: time.Minute, Lease: time.Minute,
	}, d.cable.Addr())
	return d
}

// sentinels are what errors are compared by.
var sentinels = []error{
	shard.ErrNotFound, shard.ErrExists, shard.ErrAttachLimit, shard.ErrSessionLimit, shard.ErrClaimed,
	shard.ErrClaimLimit, shard.ErrInvalidClaim, shard.ErrPrincipal, ring.ErrDuplicateID, ring.ErrEventTooLarge,
	shard.ErrFinished, ring.ErrInvalidEvent, ring.ErrEvicted, ring.ErrUnknownID,
}

// kind names an error. Without Linger, a session that has finished ends when its readers have gone:
// either Store notices in its own time.
func (d *duel) kind(err error) string {
	if err == nil {
		return "no error"
	}
	if !d.lingers && errors.Is(err, shard.ErrFinished) {
		err = shard.ErrNotFound
	}
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s.Error()
		}
	}
	return "another error: " + err.Error()
}

// same compares two answers. It returns whether both are good.
func (d *duel) same(what, id string, ours, local error) bool {
	d.Helper()
	d.calls++
	if d.hurt[id] { // it has lost something: it says so, or has it still
		if ours != nil && strings.HasPrefix(d.kind(ours), "another") {
			d.Errorf("%s of %s, which may have lost something: %v", what, id, ours)
		}
		return false
	}
	if d.kind(ours) != d.kind(local) {
		d.Fatalf("call %d, %s of %s: %v; Local says %v", d.calls, what, id, ours, local)
	}
	return ours == nil
}

func (d *duel) step() {
	id := fmt.Sprint("s", d.rnd.IntN(8))
	if d.lingers {
		id = fmt.Sprint(id, "-", d.uses[id])
	}
	switch n := d.rnd.IntN(40); {
	case n < 4:
		md := shard.Metadata{Principal: fmt.Sprint("p", d.rnd.IntN(2))}
		id = d.anew(id)
		_, a := d.store.Create(d.ctx, id, md)
		_, b := d.local.Create(d.ctx, id, md)
		d.same("Create", id, a, b)
	case n < 20:
		d.append(id, 1)
	case n < 24:
		d.append(id, 2+d.rnd.IntN(5))
	case n < 27:
		d.open(id)
	case n < 31:
		d.read()
	case n == 31:
		d.closeOne()
	case n == 32:
		d.same("Finish", id, d.store.Finish(d.ctx, id), replay.Finish(d.ctx, d.local, id))
	case n == 33:
		d.same("Terminate", id, d.store.Terminate(d.ctx, id), d.local.Terminate(d.ctx, id))
		if !d.lingers {
			delete(d.hurt, id) // gone in both
		} else if d.rnd.IntN(2) == 0 { // else it is asked for all the same
			d.next(id)
		}
	case n == 34:
		key := fmt.Sprint(d.rnd.IntN(5))
		d.same("Claim", id, d.store.Claim(d.ctx, id, key), replay.Claim(d.ctx, d.local, id, key))
	case n == 35:
		change := func(md *shard.Metadata) { md.Transport = fmt.Sprint(d.calls) }
		d.same("Update", id, d.store.Update(d.ctx, id, change), d.local.Update(d.ctx, id, change))
	case n < 39:
		d.info(id)
	default:
		d.fault(id)
	}
}

// next returns the ID for the next session of the same name, which may be used again at once where
// sessions do not linger.
func (d *duel) next(id string) string {
	if !d.lingers {
		return id
	}
	name, _, _ := strings.Cut(id, "-")
	d.uses[name]++
	return fmt.Sprint(name, "-", d.uses[name])
}

// anew ends a session that may have lost something, in both Stores, so that they are alike again.
// It returns the ID for the next one.
func (d *duel) anew(id string) string {
	if !d.hurt[id] {
		return id
	}
	wantNoErr(d, "Terminate", d.store.Terminate(d.ctx, id))
	wantNoErr(d, "Terminate", d.local.Terminate(d.ctx, id))
	d.drop(func(p *pair) bool { return p.id == id })
	if !d.lingers {
		delete(d.hurt, id)
	}
	return d.next(id)
}

// fault cuts all connections, lets the server hang for a moment, or drops a key of a session.
func (d *duel) fault(id string) {
	d.faults++
	kinds := 3
	if d.drops {
		kinds = 6
	}
	switch d.rnd.IntN(kinds) {
	case 0:
		d.cable.Cut()
	case 1:
		d.cable.CutAfter(1 + d.rnd.IntN(2000))
	case 2:
		d.server.pause()
		time.AfterFunc(50*time.Millisecond, d.server.resume)
	default:
		client := newClientWith(d, rueidis.ClientOption{InitAddress: []string{d.server.addr}})
		key := redis.KeysOf(d.prefix, id)[d.rnd.IntN(3)]
		if n, _ := client.Do(d.ctx, client.B().Del().Key(key).Build()).AsInt64(); n > 0 {
			d.hurt[id] = true
		}
	}
}

// finish ends everything in both Stores, and wants nothing to be left on the server but what
// lingers, and the places of sessions that nobody terminated, because their state was dropped or
// because they had finished and ended by themselves. Each has an expiry.
func (d *duel) finish() {
	d.drop(func(*pair) bool { return true })
	for n := range 8 {
		id := fmt.Sprint("s", n)
		for use := 0; use <= d.uses[id]; use++ {
			one := id
			if d.lingers {
				one = fmt.Sprint(id, "-", use)
			}
			wantNoErr(d, "Terminate", d.store.Terminate(d.ctx, one))
			d.local.Terminate(d.ctx, one)
		}
	}
	for _, key := range d.keys() {
		if ttl := d.server.cli("PTTL", key); ttl == "-1" {
			d.Errorf("%s is left, without an expiry", key)
		}
	}
	if !d.drops && !d.lingers {
		redis.Eventually(d, "no key of a session is left", func() bool {
			return !slices.ContainsFunc(d.keys(), func(key string) bool { return !strings.Contains(key, "}places") })
		})
	}
}

func (d *duel) keys() []string { return splitLines(d.server.cli("KEYS", "{"+d.prefix+"*")) }
