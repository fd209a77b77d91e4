package ring

// Seek positions a cursor just after the event with that ID, on that event's stream; "" means
// before the oldest event, all streams. It takes the same time however many events are retained,
// and does not allocate unless the stream's name is longer than 40 bytes.
//
// It takes the ID of a place too, as PositionID makes it: the cursor begins there and sees all
// streams.
//
// It returns ErrEvicted for an ID that this ring assigned to an event that is gone, or for a place
// after which something is gone, and ErrUnknownID for any other ID that is not retained: from the
// future, another ring's, a producer's own ID that was evicted, or one that Config does not admit.
// Refusing costs one allocation.
func (r *Ring) Seek(lastEventID string) (c Cursor, err error) {
	if lastEventID == "" {
		return Cursor{ring: r, seq: r.look().first - 1}, nil
	}
	if len(lastEventID) > max(int(r.group.maxIDBytes), maxAssigned)+1 { // no event and no place has it
		return Cursor{}, unknown(lastEventID)
	}
	var tag uint32
	for hashed := false; ; {
		v := r.look()
		if len(v.dir.index) > 0 && !hashed {
			tag, hashed = r.hash(lastEventID), true
		}
		if seq, p, _ := r.find(&v, lastEventID, tag); p != nil {
			c.ring, c.seq, c.page = r, seq, p.ordinal
			c.keepStream(p.stream(p.of(seq)))
			return c, nil
		}
		if seq, ok := r.positionSeq(lastEventID); ok {
			return r.seekPosition(&v, seq, lastEventID)
		}
		seq, ok := r.assignedSeq(lastEventID)
		if ok && seq < v.first {
			return Cursor{}, &idError{err: ErrEvicted, id: lastEventID, about: "ID %q"}
		}
		// An assigned ID whose sequence went meanwhile may have been retained a moment ago, or
		// belong to another event by now: look again, once.
		if !ok || seq >= r.look().first {
			return Cursor{}, unknown(lastEventID)
		}
	}
}

// seekPosition is Seek for the place just after seq, of whose ID there is no event.
func (r *Ring) seekPosition(v *view, seq uint64, id string) (Cursor, error) {
	switch {
	case seq > v.newest:
		return Cursor{}, unknown(id)
	case seq+1 < v.first:
		return Cursor{}, &idError{err: ErrEvicted, id: id, about: "after position %q"}
	}
	return Cursor{ring: r, seq: seq}, nil
}

// Tail positions a cursor after the newest event, all streams.
func (r *Ring) Tail() Cursor { return Cursor{ring: r, seq: seqOf(r.word.Load())} }
