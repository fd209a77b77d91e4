package fuzz_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/internal/ringaccess"
	"github.com/reprise-go/reprise/ring"
)

// A ringRun does the same to a ring and to a plainLog, and compares.
type ringRun struct {
	*testing.T
	script
	ring    *ring.Ring
	log     plainLog
	cursors []cursors
	ids     []string // all that were ever appended or returned
	views   []view
	count   int // appends so far
	flooded bool
}

// cursors are the same position in both.
type cursors struct {
	real  ring.Cursor
	plain plainCursor
}

// A view is an event that the ring has returned, and what it was then: it must be that for ever.
type view struct{ got, was ring.Event }

// newRingRun lets the script choose the limits and where the sequences begin.
func newRingRun(t *testing.T, input []byte) *ringRun {
	r := &ringRun{T: t, script: script{input}}
	cfg := ring.Config{
		MaxEvents:     choose(&r.script, 1, 2, 3, 4, 7, 8, 9, 17, 40, 100),
		MaxBytes:      choose(&r.script, 1<<20, 64, 90, 200, 500, 3000, 40_000, 1<<24-283, 1<<24, 1<<30),
		MaxEventBytes: choose(&r.script, 1<<16, 1, 30, 200, 5000, 1<<20),
	}
	start := choose[uint64](&r.script, 0, 1<<16, 1<<32, 1<<36, 1<<39, maxSeq+1)
	start -= min(start, uint64(r.below(256)))
	cfg.MaxIDBytes, cfg.StrictIDs = choose(&r.script, 256, 1024, 30, 1), r.one(4)
	g, err := ringaccess.NewGroup(cfg, ringaccess.Shared{Start: min(start, maxSeq)})
	if err != nil {
		t.Fatal(err)
	}
	r.ring, r.log = g.(*ring.Group).New(), plainLog{limits: cfg, last: min(start, maxSeq)}
	return r
}

// event makes an event whose payload is like no other's.
func (r *ringRun) event(size int) ring.Event {
	e := ring.Event{
		Seq:    uint64(r.count), // which must be ignored
		Stream: choose(&r.script, "", "a", "b", "c", long(41)),
		Type:   choose(&r.script, "", "message", "x"),
		Data:   payload(r.count, size),
	}
	r.count++
	return e
}

func payload(n, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(n*31 + i*7)
	}
	return b
}

// imitation makes an ID that looks like one that the ring assigns to an event near the newest.
func (r *ringRun) imitation() string {
	zeros := strings.Repeat("0", choose(&r.script, 0, 0, 0, 1, 2, 3))
	return fmt.Sprintf("%s-%s%d", r.log.tag, zeros, int64(r.log.last)+int64(r.below(20))-8)
}

// append appends e to both and compares what comes back.
func (r *ringRun) append(e ring.Event) {
	r.Helper()
	fields, want := r.log.refuse(e)
	given := bytes.Clone(e.Data)
	got, err := r.ring.Append(e)
	for i := range e.Data {
		e.Data[i] ^= 0xff // the caller may reuse it
	}
	e.Data = given
	if want == nil && err == nil {
		checkStored(r, &r.log, e, got)
		r.view(got, copied(got))
		r.ids = append(r.ids, strings.Clone(got.ID))
		if !r.log.store(copied(got)) {
			r.Fatalf("Append of event %d was not refused", got.Seq)
		}
		return
	}
	checkRefused(r, &r.log, e, got, err, want, fields)
}

// checkStored compares what Append returned with what it was given.
func checkStored(t testing.TB, l *plainLog, e, got ring.Event) {
	t.Helper()
	want := e
	want.Seq = l.last + 1
	if want.Time.IsZero() {
		want.Time = got.Time
	}
	if want.ID == "" {
		checkAssigned(t, l, got)
		want.ID = got.ID
	}
	if !same(got, want) || got.Time.IsZero() {
		t.Fatalf("Append returned %+v, want %+v", got, want)
	}
}

// checkAssigned wants <tag>-<sequence>, or when a producer has used that another one with this tag
// that is free.
func checkAssigned(t testing.TB, l *plainLog, got ring.Event) {
	t.Helper()
	if l.tag == "" {
		l.tag, _, _ = strings.Cut(got.ID, "-")
	}
	usual := fmt.Sprintf("%s-%d", l.tag, l.last+1)
	if _, taken := l.find(usual); taken == (got.ID == usual) || !strings.HasPrefix(got.ID, l.tag+"-") {
		t.Fatalf("event %d was assigned the ID %q; that %q is taken is %v", l.last+1, got.ID, usual, taken)
	}
	if other, taken := l.find(got.ID); taken {
		t.Fatalf("event %d was assigned the ID %q of event %d", l.last+1, got.ID, other.Seq)
	}
}

