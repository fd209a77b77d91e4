package shard

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// Save writes all active sessions to w, finished ones included, for [Load] to read: events with
// their IDs and sequence numbers, claims, metadata, status, limits of their own, and how much of
// TTL and Linger they have left. A process can so hand its sessions over to the next one.
//
// It may be called while the sessions are in use. What is written of a session was all true at one
// moment: its events up to some sequence number, and the claims, metadata and status of then. What
// an Append, Claim or Update that had returned before Save was called did is always in it. Whoever
// must not lose what comes after that stops writing first. Sessions that are created or end
// meanwhile may be in it or not; ended ones are not, nor is what SetValue was given.
//
// ClientInfo is written as JSON: it comes back with the types that JSON has, and a value that JSON
// cannot express is an error that names the session. Other errors are [ErrClosed], ctx's and w's;
// what was written by then is no snapshot. Save holds no lock and copies one session's list of
// events at a time, not their data.
func (m *Manager) Save(ctx context.Context, w io.Writer) error {
	if m.closed.Load() {
		return ErrClosed
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	f, err := newFrameWriter(buffered)
	if err != nil {
		return err
	}
	saved := uint64(0)
	for s := range m.Sessions() {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, ok := s.capture(ctx)
		if !ok {
			continue // it has ended, or ctx has
		}
		if err := c.write(f); err != nil {
			return fmt.Errorf("shard: Save: session %q: %w", s.ID(), err)
		}
		saved++
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if m.closed.Load() {
		return ErrClosed // maybe some sessions had ended for that when they were looked at
	}
	f.begin(frameEnd)
	f.uvarint(saved)
	if err := f.end(); err != nil {
		return err
	}
	return buffered.Flush()
}

// A capture is a session at one moment.
type capture struct {
	s      *Session
	st     state
	now    int64 // a reading close to that moment
	held   bool  // a reader was attached
	md     *metadata
	claims []string
	first  uint64 // the sequence before the first of events
	events []ring.Event
	tag    string
}

// capture returns the session as it was at some moment since the call, or false when it has ended.
//
// Metadata, claims and phase are read, then which events are retained, in one look, and then the
// first three again. If they have not changed, all four were true at the moment of that look. If
// they have, it begins anew, with the events that it has. None of the three ever takes an old value
// again: metadata are new objects, and are held on to here, claims only grow, phases go forward.
func (s *Session) capture(ctx context.Context) (c capture, ok bool) {
	log := s.readable()
	if log == nil {
		return c, false
	}
	c = capture{s: s, tag: log.Tag()}
	cursor, _ := log.Seek("") // never fails
	c.first = cursor.Seq()
	for ctx.Err() == nil {
		c.st, c.md = s.stateNow(), s.metadata.Load()
		claims := s.claimCount()
		if c.st.isEnded() {
			break
		}
		if !c.read(log, &cursor) {
			continue
		}
		c.now, c.held = s.home.clock.Exact(), s.attached.Load() != 0
		after := state(s.state.Load())
		if after.phase() == c.st.phase() && s.metadata.Load() == c.md && s.claimCount() == claims {
			c.st, c.claims = after, s.claimed(claims)
			if len(c.claims) == claims { // else it has finished since
				return c, true
			}
		}
	}
	return c, false
}

// read brings the events to what is retained at one moment since the call. It returns false when
// writers have dropped some of that before it was read; then the next read begins at the oldest.
func (c *capture) read(log *ring.Ring, cursor *ring.Cursor) bool {
	retained := log.Stats()
	for cursor.Seq() < retained.Last {
		var e ring.Event
		if cursor.Next(&e) {
			c.events = append(c.events, e)
		} else if cursor.Err() != nil {
			*cursor, _ = log.Seek("") // never fails
			c.first, c.events = cursor.Seq(), c.events[:0]
			return false
		}
	}
	first := retained.Last - uint64(retained.Events)
	c.events = c.events[first-c.first:]
	c.first = first
	return true
}

func (c *capture) write(f *frameWriter) error {
	if err := c.writeHead(f); err != nil {
		return err
	}
	for seq, rest := c.first, c.events; len(rest) > 0; {
		f.begin(frameEvents)
		for len(rest) > 0 && f.len() < frameTarget {
			seq++
			c.writeEvent(f, seq, rest[0])
			rest = rest[1:]
		}
		if err := f.end(); err != nil {
			return err
		}
	}
	for rest := c.claims; len(rest) > 0; {
		f.begin(frameClaims)
		for len(rest) > 0 && f.len() < frameTarget {
			f.text(rest[0])
			rest = rest[1:]
		}
		if err := f.end(); err != nil {
			return err
		}
	}
	return nil
}

func (c *capture) writeHead(f *frameWriter) error {
	s, m := c.s, c.s.home.m
	info, err := c.clientInfo()
	if err != nil {
		return err
	}
	ttl, flags := s.ttl(), uint64(0)
	if ttl != m.cfg.TTL {
		flags |= flagTTL
	}
	if c.st.phase() == finished {
		flags |= flagFinished
	}
	own := s.ownLimits()
	if own != nil {
		flags |= flagRing
		if own.StrictIDs {
			flags |= flagStrict
		}
	}
	idle := max(0, c.now-c.st.activity())
	if c.held {
		idle = 0
	}
	f.begin(frameSession)
	f.text(s.ID())
	f.fixed(uint64(s.home.clock.Wall(s.created)))
	f.uvarint(uint64(idle))
	f.uvarint(flags)
	if flags&flagTTL != 0 {
		f.uvarint(uint64(ttl))
	}
	if flags&flagFinished != 0 {
		f.uvarint(uint64(max(0, c.now-s.leftActiveAt())))
	}
	var md Metadata
	if c.md != nil {
		md = c.md.Metadata
	}
	f.text(md.Transport)
	f.text(md.Principal)
	f.text(info)
	if own != nil {
		f.uvarint(uint64(own.MaxEvents))
		f.uvarint(uint64(own.MaxBytes))
		f.uvarint(uint64(own.MaxEventBytes))
		f.uvarint(uint64(own.MaxIDBytes))
	}
	f.text(c.tag)
	f.uvarint(c.first)
	f.uvarint(uint64(len(c.events)))
	f.uvarint(uint64(len(c.claims)))
	return f.end()
}

func (c *capture) clientInfo() (string, error) {
	if c.md == nil || c.md.ClientInfo == nil {
		return "", nil
	}
	text, err := json.Marshal(c.md.ClientInfo)
	if err != nil {
		return "", fmt.Errorf("ClientInfo: %w", err)
	}
	return string(text), nil
}

func (c *capture) writeEvent(f *frameWriter, seq uint64, e ring.Event) {
	if isAssigned(c.tag, seq, e.ID) {
		f.uvarint(flagAssigned)
	} else {
		f.uvarint(0)
		f.text(e.ID)
	}
	f.text(e.Stream)
	f.text(e.Type)
	f.fixed(uint64(e.Time.UnixNano()))
	f.bytes(e.Data)
}

// ttl returns the session's TTL as Config.TTL has it.
func (s *Session) ttl() time.Duration {
	if s.idleLimit == math.MaxInt64 {
		return never
	}
	return time.Duration(s.idleLimit - s.home.m.grace)
}

// ownLimits returns the limits that the session was created with, or nil for those of Config.Ring.
func (s *Session) ownLimits() *ring.Config {
	x := s.optional.Load()
	if x == nil || x.group == nil {
		return nil
	}
	limits := x.group.Config()
	return &limits
}

// claimed returns the first n keys that were claimed, in no order; fewer when they have been
// dropped.
func (s *Session) claimed(n int) (keys []string) {
	if n == 0 {
		return nil
	}
	c := s.optional.Load().claims.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, before := range c.keys {
		if before < uint32(n) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *Session) claimCount() int {
	x := s.optional.Load()
	if x == nil {
		return 0
	}
	c := x.claims.Load()
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.keys)
}
