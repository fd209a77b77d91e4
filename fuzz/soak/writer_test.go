package soak_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A writer appends to its own places, alone, and to the hot session, with all others.
type writer struct {
	*soak
	number int
	rand   *rand.Rand
	places []*place
	hotAt  uint64 // events appended to the hot session
	buf    []byte
	steps  int

	mu      sync.Mutex
	latency bench.Histogram // since somebody took it
	all     bench.Histogram
}

// A place is a slot as its writer sees it.
type place struct {
	*slot
	appended uint64    // to its session
	active   time.Time // a moment before its last activity
}

var (
	oversized = ring.Event{Data: make([]byte, maxEventBytes+1)}
	malformed = []ring.Event{{ID: "a\nb"}, {ID: " a"}, {ID: "\xff"}, {Stream: "a\x00"}, {Type: "a\r"},
		{Stream: strings.Repeat("x", 257)}}
)

func (w *writer) run() {
	for w.ctx.Err() == nil {
		w.steps++
		p := w.places[w.rand.IntN(len(w.places))]
		switch n := w.rand.IntN(10_000); {
		case n < 3:
			w.end(p)
			w.renew(p)
		case n < 50:
			w.refuse(p)
		case n < 150:
			w.look(p)
		case n < 650:
			w.appendHot()
		default:
			w.append(p)
		}
	}
}

// renew gives the place a new session.
func (w *writer) renew(p *place) {
	p.appended, p.active = 0, time.Now()
	s, err := w.manager.Create(shard.Metadata{Transport: "slot", Principal: fmt.Sprint("writer ", w.number)})
	if err != nil {
		w.fail(err)
		return
	}
	p.session.Store(s)
	w.counts.renewed.Add(1)
}

// end ends the place's session in one of the ways in which sessions end.
func (w *writer) end(p *place) {
	s := p.session.Load()
	switch w.rand.IntN(4) {
	case 0:
		w.manager.Terminate(s.ID())
		if _, err := s.Append(ring.Event{}); !errors.Is(err, shard.ErrNotFound) {
			w.fail(fmt.Errorf("append to a terminated session: %v", err))
		}
	case 1:
		s.Terminate()
	case 2:
		if err := s.Finish(); err != nil {
			w.excuse(p, err)
			return
		}
		if _, err := s.Append(ring.Event{}); !errors.Is(err, shard.ErrFinished) && !errors.Is(err, shard.ErrNotFound) {
			w.fail(fmt.Errorf("append to a finished session: %v", err))
		}
	default: // it expires by itself
	}
}

// excuse fails unless the session has gone because it has had no activity for its TTL, which may
// happen on a machine that is busy.
func (w *writer) excuse(p *place, err error) {
	if idle := time.Since(p.active); !errors.Is(err, shard.ErrNotFound) || idle < slotTTL {
		w.fail(fmt.Errorf("session %s, idle for %v at most: %w", p.session.Load().ID(), idle, err))
	}
	w.renew(p)
}

// event makes the next event of a session. Some have an ID of the producer's own.
func (w *writer) event(session string, counter uint64) ring.Event {
	fill := w.rand.IntN(600)
	if w.rand.IntN(200) == 0 {
		fill = w.rand.IntN(5000)
	}
	w.buf = appendPayload(w.buf, session, w.number, counter, fill)
	e := ring.Event{Stream: []string{"", "", "a", "b"}[counter%4], Data: w.buf}
	if w.rand.IntN(4) == 0 {
		e.ID = fmt.Sprintf("%d-%d", w.number, counter)
	}
	return e
}

func (w *writer) append(p *place) {
	s := p.session.Load()
	e := w.event(s.ID(), p.appended+1)
	before := time.Now()
	stored, err := s.Append(e)
	w.record(time.Since(before))
	switch {
	case errors.Is(err, shard.ErrOverBudget):
		w.counts.overBudget.Add(1)
		return
	case err != nil:
		w.excuse(p, err)
		return
	}
	p.appended++
	p.active = before
	w.counts.appended.Add(1)
	if stored.Seq != p.appended || string(stored.Data) != string(w.buf) {
		w.fail(fmt.Errorf("event %d of %s was stored as %d", p.appended, s.ID(), stored.Seq))
	}
	if e.ID != "" && w.rand.IntN(8) == 0 { // whoever got no answer retries
		again, err := s.Append(e)
		w.counts.duplicates.Add(1)
		if !errors.Is(err, shard.ErrNotFound) && (!errors.Is(err, ring.ErrDuplicateID) || again.Seq != stored.Seq) {
			w.fail(fmt.Errorf("event %d again is %d, %v", stored.Seq, again.Seq, err))
		}
	}
}

func (w *writer) appendHot() {
	s := w.hot.session.Load()
	if _, err := s.Append(w.event(s.ID(), w.hotAt+1)); errors.Is(err, shard.ErrOverBudget) {
		w.counts.overBudget.Add(1)
		return
	} else if err != nil {
		w.fail(err)
		return
	}
	w.hotAt++
	w.counts.appended.Add(1)
}

// refuse sends what no session takes.
func (w *writer) refuse(p *place) {
	e, want := oversized, ring.ErrEventTooLarge
	if w.rand.IntN(2) == 0 {
		e, want = malformed[w.rand.IntN(len(malformed))], ring.ErrInvalidEvent
	}
	if _, err := p.session.Load().Append(e); errors.Is(err, shard.ErrNotFound) {
		w.excuse(p, err)
	} else if !errors.Is(err, want) {
		w.fail(fmt.Errorf("append of what is malformed or too large: %v, want %v", err, want))
	}
	w.counts.refused.Add(1)
}

// look does what else is done to sessions.
func (w *writer) look(p *place) {
	id := p.session.Load().ID()
	before := time.Now()
	s, err := w.manager.Authorize(id, fmt.Sprint("writer ", w.number))
	if err != nil {
		w.excuse(p, err)
		return
	}
	p.active = before
	if _, err := w.manager.Authorize(id, "somebody else"); err == nil {
		w.fail(errors.New("a session was given to somebody else"))
	}
	s.Update(func(md *shard.Metadata) { md.ClientInfo = map[string]any{"step": w.steps} })
	w.manager.Info(id)
}

// checkLast wants that all of what was appended to the writer's sessions is there.
func (w *writer) checkLast() {
	for _, p := range w.places {
		s := p.session.Load()
		if log := s.Info().Log; log.Last != p.appended && s.Err() == nil {
			w.Errorf("session %s has %d events, and %d were appended", s.ID(), log.Last, p.appended)
		}
	}
}

func (w *writer) record(d time.Duration) {
	if w.steps%8 != 0 {
		return
	}
	w.mu.Lock()
	w.latency.Record(d)
	w.mu.Unlock()
}

// take returns what was recorded since it was called last.
func (w *writer) take() *bench.Histogram {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := w.latency
	w.all.Merge(&h)
	w.latency = bench.Histogram{}
	return &h
}
