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
	drawn         int64  // from the budget; negative: given back
	large         bool   // a large event goes
}

// plan works out the move of an event of that cost after tail, where t and dir were loaded while tail was the tail. It returns
// false when the tail has moved on.
//
// A slot that has gone on to another lap says that tail is out of date; while it has not, dir has the record's chunk.
func (r *Ring) plan(m *move, tail uint64, t *table, dir *directory, cost int64) (ok bool, err error) {
	*m = move{after: cost, count: tailCount(tail) + 1}
	if m.count > 1 {
		w := t.slot(tailSeq(tail)).Load()
		if !t.holds(w, tailSeq(tail)) {
			return false, nil
		}
		m.before = dir.newest(t, w).bytes()
		m.after += m.before
	}
	for m.count > uint64(r.group.cfg.MaxEvents) || m.after > int64(r.group.cfg.MaxBytes) && m.count > 1 {
		if !m.evictOne(tail, t, dir) {
			return false, nil
		}
	}
	if r.group.Budget == nil {
		return true, nil
	}
	return r.fund(m, tail, t, dir, cost)
}

// evictOne plans the eviction of the oldest event that m keeps.
func (m *move) evictOne(tail uint64, t *table, dir *directory) bool {
	seq := tailSeq(tail) + 2 - m.count
	w := t.slot(seq).Load()
	if !t.holds(w, seq) {
		return false
	}
	cost := dir.record(t, w).cost()
	m.after -= cost
	m.count--
	m.large = m.large || cost > largeBytes
	return true
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
		if least := b.Charge(cost) - held; least > b.Free() || m.count == 1 {
			return false, fmt.Errorf("%w: the event needs %d bytes, %d are left", ErrOverBudget, cost, held+max(0, b.Free()))
		}
		if !m.evictOne(tail, t, dir) {
			return false, nil
		}
	}
}

// settle accounts for the event after tail, which is visible.
func (r *Ring) settle(tail uint64, m *move) {
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
	p.Appended.Add(1)
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
