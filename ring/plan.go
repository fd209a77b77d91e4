package ring

import "github.com/reprise-go/reprise/internal/step"

// A plan says what storing some events after the newest one takes. It is made without owning
// anything, and everything that can be refused is refused in it: ownership is never given back
// without an event, which would make the state word recur.
//
// Others publish meanwhile, and a plan that takes long may be out of date every time. So what takes
// long is kept from one try to the next, and only what came since is added: a larger index, and the
// sum of what is to be evicted. Then a try costs what others have published since the last one. (A
// scan for IDs that the index has lost is not: see index.)
type plan struct {
	view
	own   bool  // some of the events bring an ID
	size  int64 // of all, without assigned IDs
	nanos int64 // for those without a time

	off   uint64 // where the newest event's bytes end in cur
	total uint64 // bytes of the events, assigned IDs included
	cost  int64
	free  vacancy // for the first event that needs an entry
	fits  bool    // cur has room, and so has the index
	grows bool    // the index must be larger

	// What goes: kept is the oldest event that stays, and rest what those from kept up to asOf
	// cost.
	kept, asOf uint64
	rest       int64
	gone       int64 // what those before kept cost
	drawn      int64 // from the budget; negative: given back

	larger     largerIndex
	imitations map[string]struct{} // of the batch; see unusual
}

// An identity is how an event's ID is stored.
type identity struct {
	length  int32  // of the ID; set by plan
	tag     uint32 // its hash, if it is indexed
	indexed bool
}

// plan makes p for word, with the events' identities. Not ok: the word is out of date. An error is
// true of the moment when the word was read; with ErrDuplicateID, p.page and seq are where the
// event is that has the ID.
func (r *Ring) plan(p *plan, word uint64, es []Event, ids []identity) (at *page, seq uint64, ok bool, err error) {
	g, n := r.group, uint64(len(es))
	p.cur = r.cur.Load()
	step.At(step.PageRead)
	p.dir = r.dir.Load()
	step.At(step.DirectoryRead)
	p.newest, p.first, p.slot, p.off = seqOf(word), seqOf(word)+1, nil, 0
	if !p.cur.isNone() {
		if p.cur.base >= p.newest {
			return nil, 0, false, nil
		}
		p.slot = p.cur.of(p.newest)
		p.first -= p.slot.count()
		p.off = p.slot.end()
	} else if p.cur != &noPage {
		return nil, 0, false, nil // discarded, and closed before
	}
	p.free, p.grows = vacancy{}, false
	if at, seq, err = r.identify(p, es, ids); err != nil {
		return at, seq, true, err
	}
	p.cost = int64(p.total) + int64(n)*Overhead
	if n > 1 && p.cost > g.maxBytes {
		return nil, 0, true, &batchError{n, p.cost, g}
	}
	if ok, err = r.evict(p, int64(n)); !ok || err != nil {
		return nil, 0, ok, err
	}
	// The page's room can be compared only where it is the newest event's.
	p.fits = p.slot != nil && p.off+p.total <= p.cur.size() && p.newest-p.cur.base+n <= uint64(p.cur.slots) && !p.grows
	step.At(step.Planned)
	return nil, 0, true, nil
}

// identify gives each event an ID that is not retained, or returns where the first is that is
// retained.
func (r *Ring) identify(p *plan, es []Event, ids []identity) (at *page, seq uint64, err error) {
	p.total = uint64(p.size)
	imitated := r.books.Load()&imitated != 0
	first := true
	for i := range es {
		id := &ids[i]
		var free vacancy
		if es[i].ID != "" {
			if seq, at, free = r.find(&p.view, es[i].ID, id.tag); at != nil {
				return at, seq, &idError{ErrDuplicateID, es[i].ID, "%.300q is sequence %d", seq}
			}
		} else {
			next := p.newest + 1 + uint64(i)
			id.length, id.indexed = int32(assignedLen(next, 0)), false
			if imitated {
				free = r.unusual(p, id, next, es)
			}
			p.total += uint64(id.length)
		}
		if id.indexed && first {
			p.free, first = free, false
		}
	}
	if !first {
		full := min(p.newest+1-p.first+uint64(len(es)), uint64(r.group.maxEvents))
		p.grows = full > uint64(p.dir.index.buckets())*bucketEvents
	}
	return nil, 0, nil
}

// evict works out which events go so that n more of p.cost fit into the ring's limits and the
// shared budget.
func (r *Ring) evict(p *plan, n int64) (ok bool, err error) {
	g := r.group
	before := int64(0)
	if p.slot != nil {
		before = p.slot.bytes()
	}
	if p.asOf == 0 || p.kept <= p.first {
		p.kept, p.rest = p.first, before
	} else if p.rest, ok = p.costs(p.rest, p.asOf+1, p.newest); !ok {
		return false, nil
	}
	p.asOf = p.newest
	var at *page
	b, held, free := g.Budget, int64(0), int64(0)
	if b != nil {
		held, free = b.Charge(before), b.Free()
	}
	for {
		overdrawn := false
		if b != nil {
			p.drawn = b.Charge(p.rest+p.cost) - held
			overdrawn = p.drawn > 0 && p.drawn > free
		}
		if !overdrawn &&
			(p.kept > p.newest || int64(p.newest+1-p.kept)+n <= int64(g.maxEvents) && p.rest+p.cost <= g.maxBytes) {
			p.gone = before - p.rest
			return true, nil
		}
		if overdrawn && (p.kept > p.newest || b.Charge(p.cost)-held > max(0, free)) {
			return true, &budgetError{p.cost, held + max(0, free)}
		}
		cost, ok := p.cur.cost(p.kept)
		if !ok {
			if at == nil || p.kept > p.last(at) {
				if at = p.page(p.kept); at == nil {
					return false, nil
				}
			}
			cost = at.of(p.kept).cost()
		}
		p.rest -= cost
		p.kept++
	}
}

// costs adds to sum what the events from seq to last cost.
func (p *plan) costs(sum int64, seq, last uint64) (int64, bool) {
	for seq <= last {
		at := p.page(seq)
		if at == nil {
			return 0, false
		}
		for end := min(last, p.last(at)); seq <= end; seq++ {
			sum += at.of(seq).cost()
		}
	}
	return sum, true
}

// last returns the newest event in a page.
func (v *view) last(p *page) uint64 {
	if p == v.cur {
		return v.newest
	}
	return p.base + uint64(p.count.Load())
}

// count accounts for the n events of p, which are visible.
func (r *Ring) count(p *plan, n int64) {
	if p.gone > largeBytes {
		r.sweep(r.dir.Load(), p.cur.oldest, p.cur.ordinal, p.kept)
	}
	r.countBytes(p.drawn, p.cost, p.gone, n, int64(p.kept-p.first))
}

// countBytes counts n events of that cost together, for which gone events of gone bytes went.
func (r *Ring) countBytes(drawn, cost, goneBytes, n, gone int64) {
	g := r.group
	if drawn != 0 && g.Budget != nil {
		g.Budget.Draw(drawn)
	}
	if g.Tally == nil {
		return
	}
	p := g.Tally.Stripe(r.stripeHash())
	p.Append(n, cost)
	if n != gone {
		p.Events.Add(n - gone)
	}
	if cost != goneBytes {
		p.Bytes.Add(cost - goneBytes)
	}
}

func (r *Ring) countDuplicate() {
	if t := r.group.Tally; t != nil {
		t.Stripe(r.stripeHash()).Duplicates.Add(1)
	}
}
