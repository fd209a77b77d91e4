package tests

import (
	"context"
	"errors"
	"fmt"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/replaytest"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// create makes the session at a place, if there is none.
func (p *player) create(ctx context.Context, i int) {
	m := p.places[i]
	if m.state == shard.Terminated {
		if before := m; !p.reuse {
			m = p.unborn(i)
		} else {
			m = &mirror{id: m.id, state: shard.Terminated, doubtful: map[string]bool{}}
			before.drop(0)
		}
	}
	o := shard.Options{ID: m.id, Metadata: shard.Metadata{Principal: fmt.Sprintf("p%d-%d", p.n, p.rnd.IntN(2))}}
	if p.rnd.IntN(4) == 0 {
		o.Ring = ring.Config{MaxEvents: 1 + p.rnd.IntN(20)}
	}
	brief := p.rnd.IntN(3) == 0
	_, local := replay.CreateWith(ctx, p.local, o)
	if brief {
		o.TTL = briefTTL
	}
	err := p.createHere(ctx, o, m, local == nil)
	switch {
	case kind(err) == unclear:
		err = p.clarify(m)
	case p.isGhost(m, err, shard.ErrNotFound) && errors.Is(err, shard.ErrExists):
		err = p.clarify(m)
	case errors.Is(err, shard.ErrSessionLimit) && local == nil: // the Store behind is full
		p.local.Terminate(ctx, m.id)
		return
	}
	if err == nil && local != nil || err != nil && local == nil {
		if kind(err) != unclear {
			p.Fatalf("player %d, call %d: Create of %s: %v; Local says %v", p.n, p.calls, m.id, err, local)
		}
		p.local.Terminate(ctx, m.id)
		return
	}
	if err != nil {
		p.same("Create", m, err, local)
		return
	}
	m.state, m.brief = shard.Active, brief
	p.places[i] = m
	if brief {
		p.keep(i)
	}
}

// createHere creates a session, of which the one before may take a moment to be gone behind.
func (p *player) createHere(ctx context.Context, o shard.Options, m *mirror, isFree bool) (err error) {
	_, err = p.store.CreateWith(ctx, o)
	if isFree && errors.Is(err, shard.ErrExists) {
		testkit.Eventually(p, "the ID "+m.id+" is free behind", func() bool {
			if p.faulty.isStray(m.id) { // it may have landed by now
				p.store.Terminate(context.Background(), m.id)
			}
			_, err = p.store.CreateWith(context.Background(), o)
			return !errors.Is(err, shard.ErrExists)
		})
	}
	return err
}

// clarify finds out whether a session was created though the answer is lost, and has it ended if it
// was: then nobody knows of it.
func (p *player) clarify(m *mirror) error {
	testkit.Eventually(p, "no call about "+m.id+" is late", func() bool { return p.faulty.settled(m.id) })
	testkit.Eventually(p, m.id+" is ended", func() bool {
		return p.store.Terminate(context.Background(), m.id) == nil
	})
	return errFault
}

// keep opens a reader on a session that would soon expire. If it was too late, so be it.
func (p *player) keep(i int) {
	m := p.places[i]
	p.openPair(context.Background(), m)
	if len(m.pairs) > 0 {
		return
	}
	p.terminate(context.Background(), m)
}

func (p *player) event(n int) ring.Event {
	e := ring.Event{Stream: string(rune('a' + p.rnd.IntN(2))), Data: make([]byte, p.rnd.IntN(120))}
	if p.rnd.IntN(3) == 0 {
		e.ID = fmt.Sprint("own", p.rnd.IntN(12))
	}
	if p.rnd.IntN(20) == 0 {
		e.Data = make([]byte, 480+p.rnd.IntN(40))
	}
	copy(e.Data, fmt.Sprint(p.calls, "-", n))
	return e
}

// append appends one event or some at once. An error that comes with an event says only that it is
// not behind yet.
func (p *player) append(ctx context.Context, m *mirror, n int) {
	var es []ring.Event
	for i := range n {
		es = append(es, p.event(i))
	}
	var here, there []ring.Event
	var ours, local error
	if n == 1 {
		here, there = make([]ring.Event, 1), make([]ring.Event, 1)
		here[0], ours = p.store.Append(ctx, m.id, es[0])
		there[0], local = p.local.Append(ctx, m.id, es[0])
	} else {
		here, ours = replay.AppendAll(ctx, p.store, m.id, es)
		there, local = replay.AppendAll(ctx, p.local, m.id, es)
	}
	late := kind(ours) == unclear && len(here) > 0 && here[0].Seq > 0
	if late && !p.isGhost(m, ours, local) {
		p.unconfirmed++
		if local != nil && !errors.Is(local, ring.ErrDuplicateID) {
			p.Fatalf("player %d, call %d: Append to %s: %v; Local says %v", p.n, p.calls, m.id, ours, local)
		}
	} else {
		p.same("Append", m, ours, local)
	}
	if local != nil && !errors.Is(local, ring.ErrDuplicateID) || m.state != shard.Active {
		return
	}
	for i := range there {
		p.alike(m, here[i], there[i])
	}
	if p.sync && !late && len(here) > 0 {
		m.confirmed = max(m.confirmed, here[len(here)-1].Seq)
		p.wantBehind(m)
	}
}

// wantBehind wants what was confirmed to be behind at once, where that can be asked.
func (p *player) wantBehind(m *mirror) {
	if m.brief || p.rnd.IntN(4) > 0 {
		return
	}
	info, err := p.behind.Info(context.Background(), m.id)
	if err == nil && info.Log.Last < m.confirmed {
		p.Fatalf("player %d, call %d: %s is confirmed up to %d, and behind has %d", p.n, p.calls, m.id, m.confirmed,
			info.Log.Last)
	}
}

// alike wants two events to be the same, but for the ID if it was assigned.
func (p *player) alike(m *mirror, a, b ring.Event) {
	p.Helper()
	own := a.ID == b.ID || len(a.ID) == len(b.ID) && len(a.ID) > 8
	if a.Seq != b.Seq || !own || a.Stream != b.Stream || string(a.Data) != string(b.Data) {
		p.Fatalf("player %d, call %d, session %s: event %d %q %q, Local has %d %q %q", p.n, p.calls, m.id,
			a.Seq, a.ID, a.Data, b.Seq, b.ID, b.Data)
	}
	if p.rnd.IntN(3) == 0 {
		m.ids = append(m.ids, [2]string{a.ID, b.ID})
		m.ids = m.ids[max(0, len(m.ids)-6):]
	}
}

func (p *player) openPair(ctx context.Context, m *mirror) {
	at := [2]replay.Position{}
	if len(m.ids) > 0 && p.rnd.IntN(2) == 0 {
		known := m.ids[p.rnd.IntN(len(m.ids))]
		at[0].LastEventID, at[1].LastEventID = known[0], known[1]
	}
	for i := range at {
		at[i].Live, at[i].All = p.calls%5 == 0, p.calls%3 == 0
	}
	if p.sync && at[0].Live && p.store.Lag(m.id) > 0 {
		return // with Sync it begins after what is behind, and Local after what is stored
	}
	ours, a := p.store.Open(ctx, m.id, at[0])
	local, b := p.local.Open(ctx, m.id, at[1])
	if m.brief && len(m.pairs) == 0 && errors.Is(a, shard.ErrNotFound) && b == nil { // it has expired here
		local.Close()
		return
	}
	if m.state == shard.Active || a == nil && b == nil {
		if p.same("Open", m, a, b) {
			m.pairs = append(m.pairs, &pair{ours, local})
			return
		}
	}
	for _, r := range []replay.Reader{ours, local} {
		if r != nil {
			r.Close()
		}
	}
}

// read lets a pair of readers read all there is.
func (p *player) read(m *mirror) {
	if len(m.pairs) == 0 || m.state != shard.Active {
		return
	}
	i := p.rnd.IntN(len(m.pairs))
	a, errA := replaytest.Ready(m.pairs[i].ours)
	b, errB := replaytest.Ready(m.pairs[i].local)
	if p.sync && errA == nil && len(a) < len(b) { // an event is seen once it is behind
		testkit.Eventually(p, "a reader of "+m.id+" sees what is stored", func() bool {
			var more []ring.Event
			more, errA = replaytest.Ready(m.pairs[i].ours)
			a = append(a, more...)
			return errA != nil || len(a) >= len(b)
		})
	}
	if kind(errA) != kind(errB) || errA == nil && len(a) != len(b) {
		p.Fatalf("player %d, call %d, readers of %s: %d events and %v; Local has %d and %v", p.n, p.calls, m.id,
			len(a), errA, len(b), errB)
	}
	for n := range min(len(a), len(b)) {
		p.alike(m, a[n], b[n])
	}
	if errA != nil && (i > 0 || !m.brief) { // one that was overtaken still keeps its session
		m.pairs[i].close()
		m.pairs = append(m.pairs[:i], m.pairs[i+1:]...)
	}
}

func (q *pair) close() {
	q.ours.Close()
	q.local.Close()
}

// drop closes the pairs from that one on.
func (m *mirror) drop(from int) {
	for _, q := range m.pairs[from:] {
		q.close()
	}
	m.pairs = m.pairs[:from]
}

func (p *player) finishOne(ctx context.Context, m *mirror) {
	ours, local := p.store.Finish(ctx, m.id), replay.Finish(ctx, p.local, m.id)
	if kind(ours) != unclear {
		p.same("Finish", m, ours, local)
	}
	if m.state == shard.Active {
		m.drop(0)
		m.state = shard.Finished
	}
	if p.reuse { // it has ended without its readers
		m.state = shard.Terminated
	}
}

func (p *player) terminate(ctx context.Context, m *mirror) {
	if err := p.store.Terminate(ctx, m.id); err != nil && kind(err) != unclear {
		p.Fatalf("player %d, call %d: Terminate of %s: %v", p.n, p.calls, m.id, err)
	}
	p.local.Terminate(ctx, m.id)
	m.drop(0)
	m.state = shard.Terminated
}

// claim claims a key. After a Claim that has failed it may be claimed or not.
func (p *player) claim(ctx context.Context, m *mirror) {
	key := fmt.Sprint(p.rnd.IntN(5))
	if len(m.doubtful) > 0 {
		return // how many are claimed is not known
	}
	ours := p.store.Claim(ctx, m.id, key)
	if kind(ours) == unclear {
		m.doubtful[key] = true
		return
	}
	if p.same("Claim", m, ours, replay.Claim(ctx, p.local, m.id, key)) {
		m.claimed = append(m.claimed, key)
	}
}

func (p *player) update(ctx context.Context, m *mirror) {
	change := func(md *shard.Metadata) { md.Transport = fmt.Sprint(p.calls) }
	ours := p.store.Update(ctx, m.id, change)
	if kind(ours) == unclear {
		return // and then nothing has changed
	}
	p.same("Update", m, ours, p.local.Update(ctx, m.id, change))
}

func (p *player) info(ctx context.Context, m *mirror) {
	a, ours := p.store.Info(ctx, m.id)
	b, local := p.local.Info(ctx, m.id)
	if m.state == shard.Active && p.same("Info", m, ours, local) {
		p.alikeInfo(m, a, b)
	}
}

func (p *player) alikeInfo(m *mirror, a, b shard.Info) {
	p.Helper()
	if a.Log != b.Log || a.Status != b.Status || a.Attached != b.Attached || a.Principal != b.Principal ||
		a.Transport != b.Transport {
		p.Fatalf("player %d, call %d, Info of %s: %+v; Local has %+v", p.n, p.calls, m.id, a, b)
	}
}
