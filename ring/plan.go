package ring

import "fmt"

// A move is what an append changes besides adding its event: how much is retained before and after it, and what that draws from the
// shared budget. It is worked out before the claim and written into the record, so that a lost race evicts nothing.
type move struct {
	before, after int64  // bytes retained
	count         uint64 // events retained after it
	drawn         int64  // already drawn from the budget when positive, to be released once the event is visible when negative
	large         bool   // a large event goes
}

// plan works out the move of an event of that cost after tail. It returns false when the tail has moved on.
func (r *Ring) plan(tail uint64, t *table, cost int64) (m move, ok bool, err error) {
	cfg := &r.group.cfg
	if tailCount(tail) > 0 {
		newest, ok := r.record(t, tailSeq(tail))
		if !ok {
			return m, false, nil
		}
		m.before = newest.bytes()
	}
	m.after = m.before + cost
	m.count = tailCount(tail) + 1
	for m.count > uint64(cfg.MaxEvents) || m.after > int64(cfg.MaxBytes) && m.count > 1 {
		if !r.evictOne(&m, tail, t) {
			return m, false, nil
		}
	}
	if r.group.Budget == nil {
		return m, true, nil
	}
	return r.draw(m, tail, t, cost)
}

// evictOne plans the eviction of the oldest event that m keeps.
func (r *Ring) evictOne(m *move, tail uint64, t *table) bool {
	rec, ok := r.record(t, tailSeq(tail)+2-m.count)
	if ok {
		cost := rec.cost()
		m.after -= cost
		m.count--
		m.large = m.large || cost > largeBytes
	}
	return ok
}

// draw pays for m out of the shared budget, if need be with more of the ring's own oldest events.
func (r *Ring) draw(m move, tail uint64, t *table, cost int64) (move, bool, error) {
	b := r.group.Budget
	held := b.Charge(m.before)
	for {
		m.drawn = b.Charge(m.after) - held
		if m.drawn <= 0 || b.Acquire(m.drawn) {
			return m, true, nil
		}
		if least := b.Charge(cost) - held; least > b.Free() || m.count == 1 {
			return m, false, fmt.Errorf("%w: the event needs %d bytes, %d are left", ErrOverBudget, cost, held+b.Free())
		}
		if !r.evictOne(&m, tail, t) {
			return m, false, nil
		}
	}
}

// giveBack undoes what plan drew: the event was not stored.
func (r *Ring) giveBack(m move) {
	if m.drawn > 0 {
		r.group.Budget.Release(m.drawn)
	}
}

// settle accounts for the event after tail, which is visible.
func (r *Ring) settle(tail uint64, m move) {
	if m.drawn < 0 {
		r.group.Budget.Release(-m.drawn)
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
