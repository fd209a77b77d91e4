package pebble

import (
	"fmt"

	engine "github.com/cockroachdb/pebble/v2"
)

// newestEvents finds the newest event of one session after the other, in the order of their
// incarnations. From one to the next it goes step by step as long as that is short, which is much
// faster than to seek; so for sessions with few events it reads what there is once, and of those
// with many it leaves out most.
type newestEvents struct {
	it *engine.Iterator // at the first event that was not looked at
	ok bool             // there is one
}

// shortWay is how many steps take about as long as to seek.
const shortWay = 16

func (s *Store) newestEvents() (*newestEvents, error) {
	it, err := s.over([]byte{prefixEvent}, []byte{prefixEvent + 1})
	if err != nil {
		return nil, err
	}
	return &newestEvents{it, it.First()}, nil
}

// complete makes a state the newest one, if appends have come after it was written.
func (n *newestEvents) complete(inc uint64, s *state) error {
	for steps := 0; n.ok && incOf(n.it.Key()) < inc; steps++ {
		if steps < shortWay {
			n.ok = n.it.Next()
		} else {
			n.ok = n.it.SeekGE(eventKey(inc, 0))
		}
	}
	var key []byte
	var newest tally
	var tallied bool
	for steps := 0; n.ok && incOf(n.it.Key()) == inc; steps++ {
		if steps == shortWay {
			n.ok = n.it.SeekLT(eventKey(inc+1, 0))
		}
		if !n.ok {
			break
		}
		value, err := n.it.ValueAndErr()
		if err != nil {
			return unreadable(err)
		}
		key = append(key[:0], n.it.Key()...)
		r, err := parseRecord(key, value)
		if err != nil {
			return err
		}
		newest, tallied = r.tally, r.tallied
		n.ok = n.it.Next()
	}
	if err := n.it.Error(); err != nil {
		return unreadable(err)
	}
	if key == nil {
		if s.last >= s.first {
			return fmt.Errorf("%w: events %d to %d are missing", ErrCorrupt, s.first, s.last)
		}
		return nil
	}
	if seq, ok := seqOf(key); !ok || !tallied || !s.follow(seq, newest) {
		return fmt.Errorf("%w: key %q is not the last event of a session", ErrCorrupt, key)
	}
	return nil
}
