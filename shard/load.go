package shard

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"strings"
	"time"

	"github.com/reprise-go/reprise/internal/clock"
	"github.com/reprise-go/reprise/ring"
)

// maxIdle is the longest time without activity, in nanoseconds, that a loaded session may have: 9
// years.
const maxIdle = 1 << 58

// Load returns a Manager with the sessions that [Manager.Save] wrote. They go on as they were:
// event IDs and positions stay valid, numbering continues, evicted events are ring.ErrEvicted,
// claimed keys stay claimed, and TTL and Linger have as much left as they had. The time between
// Save and Load does not count, for nobody could use the sessions then: LastActivity is later by
// it.
//
// Sessions without limits or a TTL of their own take those of cfg. Where these are lower, the
// oldest events go, as by Append. A session or an event that cfg does not admit at all is an error:
// nothing is left out in silence. Every error that concerns the snapshot is a [*LoadError], which
// names the place; an input that is truncated, was changed, or is no snapshot is [ErrSnapshot].
// With any error there is no Manager, and OnEnd is not called.
//
// Stats.Created and Appended count what was loaded. Load reads r up to the snapshot's end, and may
// read further. Its memory is bounded by cfg and by the size of the input, whatever that says. It
// takes two microseconds or less for an event of 256 bytes.
func Load(ctx context.Context, r io.Reader, cfg Config) (*Manager, error) {
	return loadOn(ctx, clock.New(), r, cfg)
}

func loadOn(ctx context.Context, c *clock.Clock, r io.Reader, cfg Config) (*Manager, error) {
	m, err := newStopped(c, cfg)
	if err != nil {
		return nil, err
	}
	l := loader{m: m}
	if err := l.all(ctx, r); err != nil {
		return nil, &LoadError{l.f.at, l.id, err}
	}
	m.driver.start(m)
	return m, nil
}

// A loader puts sessions into a Manager that nobody else has yet and whose driver does not run, so
// that no session ends while others are still missing.
type loader struct {
	m  *Manager
	f  *frameReader
	id string // of the session that is being loaded
}

func (l *loader) all(ctx context.Context, r io.Reader) (err error) {
	if l.f, err = newFrameReader(r); err != nil {
		return err
	}
	for n := uint64(0); ; n++ {
		l.id = ""
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.f.frame(); err != nil {
			return err
		}
		switch l.f.kind {
		case frameSession:
			if err := l.session(ctx); err != nil {
				return err
			}
		case frameEnd:
			return l.end(n)
		default:
			return damaged("a frame of kind %q, want a session or the end", l.f.kind)
		}
	}
}

func (l *loader) end(n uint64) error {
	said, err := l.f.uvarint()
	if err == nil && (said != n || !l.f.empty()) {
		err = damaged("%d sessions, and it says %d", n, said)
	}
	return err
}

// A head is what a session's first frame says.
type head struct {
	Options
	created           int64 // Unix nanoseconds
	idle, sinceFinish int64
	isFinished        bool
	md                *metadata
	tag               string
	before            uint64 // the sequence before the first event
	events, claims    uint64
}

func (l *loader) session(ctx context.Context) error {
	h, err := l.head()
	if err != nil {
		return err
	}
	group, err := l.m.groupFor(h.Ring)
	if err != nil {
		return err
	}
	s := newSession(l.m.shard(l.m.key(h.ID)), h.Options, h.md, group)
	if err := group.InitAt(&s.log, h.tag, h.before); err != nil {
		return damaged("%v", err)
	}
	if err := l.events(ctx, &s.log, h); err != nil {
		return err
	}
	if err := l.claims(ctx, s, h); err != nil {
		return err
	}
	s.resume(h)
	return l.insert(s, h.md)
}

// resume gives s the phase and the times that it had when it was saved.
func (s *Session) resume(h head) {
	now := s.home.clock.Exact()
	s.created = min(now, h.created-s.home.clock.Wall(0))
	if !h.isFinished {
		s.state.Store(uint64(newState(active, now-h.idle)))
		return
	}
	s.state.Store(uint64(newState(finished, now-h.idle)))
	if left := now - h.sinceFinish; left != 0 { // which would mean that it has not left
		s.left.Store(left)
	}
	s.closeLog()
}

// insert puts s into the map and has the driver visit it.
func (l *loader) insert(s *Session, md *metadata) error {
	if err := l.m.limits.admit(md.principal()); err != nil {
		return err
	}
	home := s.home
	if _, there := home.sessions.LoadOrStore(l.m.key(s.ID()), s); there {
		return damaged("the session comes twice")
	}
	home.total.Add(1)
	home.created.Add(1)
	home.extras.Add(md.bytes())
	s.schedule(0)
	return nil
}

