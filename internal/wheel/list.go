package wheel

// Circular doubly linked lists of timers, with a Timer that is never fired as the head.

func (h *Timer[T]) init() { h.next, h.prev = h, h }

func (h *Timer[T]) empty() bool { return h.next == h }

func (h *Timer[T]) append(t *Timer[T]) {
	t.next, t.prev = h, h.prev
	h.prev.next, h.prev = t, t
}

// unlink takes t out of its list, and the list out of t, so that what t belongs to keeps no other
// alive.
func (t *Timer[T]) unlink() {
	t.prev.next, t.next.prev = t.next, t.prev
	t.next, t.prev = nil, nil
}

// takeAll moves all timers of from to the empty list h.
func (h *Timer[T]) takeAll(from *Timer[T]) {
	if from.empty() {
		return
	}
	h.next, h.prev = from.next, from.prev
	h.next.prev, h.prev.next = h, h
	from.init()
}
