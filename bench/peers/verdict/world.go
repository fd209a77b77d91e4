package verdict

import (
	"fmt"
	"strconv"
)

// The session and stream of cases that need only one.
const (
	session = "session"
	stream  = "stream"
)

// open opens a store with one session and stream.
func open(s Subject, l Limits) (Store, error) {
	store, err := s.Open(l)
	if err != nil {
		return nil, err
	}
	return store, store.Open(session, stream)
}

// fill appends the events first to first+n-1 of a stream, whose data are these numbers, and returns
// their IDs.
func fill(store Store, session, stream string, first, n int) (ids []string, err error) {
	for i := range n {
		id, err := store.Append(session, stream, ownID(session, first+i), strconv.Itoa(first+i))
		if err != nil {
			return nil, fmt.Errorf("append %d: %w", first+i, err)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func ownID(session string, n int) string { return fmt.Sprintf("%s-%d", session, n) }

// resume returns the data that a client gets.
func resume(store Store, session, stream, lastEventID string) (data []string, err error) {
	err = store.Resume(session, stream, lastEventID, func(_, d string) { data = append(data, d) })
	return data, err
}

// since is resume for a client that has seen an event with the data last: it looks past that one
// being sent again, which is the first case's to tell.
func since(store Store, session, stream, lastEventID, last string) ([]string, error) {
	data, err := resume(store, session, stream, lastEventID)
	if len(data) > 0 && data[0] == last {
		data = data[1:]
	}
	return data, err
}

// numbers returns first to last as text.
func numbers(first, last int) (text []string) {
	for n := first; n <= last; n++ {
		text = append(text, strconv.Itoa(n))
	}
	return text
}

// brief shows the ends of a list.
func brief(data []string) string {
	switch n := len(data); {
	case n == 0:
		return "nothing"
	case n > 4:
		return fmt.Sprintf("%d events, %s to %s", n, data[0], data[n-1])
	default:
		return fmt.Sprint("the events ", data)
	}
}
