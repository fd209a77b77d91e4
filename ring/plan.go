package ring

import "fmt"

// A move is what an append changes besides adding its event: how much is retained before and after it, and what that draws from the
// shared budget. It is worked out before the claim and written into the record, so that a lost race evicts nothing.
//
// The budget is looked at before the claim and drawn on once the event is visible. A writer that stalls in between holds nothing back from
// others, and all together exceed the budget by at most one event each.
type move struct {
	before, after int64  // bytes retained
	count         uint64 // events retained after it
	sum, base     uint64 // what all events have cost up to the new one, and up to the oldest one kept, without it; see record.after
	drawn         int64  // from the budget; negative: given back
	large         bool   // a large event goes, and maybe a chunk with it
}

// planFast is plan for the common case: the hints say it all, at most one event goes, and it is small. It returns false when it cannot tell.
func (r *Ring) planFast(m *move, tail uint64, t *table, cost int64) bool {
	g := r.group
	seq, n := tailSeq(tail), tailCount(tail)
	newest, base := t.slot(seq).sum.Load(), t.slot(seq-n).sum.Load()
	if newest>>sumBits != seq || base>>sumBits != seq-n || n == 0 || !g.hints {
		return false
	}
	const mask = 1<<sumBits - 1
	before := int64((newest - base) & mask)
	after := before + cost
	count := n + 1
	if count > uint64(g.maxEvents) || after > g.maxBytes {
		oldest := t.slot(seq - n + 1).sum.Load()
		gone := int64((oldest - base) & mask)
		after -= gone
		count--
		if oldest>>sumBits != seq-n+1 || after > g.maxBytes || gone > largeBytes && isLarge(gone, chunkBytes(before)) {
			return false
		}
	}
	m.drawn, m.large = 0, false
	if b := g.Budget; b != nil {
		m.drawn = b.Charge(after) - b.Charge(before)
		if m.drawn > 0 && m.drawn > b.Free() {
			return false
		}
	}
	m.before, m.after, m.count, m.sum = before, after, count, (newest+uint64(cost))&mask
	return true
}

// plan works out the move of an event of that cost after tail, where t and dir were loaded while tail was the tail. It returns
// false when the tail has moved on.
func (r *Ring) plan(m *move, tail uint64, t *table, dir *directory, cost int64) (ok bool, err error) {
	*m = move{count: tailCount(tail) + 1, after: cost}
	if m.count > 1 {
		newest, ok := r.sumAfter(t, dir, tailSeq(tail))
		if !ok {
			return false, nil
		}
		if m.base, ok = r.sumBefore(t, dir, tailFirst(tail)); !ok {
			return false, nil
		}
		m.before = int64((newest - m.base) & r.group.costs())
		m.sum = newest
		m.after += m.before
	}
	m.sum = (m.sum + uint64(cost)) & r.group.costs()
	for m.count > uint64(r.group.maxEvents) || m.after > r.group.maxBytes && m.count > 1 {
		if !r.evictOne(m, tail, t, dir) {
			return false, nil
		}
	}
	if r.group.Budget == nil {
		return true, nil
	}
	return r.fund(m, tail, t, dir, cost)
}

// evictOne plans the eviction of the oldest event that m keeps.
func (r *Ring) evictOne(m *move, tail uint64, t *table, dir *directory) bool {
	sum, ok := r.sumAfter(t, dir, tailSeq(tail)+2-m.count)
	if ok {
		cost := int64((sum - m.base) & r.group.costs())
		m.base = sum
		m.after -= cost
		m.count--
		m.large = m.large || cost > largeBytes && isLarge(cost, chunkBytes(m.before))
	}
	return ok
}

// sumAfter returns what all events up to seq have cost, modulo Group.costs()+1. It returns false when seq is no longer retained: its slot has gone on to
// another lap; while it has not, dir has the chunk.
func (r *Ring) sumAfter(t *table, dir *directory, seq uint64) (uint64, bool) {
	s := t.slot(seq)
	if hint := s.sum.Load(); hint>>sumBits == seq && r.group.hints {
		return hint & (1<<sumBits - 1), true
	}
	w := s.word.Load()
	if !t.holds(w, seq) {
		return 0, false
	}
	return dir.record(t, w).sum(), true
}

// sumBefore returns what all events before seq, the oldest one, have cost. The slot of the one before keeps its hint until the next event is claimed.
func (r *Ring) sumBefore(t *table, dir *directory, seq uint64) (uint64, bool) {
	if hint := t.slot(seq - 1).sum.Load(); hint>>sumBits == seq-1 && r.group.hints {
		return hint & (1<<sumBits - 1), true
	}
	w := t.slot(seq).word.Load()
	if !t.holds(w, seq) {
		return 0, false
	}
	rec := dir.record(t, w)
	return (rec.sum() - uint64(rec.cost())) & r.group.costs(), true
}

// fund finds room for m in the shared budget, if need be by evicting more of the ring's own oldest events.
func (r *Ring) fund(m *move, tail uint64, t *table, dir *directory, cost int64) (bool, error) {
	b := r.group.Budget
	held := b.Charge(m.before)
	for {
		m.drawn = b.Charge(m.after) - held
		if m.drawn <= 0 || m.drawn <= b.Free() {
			return true, nil
		}
		if least := b.Charge(cost) - held; least > max(0, b.Free()) || m.count == 1 {
			return false, fmt.Errorf("%w: the event needs %d bytes, %d are left", ErrOverBudget, cost, held+max(0, b.Free()))
		}
		if !r.evictOne(m, tail, t, dir) {
			return false, nil
		}
	}
}

// settle accounts for the event of that cost after tail, which is visible.
func (r *Ring) settle(tail uint64, m *move, cost int64) {
	if m.drawn != 0 {
		r.group.Budget.Draw(m.drawn)
	}
	if m.large {
		r.sweep()
	}
	if r.group.Tally == nil {
		return
	}
	p := r.group.Tally.Stripe(r.stripeHash())
	p.Append(cost)
	if n := int64(m.count) - int64(tailCount(tail)); n != 0 {
		p.Events.Add(n)
	}
	if n := m.after - m.before; n != 0 {
		p.Bytes.Add(n)
	}
}

func (r *Ring) countDuplicate() {
	if t := r.group.Tally; t != nil {
		t.Stripe(r.stripeHash()).Duplicates.Add(1)
	}
}
