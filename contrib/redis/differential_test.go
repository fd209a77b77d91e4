package redis_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
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
// the server keeps what it has. It drops keys at random too: from then on a session may have lost
// what it had, and says so, until it is made anew in both.
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
	drops  bool
	hurt   map[string]bool // sessions of which a key was dropped
	pairs  []*pair         // readers
	ids    map[string][2]string
	calls  int
	faults int
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
		return 5 * time.Second
	}
	wantNoErr(t, "REPRISE_CHAOS", err)
	return d
}

// Two seeds run at least: the second drops keys.
func TestChaosBesideLocal(t *testing.T) {
	end := time.Now().Add(duelTime(t))
	s := newServer(t)
	for seed := uint64(1); seed <= 2 || time.Now().Before(end); seed++ {
		d := newDuel(t, s, seed)
		for n := 0; n < 600 && !t.Failed(); n++ {
			d.step()
		}
		d.finish()
		t.Logf("seed %d: %d calls, %d faults", seed, d.calls, d.faults)
	}
}

func newDuel(t testing.TB, s *server, seed uint64) *duel {
	t.Helper()
	limits, most, each := ring.Config{MaxEvents: 6, MaxBytes: 2000, MaxEventBytes: 500}, 6, 4
	if seed%2 == 0 {
		most, each = 100, 100
	}
	m, err := shard.New(
		shard.Config{MaxSessions: most, MaxPerPrincipal: each, MaxAttached: 3, MaxClaims: 3, Linger: -1, Ring: limits},
	)
	wantNoErr(t, "shard.New", err)
	t.Cleanup(func() { m.Close() })
	cable, prefix := proxy.New(t, s.addr), fmt.Sprint("duel", seed, "-", time.Now().UnixNano()%1e6)
	store := newStore(t, redis.Config{
		Prefix: prefix, MaxSessions: most, MaxPerPrincipal: each, MaxAttached: 3, MaxClaims: 3, Linger: -1,
		Ring: limits, Timeout: time.Minute, Lease: time.Minute,
	}, cable.Addr())
	return &duel{
		TB: t, ctx: t.Context(), rnd: rand.New(rand.NewPCG(seed, 7)), server: s, cable: cable, store: store,
		local: replay.Local(m), prefix: prefix, drops: seed%2 == 0, hurt: map[string]bool{},
		ids: map[string][2]string{},
	}
}

// sentinels are what errors are compared by.
var sentinels = []error{
	shard.ErrNotFound, shard.ErrExists, shard.ErrAttachLimit, shard.ErrSessionLimit, shard.ErrClaimed,
	shard.ErrClaimLimit, shard.ErrInvalidClaim, shard.ErrPrincipal, ring.ErrDuplicateID, ring.ErrEventTooLarge,
	ring.ErrInvalidEvent, ring.ErrEvicted, ring.ErrUnknownID,
}

func kind(err error) string {
	if err == nil {
		return "no error"
	}
	// Without Linger it ends when its readers have gone: either Store notices in its own time.
	if errors.Is(err, shard.ErrFinished) {
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
		if ours != nil && strings.HasPrefix(kind(ours), "another") {
			d.Errorf("%s of %s, of which a key was dropped: %v", what, id, ours)
		}
		return false
	}
	if kind(ours) != kind(local) {
		d.Fatalf("call %d, %s of %s: %v; Local says %v", d.calls, what, id, ours, local)
	}
	return ours == nil
}