func (l *loader) events(ctx context.Context, log *ring.Ring, h head) error {
	for n := uint64(0); n < h.events; {
		if err := l.next(ctx, frameEvents); err != nil {
			return err
		}
		for ; !l.f.empty(); n++ {
			if n == h.events {
				return damaged("more events than the %d that it says", h.events)
			}
			if err := l.event(log, h.before+n+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// next reads the next frame, which must be of that kind and not empty.
func (l *loader) next(ctx context.Context, kind byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.f.frame(); err != nil {
		return err
	}
	if l.f.kind != kind || l.f.empty() {
		return damaged("a frame of kind %q and %d bytes, want one of kind %q", l.f.kind, len(l.f.rest), kind)
	}
	return nil
}

func (l *loader) event(log *ring.Ring, seq uint64) error {
	var e ring.Event
	t := taker{f: l.f}
	flags := t.uvarint()
	if flags&flagAssigned == 0 {
		e.ID = t.text()
	}
	e.Stream, e.Type = t.text(), t.text()
	e.Time = time.Unix(0, int64(t.fixed()))
	e.Data = take(&t, t.f.bytes)
	switch {
	case t.err != nil:
		return t.err
	case flags&^flagAssigned != 0 || flags == 0 && e.ID == "":
		return damaged("event %d has flags %#x and ID %q", seq, flags, e.ID)
	}
	stored, err := log.Append(e)
	if err == nil && (stored.Seq != seq || e.ID == "" && !isAssigned(log.Tag(), seq, stored.ID)) {
		err = damaged("event %d has become event %d with ID %.300q", seq, stored.Seq, stored.ID)
	}
	return err
}

// claims loads the keys, those beyond Config.MaxClaims too. A finished session needs none.
func (l *loader) claims(ctx context.Context, s *Session, h head) error {
	seen := make(map[string]struct{})
	for uint64(len(seen)) < h.claims {
		if err := l.next(ctx, frameClaims); err != nil {
			return err
		}
		for !l.f.empty() {
			key, err := l.f.text()
			if err == nil {
				err = validateClaim(key)
			}
			if err != nil {
				return err
			}
			if _, twice := seen[key]; twice || uint64(len(seen)) == h.claims {
				return damaged("claims that come twice, or more than the %d that it says", h.claims)
			}
			seen[key] = struct{}{}
		}
	}
	if !h.isFinished {
		for key := range seen {
			s.withOptional().withClaims().add(s.home, key)
		}
	}
	return nil
}

// head decodes a session's first frame.
func (l *loader) head() (h head, err error) {
	t := taker{f: l.f}
	l.id = t.text()
	h.ID = l.id
	h.created = int64(t.fixed())
	h.idle = int64(min(t.uvarint(), maxIdle))
	flags := t.uvarint()
	if flags&flagTTL != 0 {
		h.TTL = time.Duration(min(t.uvarint(), never))
	} else {
		h.TTL = l.m.cfg.TTL
	}
	if h.isFinished = flags&flagFinished != 0; h.isFinished {
		h.sinceFinish = int64(min(t.uvarint(), maxIdle))
	}
	md := Metadata{Transport: t.text(), Principal: t.text()}
	info := t.text()
	if flags&flagRing != 0 {
		h.Ring = ring.Config{MaxEvents: t.int(), MaxBytes: t.int(), MaxEventBytes: t.int(), MaxIDBytes: t.int()}
		h.Ring.StrictIDs = flags&flagStrict != 0
	}
	h.tag = t.text()
	h.before, h.events, h.claims = t.uvarint(), t.uvarint(), t.uvarint()
	switch {
	case t.err != nil:
		return h, t.err
	case flags&^flagsSession != 0 || flags&flagStrict != 0 && flags&flagRing == 0 || !l.f.empty():
		return h, damaged("a session with flags %#x and %d bytes too many", flags, len(l.f.rest))
	case validateID(h.ID) != nil:
		return h, validateID(h.ID)
	case info != "":
		if err := json.Unmarshal([]byte(info), &md.ClientInfo); err != nil {
			return h, damaged("ClientInfo: %v", err)
		}
	}
	h.ID = strings.Clone(h.ID)
	h.md, err = newMetadataUpTo(maxLoadedMetadata, md)
	return h, err
}

// maxLoadedMetadata bounds metadata in a snapshot. It counts up to 16 times as much as it did
// before it was saved: in JSON, each byte or number of an array is a value of its own.
const maxLoadedMetadata = 16 * MaxMetadataBytes

// A taker takes values from a frame. After one that is missing, all are zero, and err says why.
type taker struct {
	f   *frameReader
	err error
}

func (t *taker) uvarint() (n uint64) { return take(t, t.f.uvarint) }
func (t *taker) fixed() (n uint64)   { return take(t, t.f.fixed) }
func (t *taker) text() string        { return take(t, t.f.text) }

func (t *taker) int() int {
	n := t.uvarint()
	if n > math.MaxInt && t.err == nil {
		t.err = damaged("a limit of %d", n)
	}
	return int(n)
}

func take[T any](t *taker, next func() (T, error)) (v T) {
	if t.err == nil {
		v, t.err = next()
	}
	return v
}
