package fuzz_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reprise-go/reprise/ring"
)

// batchStep says whether AppendAll may answer that: all events under consecutive sequences, or one
// error, by the first event that causes one.
func batchStep(s logState, es []logCall, got []logAnswer, err error, limits ring.Config) (bool, logState) {
	if s.closed {
		return err == ring.ErrClosed && len(got) == 0, s
	}
	if refused := batchRefusal(es, limits); refused != nil {
		return err == refused && len(got) == 0, s
	}
	if len(es) == 0 {
		return err == nil && len(got) == 0, s
	}
	if s.last()+uint64(len(es)) > maxSeq {
		s.closed = true
		return err == ring.ErrClosed && len(got) == 0, s
	}
	for _, e := range es {
		if seq := s.held(e.id); e.id != "" && seq > 0 {
			return err == ring.ErrDuplicateID && len(got) == 1 &&
				got[0] == logAnswer{seq: seq, id: e.id, payload: s.event(seq).payload}, s
		}
	}
	ids := s.batchIDs(es, got)
	if len(es) > 1 && batchCost(es, ids) > limits.MaxBytes {
		return err == ring.ErrEventTooLarge && len(got) == 0, s
	}
	if err != nil || len(got) != len(es) {
		return false, s
	}
	for i, e := range es {
		if got[i] != (logAnswer{seq: s.last() + 1, id: ids[i], payload: e.payload}) {
			return false, s
		}
		if s.tag == "" && e.id == "" {
			s.tag, _, _ = strings.Cut(ids[i], "-")
		}
		s = s.with(e, ids[i], limits)
	}
	return true, s
}

// batchRefusal is what is wrong with a batch whatever is retained.
func batchRefusal(es []logCall, limits ring.Config) error {
	if len(es) < 2 {
		return nil
	}
	given := make([]string, len(es))
	for i, e := range es {
		given[i] = e.id
	}
	if len(es) > limits.MaxEvents || batchCost(es, given) > limits.MaxBytes {
		return ring.ErrEventTooLarge
	}
	for i, id := range given {
		if id != "" && slices.Contains(given[:i], id) {
			return ring.ErrDuplicateID
		}
	}
	return nil
}

func batchCost(es []logCall, ids []string) (n int) {
	for i, e := range es {
		n += len(ids[i]) + len(e.stream) + len(e.payload) + ring.Overhead
	}
	return n
}

// batchIDs are the IDs that the events have when they are stored next: assigned ones have zeros in
// front of the number where the usual one is taken, by a retained event or in the batch.
func (s logState) batchIDs(es []logCall, got []logAnswer) []string {
	tag := s.tag
	for i := range min(len(es), len(got)) {
		if tag == "" && es[i].id == "" {
			tag, _, _ = strings.Cut(got[i].id, "-")
		}
	}
	if tag == "" {
		tag = strings.Repeat("?", 12) // nobody knows it, so that nobody can have imitated it
	}
	ids := make([]string, len(es))
	for i, e := range es {
		ids[i] = e.id
		for zeros := 0; e.id == ""; zeros++ {
			id := fmt.Sprintf("%s-%s%d", tag, strings.Repeat("0", zeros), s.last()+1+uint64(i))
			if s.held(id) == 0 && !slices.ContainsFunc(es, func(e logCall) bool { return e.id == id }) {
				ids[i] = id
				break
			}
		}
	}
	return ids
}
