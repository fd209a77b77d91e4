package pebble

import (
	"context"
	"errors"
	"slices"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Open implements replay.Store. The first reader of a session is written down, as it holds the
// session open: so Open waits as long as an append does, except where nothing can be written any
// more. Readers get what is confirmed: with SyncEvery 0, nothing that they have seen can be lost.
func (s *Store) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	sess, err := s.get(id)
	if err != nil {
		return nil, err
	}
	w, err := sess.attach()
	if err != nil {
		return nil, err
	}
	r := &reader{s: sess, at: at}
	if w != nil {
		if err := s.commits.wait(ctx, w); err != nil && !errors.Is(err, ErrFailed) {
			r.Close()
			return nil, err
		}
	}
	if err := r.begin(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// reader is a Reader. All fields belong to the goroutine that uses it. It reads by sequence, and
// news only tell it to look: so no event can be left out or come twice.
type reader struct {
	s       *session
	at      replay.Position
	streams []string // sorted; empty: every one

	seq      uint64 // read up to here into buf
	place    uint64 // the place where the reader stands: just after the newest event that Next has returned
	buf      []ring.Event
	next     int   // of buf
	err      error // why nothing comes after buf
	detached bool
}

const (
	batchEvents = 256
	batchBytes  = 1 << 20
)

// begin finds the position and takes the first events.
func (r *reader) begin() error {
	seq, stream, err := r.s.resolve(r.at)
	if err != nil {
		return err
	}
	switch {
	case r.at.All:
	case len(r.at.Streams) > 0:
		r.streams = slices.Compact(slices.Sorted(slices.Values(r.at.Streams)))
	case stream != nil:
		r.streams = []string{*stream}
	}
	oldest := r.at.LastEventID == "" && !r.at.Live
	r.at = replay.Position{}
	r.seq, r.place = seq, seq
	err = r.fetch()
	if oldest && errors.Is(err, ring.ErrEvicted) { // on the way from resolve to here
		err = r.fromOldest()
	}
	if err != nil && !isEnd(err) {
		return err
	}
	return nil
}

// fromOldest begins at the oldest event that can be read now.
func (r *reader) fromOldest() error {
	for range 100 {
		r.s.mu.Lock()
		r.seq = min(r.s.decided.first-1, r.s.seen.last)
		r.s.mu.Unlock()
		r.place, r.err = r.seq, nil
		if err := r.fetch(); !errors.Is(err, ring.ErrEvicted) {
			return err
		}
	}
	return r.err
}

func isEnd(err error) bool {
	return errors.Is(err, shard.ErrFinished) || errors.Is(err, shard.ErrNotFound)
}

// Next implements replay.Reader.
func (r *reader) Next(e *ring.Event) bool {
	if r.next == len(r.buf) && r.err == nil {
		r.fetch()
	}
	if r.next == len(r.buf) {
		if !r.detached && r.err == nil {
			r.place = max(r.place, r.seq)
		}
		return false
	}
	*e, r.buf[r.next] = r.buf[r.next], ring.Event{}
	r.place = e.Seq
	r.next++
	return true
}

// Err implements replay.Reader.
func (r *reader) Err() error {
	if r.next < len(r.buf) {
		return nil
	}
	return r.err
}

// Wait implements replay.Reader.
func (r *reader) Wait(ctx context.Context) error {
	for r.next == len(r.buf) && r.err == nil {
		r.fetch()
		if r.next < len(r.buf) || r.err != nil {
			return nil
		}
		news := r.s.newsAfter(r.seq)
		if news == nil {
			continue
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// newsAfter returns what is closed when there is more than seq to see, nil if there is already.
func (s *session) newsAfter(seq uint64) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen.last > seq || s.seen.status > shard.Active || s.store.closed.Load() {
		return nil
	}
	if s.news == nil {
		s.news = make(chan struct{})
	}
	return s.news
}

// Close implements replay.Reader.
func (r *reader) Close() {
	if r.detached {
		return
	}
	r.detached = true
	r.buf, r.next = nil, 0
	if r.err == nil {
		r.err = replay.ErrClosed
	}
	r.s.detach()
}

// fetch reads on until it has an event that the reader sees, has caught up, or has found the end,
// which it puts into err and returns.
func (r *reader) fetch() error {
	r.buf, r.next = r.buf[:0], 0
	for len(r.buf) == 0 && r.err == nil {
		r.s.mu.Lock()
		seen, forgotten := r.s.seen, r.s.decided.first
		r.s.mu.Unlock()
		if r.seq >= seen.last {
			r.err = r.s.over(&seen)
			break
		}
		if forgotten > r.seq+1 && !seen.isEnded() {
			r.err = about(ring.ErrEvicted, r.s.id)
			break
		}
		r.err = r.read(&seen)
	}
	return r.err
}

// over is why nothing comes after what a reader has read; nil if something may.
func (s *session) over(seen *state) error {
	switch {
	case seen.isEnded():
		return about(shard.ErrNotFound, s.id)
	case seen.status == shard.Finished:
		return about(shard.ErrFinished, s.id)
	case s.store.closed.Load():
		return shard.ErrClosed
	}
	return nil
}

// read fills the buffer with events up to the last that was seen.
func (r *reader) read(seen *state) error {
	s := r.s
	if err := s.store.enter(); err != nil {
		return err
	}
	defer s.store.leave()
	n, bytes := 0, 0
	err := s.store.scan(s.inc, r.seq+1, seen.last+1, func(seq uint64, raw *rawEvent) bool {
		r.seq = seq
		n, bytes = n+1, bytes+len(raw.data)
		if len(r.streams) == 0 || r.sees(raw.stream) {
			r.buf = append(r.buf, raw.event(seq, s.nameOf(seq, raw, seen)))
		}
		return n < batchEvents && bytes < batchBytes
	})
	if h := (*hole)(nil); errors.As(err, &h) && s.hasEvicted(h.to-1) {
		return about(ring.ErrEvicted, s.id)
	}
	return err
}

// hasEvicted reports whether the session has evicted the event with that sequence.
func (s *session) hasEvicted(seq uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.decided.first > seq
}

func (r *reader) sees(stream []byte) bool {
	_, found := slices.BinarySearchFunc(r.streams, stream, func(a string, b []byte) int {
		switch {
		case a < string(b):
			return -1
		case a > string(b):
			return 1
		}
		return 0
	})
	return found
}

// PositionID implements replay.Positioner.
func (r *reader) PositionID() string {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return positionID(r.s.tag, r.s.seen.runs.of(r.place), r.place)
}

// SkipGap implements replay.GapSkipper.
func (r *reader) SkipGap() (first uint64, err error) {
	if !errors.Is(r.err, ring.ErrEvicted) || r.detached {
		return 0, r.err
	}
	if err := r.fromOldest(); err != nil && !isEnd(err) {
		return 0, err
	}
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.place == r.s.seen.last {
		return 0, nil
	}
	return r.place + 1, nil
}
