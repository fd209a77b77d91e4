package redis_test

import (
	"errors"
	"fmt"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/internal/testkit/replaytest"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

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
		if e.ID == "" && !d.assigns {
			e.ID = fmt.Sprintf("made-%d-%d", d.calls, len(es))
		}
		es = append(es, e)
	}
	if n == 1 {
		a, ours := d.store.Append(d.ctx, id, es[0])
		b, local := d.local.Append(d.ctx, id, es[0])
		if errors.Is(ours, redis.ErrUncertain) {
			d.uncertain(id, 1)
			return
		}
		if d.same("Append", id, ours, local) || errors.Is(ours, ring.ErrDuplicateID) && !d.hurt[id] {
			d.alike(id, a, b)
		}
		return
	}
	a, ours := d.store.AppendAll(d.ctx, id, es)
	b, local := replay.AppendAll(d.ctx, d.local, id, es)
	if errors.Is(ours, redis.ErrUncertain) {
		d.uncertain(id, len(es))
		return
	}
	if d.same("AppendAll", id, ours, local) {
		for i := range a {
			d.alike(id, a[i], b[i])
		}
	}
}

// uncertain is about an append of which this Store cannot tell whether it took place. That is right
// where the Store gives the IDs and has evicted events: what is left may all be of the last two
// seconds. From then on the session may lack those events, which Local has.
func (d *duel) uncertain(id string, events int) {
	d.Helper()
	d.calls++
	d.uncertainties++
	if d.hurt[id] {
		return
	}
	a, ours := d.store.Info(d.ctx, id)
	b, local := d.local.Info(d.ctx, id)
	wantNoErr(d, "Info", errors.Join(ours, local))
	missing := b.Log.Last - a.Log.Last
	if !d.assigns || b.Log.Evicted == 0 || missing != 0 && missing != uint64(events) {
		d.Fatalf("call %d, append of %d events to %s is uncertain: %+v; Local has %+v",
			d.calls, events, id, a.Log, b.Log)
	}
	d.hurt[id] = true
}

func (d *duel) alike(id string, a, b ring.Event) {
	d.Helper()
	isSame := a.ID == b.ID || d.assigns && len(a.ID) > 8 && len(b.ID) > 8
	if a.Seq != b.Seq || !isSame || a.Stream != b.Stream || string(a.Data) != string(b.Data) {
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
	a, errA := replaytest.Ready(p.ours)
	b, errB := replaytest.Ready(p.local)
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
	if errors.Is(errA, shard.ErrFinished) && errors.Is(errB, shard.ErrNotFound) {
		errA = errB // it was told before the session was terminated
	}
	if d.kind(errA) != d.kind(errB) || errA == nil && len(a) != len(b) {
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
	if d.assigns {
		a.Log.Bytes = b.Log.Bytes
	}
	if a.Log != b.Log || a.Status != b.Status || a.Attached != b.Attached || a.Principal != b.Principal ||
		a.Transport != b.Transport {
		d.Fatalf("call %d, Info of %s: %+v; Local has %+v", d.calls, id, a, b)
	}
}
