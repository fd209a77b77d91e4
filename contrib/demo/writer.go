package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// slot is a place for one active session after the other. Its writer alone writes it.
type slot struct {
	followed bool
	life     *life
	current  atomic.Pointer[life] // life, for the follower
}

// life is one session of a slot.
type life struct {
	session *shard.Session
	sent    uint64        // the writer's
	read    atomic.Uint64 // number of the last event that the follower has read
	total   atomic.Uint64 // sent, once there will be no more
}

// writer appends to the sessions of its slots, at random.
type writer struct {
	g       *generator
	rng     *rand.Rand
	slots   []*slot
	latency *hdrhistogram.Histogram // of the appends that are timed, in ns
	payload []byte
}

func newWriter(g *generator, source rand.Source) *writer {
	return &writer{
		g: g, rng: rand.New(source), payload: make([]byte, g.cfg.eventSize),
		latency: hdrhistogram.New(smallestEvent, largestEvent, 3),
	}
}

func (w *writer) run() {
	for n := 0; !w.g.stop.Load(); n++ {
		s := w.slots[w.rng.IntN(len(w.slots))]
		if n%turnover == turnover-1 {
			if err := w.renew(s); err != nil {
				w.g.faults.add(fmt.Sprintf("creating a session: %v", err))
				return
			}
		}
		if s.followed && s.life.sent-s.life.read.Load() > uint64(w.g.followed.MaxEvents/2) {
			// a follower that checks every event must not be overtaken: slower ones are told, and
			// that is no fault
			runtime.Gosched()
			continue
		}
		if err := w.append(s.life, n%samplePeriod == 0); err != nil {
			w.g.faults.add(fmt.Sprintf("append: %v", err))
			return
		}
	}
	for _, s := range w.slots {
		s.life.total.Store(s.life.sent)
	}
}

func (w *writer) append(l *life, timed bool) error {
	l.sent++
	stamp(w.payload, l.sent)
	if !timed {
		_, err := l.session.Append(ring.Event{Data: w.payload})
		return err
	}
	began := time.Now()
	_, err := l.session.Append(ring.Event{Data: w.payload})
	w.latency.RecordValue(min(largestEvent, max(smallestEvent, int64(time.Since(began)))))
	return err
}

// renew ends the slot's session, if any, and creates the next one.
func (w *writer) renew(s *slot) error {
	options := shard.Options{Metadata: shard.Metadata{Transport: "demo"}}
	if s.followed {
		options.Ring = w.g.followed
	}
	session, err := w.g.manager.CreateWith(options)
	if err != nil {
		return err
	}
	old := s.life
	s.life = &life{session: session}
	s.current.Store(s.life)
	if old != nil {
		old.total.Store(old.sent)
		old.session.Terminate()
	}
	return nil
}

// mixed makes a stamp's second word differ from its first, so that bytes of two events do not pass
// for one.
const mixed = 0x9e3779b97f4a7c15

// stamp numbers a payload; number reads that back and reports whether it is whole.
func stamp(payload []byte, number uint64) {
	binary.LittleEndian.PutUint64(payload, number)
	binary.LittleEndian.PutUint64(payload[len(payload)-8:], number*mixed)
}

func number(payload []byte) (uint64, bool) {
	n := binary.LittleEndian.Uint64(payload)
	return n, binary.LittleEndian.Uint64(payload[len(payload)-8:]) == n*mixed
}

// clockCosts is what timing adds to a timed append: the least of many, for the rest is the
// machine's.
func clockCosts() time.Duration {
	least := time.Hour
	for range 1000 {
		began := time.Now()
		least = min(least, time.Since(began))
	}
	return least
}