func (d *duel) step() {
	id := fmt.Sprint("s", d.rnd.IntN(8))
	switch n := d.rnd.IntN(40); {
	case n < 4:
		md := shard.Metadata{Principal: fmt.Sprint("p", d.rnd.IntN(2))}
		d.anew(id)
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
		delete(d.hurt, id) // gone in both
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

// anew ends a session of which a key was dropped, in both Stores, so that they are alike again.
func (d *duel) anew(id string) {
	if d.hurt[id] {
		wantNoErr(d, "Terminate", d.store.Terminate(d.ctx, id))
		wantNoErr(d, "Terminate", d.local.Terminate(d.ctx, id))
		d.drop(func(p *pair) bool { return p.id == id })
		delete(d.hurt, id)
	}
}

func (d *duel) append(id string, n int) {
	var es []ring.Event
	for range n {
		e := ring.Event{Stream: string(rune('a' + d.rnd.IntN(2))), Data: make([]byte, d.rnd.IntN(120))}
		if d.rnd.IntN(2) == 0 {
			e.ID = fmt.Sprint("own", d.rnd.IntN(12))
		}
		if d.rnd.IntN(20) == 0 {
			e.Data = make([]byte, 480+d.rnd.IntN(40))
		}
		// With IDs of one length, both count the same bytes.
		if e.ID == "" {
			e.ID = fmt.Sprintf("made-%d-%d", d.calls, len(es))
		}
		es = append(es, e)
	}
	if n == 1 {
		a, ours := d.store.Append(d.ctx, id, es[0])
		b, local := d.local.Append(d.ctx, id, es[0])
		if d.same("Append", id, ours, local) || errors.Is(ours, ring.ErrDuplicateID) && !d.hurt[id] {
			d.alike(id, a, b)
		}
		return
	}
	a, ours := d.store.AppendAll(d.ctx, id, es)
	b, local := d.batch(id, es, ours)
	if d.same("AppendAll", id, ours, local) {
		for i := range a {
			d.alike(id, a[i], b[i])
		}
	}
}

// batch is AppendAll of Local. Where that has none, it takes what ours took, one by one, and is not
// asked about what ours refused.
func (d *duel) batch(id string, es []ring.Event, ours error) (stored []ring.Event, err error) {
	stored, err = replay.AppendAll(d.ctx, d.local, id, es)
	if !errors.Is(err, replay.ErrUnsupported) {
		return stored, err
	}
	if ours != nil {
		return nil, ours
	}
	for _, e := range es {
		one, err := d.local.Append(d.ctx, id, e)
		if err != nil {
			return nil, err
		}
		stored = append(stored, one)
	}
	return stored, nil
}

func (d *duel) alike(id string, a, b ring.Event) {
	d.Helper()
	if a.Seq != b.Seq || a.ID != b.ID || a.Stream != b.Stream || string(a.Data) != string(b.Data) {
		d.Fatalf("call %d, session %s: event %d %q, Local has %d %q", d.calls, id, a.Seq, a.ID, b.Seq, b.ID)
	}
	if d.rnd.IntN(3) == 0 {
		d.ids[id] = [2]string{a.ID, b.ID}
	}
}

func (d *duel) open(id string) {
	at := [2]replay.Position{}
	if known, ok := d.ids[id]; ok && d.rnd.IntN(2) == 0 {
		at[0].LastEventID, at[1].LastEventID = known[0], known[1]
	}
	for i := range at {
		at[i].Live = d.calls%5 == 0
		at[i].All = d.calls%3 == 0
	}
	ours, a := d.store.Open(d.ctx, id, at[0])
	local, b := d.local.Open(d.ctx, id, at[1])
	if d.same("Open", id, a, b) {
		d.pairs = append(d.pairs, &pair{id, ours, local})
		return
	}
	for _, r := range []replay.Reader{ours, local} {
		if r != nil {
			r.Close()
		}
	}
}

// read lets a pair of readers read all there is.
func (d *duel) read() {
	if len(d.pairs) == 0 {
		return
	}
	p := d.pairs[d.rnd.IntN(len(d.pairs))]
	a, errA := everything(d.ctx, p.ours)
	b, errB := everything(d.ctx, p.local)
	d.calls++
	if d.hurt[p.id] {
		for i := 1; i < len(a); i++ {
			if a[i].Seq <= a[i-1].Seq {
				d.Errorf("event %d after %d", a[i].Seq, a[i-1].Seq)
			}
		}
		return
	}
	// One that was overtaken ends where it notices: the one may have had the events that the other
	// lost.
	if errors.Is(errA, ring.ErrEvicted) != errors.Is(errB, ring.ErrEvicted) {
		d.drop(func(q *pair) bool { return p == q })
		return
	}
	if kind(errA) != kind(errB) || errA == nil && len(a) != len(b) {
		d.Fatalf(
			"call %d, readers of %s: %d events and %v; Local has %d and %v", d.calls, p.id, len(a), errA, len(b),
			errB,
		)
	}
	for i := range min(len(a), len(b)) {
		d.alike(p.id, a[i], b[i])
	}
	if errA != nil {
		d.drop(func(q *pair) bool { return p == q })
	}
}

// everything reads what was stored up to now, or the end of the session.
func everything(ctx context.Context, r replay.Reader) (es []ring.Event, err error) {
	over, cancel := context.WithCancel(ctx)
	cancel() // what is ready comes all the same
	for r.Err() == nil {
		var e ring.Event
		for r.Next(&e) {
			es = append(es, e)
		}
		if err := r.Wait(over); err != nil && r.Err() == nil {
			return es, nil
		}
	}
	return es, r.Err()
}

func (d *duel) drop(which func(*pair) bool) {
	var left []*pair
	for _, p := range d.pairs {
		if which(p) {
			p.ours.Close()
			p.local.Close()
		} else {
			left = append(left, p)
		}
	}
	d.pairs = left
}

func (d *duel) closeOne() {
	if len(d.pairs) > 0 {
		first := d.pairs[0]
		d.drop(func(p *pair) bool { return p == first })
	}
}

func (d *duel) info(id string) {
	a, ours := d.store.Info(d.ctx, id)
	b, local := d.local.Info(d.ctx, id)
	if !d.same("Info", id, ours, local) {
		return
	}
	if a.Log != b.Log || a.Status != b.Status || a.Attached != b.Attached || a.Principal != b.Principal ||
		a.Transport != b.Transport {
		d.Fatalf("call %d, Info of %s: %+v; Local has %+v", d.calls, id, a, b)
	}
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

// finish ends everything in both Stores, and wants nothing to be left on the server.
func (d *duel) finish() {
	d.drop(func(*pair) bool { return true })
	for n := range 8 {
		id := fmt.Sprint("s", n)
		wantNoErr(d, "Terminate", d.store.Terminate(d.ctx, id))
		d.local.Terminate(d.ctx, id)
	}
	for _, key := range splitLines(d.server.cli("KEYS", "{"+d.prefix+"*")) {
		if strings.HasSuffix(key, "}places") || strings.Contains(key, "}places:") ||
			d.server.cli("EXISTS", key) == "0" {
			continue // that of a session whose state was dropped, until it expires
		}
		if ttl := d.server.cli("PTTL", key); ttl == "-1" {
			d.Errorf("%s is left, without an expiry", key)
		}
	}
}
