package fuzz_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reprise-go/reprise/ring"
)

// appendAll appends es to both at once and compares what comes back.
func (r *ringRun) appendAll(es []ring.Event) {
	r.Helper()
	fields, want := r.log.refuseAll(es)
	given := make([]ring.Event, len(es))
	for i, e := range es {
		given[i] = copied(e)
	}
	got, err := r.ring.AppendAll(nil, es)
	for _, e := range es {
		for i := range e.Data {
			e.Data[i] ^= 0xff // the caller may reuse it
		}
	}
	if want == nil && err == nil && len(got) == len(es) {
		r.storeAll(given, got)
		return
	}
	if want == nil || !errors.Is(err, want) || want == ring.ErrInvalidEvent && !containsAny(err.Error(), fields) {
		r.Fatalf("AppendAll of %d events returned %d and error %v, want %v %v", len(es), len(got), err, want, fields)
	}
	retained := r.log.firstRetained(given)
	switch {
	case want == ring.ErrDuplicateID && retained.Seq > 0 && !hasTwice(given):
		if len(got) != 1 || !same(got[0], retained) {
			r.Fatalf("with a duplicate, AppendAll returned %+v, want %+v", got, retained)
		}
	case len(got) > 0:
		r.Fatalf("with error %v, AppendAll returned %+v", err, got)
	}
}

func (r *ringRun) storeAll(es, got []ring.Event) {
	r.Helper()
	for i, e := range es {
		if r.log.tag == "" && e.ID == "" {
			r.log.tag, _, _ = strings.Cut(got[i].ID, "-")
		}
	}
	ids := r.log.idsFor(es)
	for i, e := range es {
		e.ID, e.Seq = ids[i], r.log.last+1
		if e.Time.IsZero() {
			e.Time = got[i].Time
		}
		if !same(got[i], e) || got[i].Time.IsZero() {
			r.Fatalf("AppendAll returned %+v, want %+v", got[i], e)
		}
		r.view(got[i], e)
		r.ids = append(r.ids, e.ID)
		r.log.last++
		r.log.live = append(r.log.live, e)
	}
	r.log.evict()
}

// refuseAll returns the error that an AppendAll of es gets, and the field that an ErrInvalidEvent
// may name.
func (l *plainLog) refuseAll(es []ring.Event) (fields []string, err error) {
	if l.closed {
		return nil, ring.ErrClosed
	}
	for _, e := range es {
		if fields = l.invalidFields(e); len(fields) > 0 {
			return fields, ring.ErrInvalidEvent
		}
		if e.Size() > l.limits.MaxEventBytes || cost(e) > int64(l.limits.MaxBytes) {
			return nil, ring.ErrEventTooLarge
		}
	}
	if len(es) > 1 && (len(es) > l.limits.MaxEvents || l.costAll(es, nil) > int64(l.limits.MaxBytes)) {
		return nil, ring.ErrEventTooLarge
	}
	if hasTwice(es) {
		return nil, ring.ErrDuplicateID
	}
	if l.last+uint64(len(es)) > maxSeq && len(es) > 0 {
		l.closed = true
		return nil, ring.ErrClosed
	}
	if l.firstRetained(es).Seq > 0 {
		return nil, ring.ErrDuplicateID
	}
	if len(es) > 1 && l.costAll(es, l.idsFor(es)) > int64(l.limits.MaxBytes) {
		return nil, ring.ErrEventTooLarge
	}
	return nil, nil
}

// costAll is what es cost together with these IDs, or with those that they bring.
func (l *plainLog) costAll(es []ring.Event, ids []string) (n int64) {
	for i, e := range es {
		if ids != nil {
			e.ID = ids[i]
		}
		n += cost(e)
	}
	return n
}

func hasTwice(es []ring.Event) bool {
	for i, e := range es {
		if e.ID != "" && slices.ContainsFunc(es[:i], func(before ring.Event) bool { return before.ID == e.ID }) {
			return true
		}
	}
	return false
}

// firstRetained returns the retained event of the first ID in es that has one.
func (l *plainLog) firstRetained(es []ring.Event) (none ring.Event) {
	for _, e := range es {
		if held, ok := l.find(e.ID); ok && e.ID != "" {
			return held
		}
	}
	return none
}

// idsFor are the IDs that es have when they are stored next: assigned ones have as many zeros in
// front of the number as it takes to differ from all that are retained or in es.
func (l *plainLog) idsFor(es []ring.Event) []string {
	tag := l.tag
	if tag == "" {
		tag = strings.Repeat("?", 12) // nobody knows it, so that nobody can have imitated it
	}
	ids := make([]string, len(es))
	for i, e := range es {
		ids[i] = e.ID
		for zeros := 0; e.ID == ""; zeros++ {
			id := fmt.Sprintf("%s-%s%d", tag, strings.Repeat("0", zeros), l.last+1+uint64(i))
			_, taken := l.find(id)
			if !taken && !slices.ContainsFunc(es, func(e ring.Event) bool { return e.ID == id }) {
				ids[i] = id
				break
			}
		}
	}
	return ids
}

// evict drops what is over the limits.
func (l *plainLog) evict() {
	for len(l.live) > l.limits.MaxEvents || len(l.live) > 1 && l.bytes() > int64(l.limits.MaxBytes) {
		l.live = l.live[1:]
	}
	l.live = slices.Clip(l.live)
}