// checkRefused wants the error that the model gives, with what it must say, and the retained event
// of a duplicate.
func checkRefused(t testing.TB, l *plainLog, e, got ring.Event, err, want error, fields []string) {
	t.Helper()
	if want == nil || !errors.Is(err, want) {
		t.Fatalf("Append(ID %.40q, %d bytes) is event %d and error %v, want %v", e.ID, e.Size(), got.Seq, err, want)
	}
	var retained ring.Event
	switch want {
	case ring.ErrDuplicateID:
		retained, _ = l.find(e.ID)
	case ring.ErrEventTooLarge:
		checkNamesSizes(t, l, e, err)
	case ring.ErrInvalidEvent:
		if !containsAny(err.Error(), fields) {
			t.Fatalf("error %q names none of the fields %v", err, fields)
		}
	}
	if !same(got, retained) {
		t.Fatalf("with error %v, Append returned %+v, want %+v", err, got, retained)
	}
}

func checkNamesSizes(t testing.TB, l *plainLog, e ring.Event, err error) {
	t.Helper()
	limit := l.limits.MaxBytes
	if e.Size() > l.limits.MaxEventBytes {
		limit = l.limits.MaxEventBytes
	}
	if !strings.Contains(err.Error(), fmt.Sprint(e.Size())) || !strings.Contains(err.Error(), fmt.Sprint(limit)) {
		t.Fatalf("error %q does not name the sizes %d and %d", err, e.Size(), limit)
	}
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// seek seeks id in both, and keeps the cursors when both find it.
func (r *ringRun) seek(id string) {
	r.Helper()
	plain, want := r.log.seek(id)
	real, err := r.ring.Seek(id)
	if !errors.Is(err, want) {
		r.Fatalf("Seek(%.60q) is %d, %v; want %d, %v", id, real.Seq(), err, plain.seq, want)
	}
	if want == nil {
		r.keep(cursors{real, plain})
	}
}

// keep keeps eight cursors, in the place of others once there are more.
func (r *ringRun) keep(c cursors) {
	if len(r.cursors) < 8 {
		r.cursors = append(r.cursors, c)
		return
	}
	r.cursors[r.below(8)] = c
}

// next reads an event from both cursors, and reports whether there was one.
func (r *ringRun) next(c *cursors) bool {
	r.Helper()
	want, more := r.log.next(&c.plain)
	var got ring.Event
	if c.real.Next(&got) != more || more && !same(got, want) {
		r.Fatalf("Next is %+v, want %+v, %v", got, want, more)
	}
	if c.real.Seq() != c.plain.seq || errors.Is(c.real.Err(),
		ring.ErrEvicted) != c.plain.gone || !c.plain.gone && c.real.Err() != nil {
		r.Fatalf("cursor is at %d, %v; want %d, overtaken %v", c.real.Seq(), c.real.Err(), c.plain.seq, c.plain.gone)
	}
	if more {
		r.view(got, want)
	}
	return more
}

// view keeps an event for comparison at the end, unless it is so large that keeping many would take
// too long.
func (r *ringRun) view(got, was ring.Event) {
	if got.Size() < 1<<17 {
		r.views = append(r.views, view{got, was})
	}
}

// wait waits in a context that has ended, which must not hide an event.
func (r *ringRun) wait(seq uint64) {
	r.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	want := context.Canceled
	switch {
	case r.log.last > seq:
		want = nil
	case r.log.closed:
		want = ring.ErrClosed
	}
	if err := r.ring.Wait(ctx, seq); !errors.Is(err, want) {
		r.Fatalf("Wait(%d) after event %d is %v, want %v", seq, r.log.last, err, want)
	}
}

// check compares everything that can be compared without changing anything.
func (r *ringRun) check() {
	r.Helper()
	if got, want := r.ring.Stats(), r.log.stats(); got != want {
		r.Fatalf("Stats are %+v, want %+v", got, want)
	}
}

// checkAll compares every retained event, in every way to get at it, and every event ever returned
// with what it was.
func (r *ringRun) checkAll() {
	r.Helper()
	r.check()
	for _, e := range r.log.live {
		r.seek(e.ID)
	}
	for _, id := range r.ids {
		r.seek(id)
	}
	r.cursors = nil
	r.seek("")
	for r.next(&r.cursors[0]) {
	}
	for _, v := range r.views {
		if !same(v.got, v.was) {
			r.Fatalf("an event that was returned as %+v has become %+v", v.was, v.got)
		}
	}
}
