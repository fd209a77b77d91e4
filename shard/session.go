package shard

import (
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/reprise-go/reprise/internal/prefetch"
	"github.com/reprise-go/reprise/internal/wheel"
	"github.com/reprise-go/reprise/ring"
)

// A Session is one client's event log and what is known of the client. All methods are safe for concurrent use.
// Once the session has ended they return [ErrNotFound], or nothing; keeping the pointer keeps no events alive.
type Session struct {
	// What Append uses comes first. word is written by everybody, see there; log by newSession, and set to nil when the session has
	// ended and no stream is attached; ahead by Append; the others are never written.
	word  atomic.Uint64
	log   atomic.Pointer[ring.Ring]
	ahead prefetch.Ahead
	home  *shard
	life  int64 // ns without activity after which the session ends: TTL and grace; math.MaxInt64: never

	attached atomic.Int32                  // open streams; see word
	misc     atomic.Uint32                 // queued | length of the ID, which is never written
	idData   *byte                         // where the ID begins
	created  int64                         // reading
	left     atomic.Int64                  // reading at which phase active was left; 0 before; set once, by whoever needs it first
	metadata atomic.Pointer[metadata]      // nil: empty; replaced by Update and, at the end, by freeze
	more     atomic.Pointer[more]          // nil until it is needed
	done     atomic.Pointer[chan struct{}] // nil until somebody asks; home.m.closedChan when end is through

	next  *Session              // in the intake: owned by whoever set queued in misc, then by the driver
	timer wheel.Timer[*Session] // the driver's
}

// queued is the bit of Session.misc that says that the session is in the shard's intake: set by who puts it there, cleared by the driver.
const queued = 1 << 31

// ID returns the session's ID.
func (s *Session) ID() string { return unsafe.String(s.idData, int(s.misc.Load()&^queued)) }

// Info describes the session, at any time: unlike Manager.Info it also answers when the session no longer lingers.
func (s *Session) Info() Info {
	s.state()
	return s.info()
}

// Summary is Info without Metadata.ClientInfo, so that it copies nothing: for those who look at all sessions.
func (s *Session) Summary() Info {
	s.state()
	return s.summaryAt(s.look())
}

func (s *Session) info() Info { return s.infoAt(s.look()) }

// look returns the word, and what the log held while it was that.
func (s *Session) look() (w word, log ring.Stats) {
	for {
		w, log = word(s.word.Load()), ring.Stats{}
		if w.phase() != active {
			s.closeLog() // a report of the end; see refuse
		}
		if l := s.log.Load(); l != nil && !w.ended() {
			log = l.Stats()
		}
		if word(s.word.Load()).ended() == w.ended() {
			return w, log
		}
	}
}

func (s *Session) infoAt(w word, log ring.Stats) Info {
	info := s.summaryAt(w, log)
	info.Metadata = s.metadata.Load().public()
	return info
}

func (s *Session) summaryAt(w word, log ring.Stats) Info {
	c, md := s.home.clock, s.metadata.Load()
	info := Info{
		ID:           s.ID(),
		Created:      time.Unix(0, c.Wall(s.created)),
		LastActivity: time.Unix(0, c.Wall(w.activity())),
		Status:       w.status(),
		Attached:     int(s.attached.Load()),
		Log:          log,
	}
	if md != nil {
		info.Transport, info.Principal = md.Transport, md.Principal
	}
	return info
}

// Err returns why the session takes no more events: [ErrFinished] after Finish, [ErrNotFound] once it has ended, and nil before. When
// it is not nil, no event is stored any more.
func (s *Session) Err() error {
	w := s.state()
	if w.phase() == active {
		return nil
	}
	return s.refuse(w)
}

// Done returns a channel that is closed when the session has ended. Finish alone does not end it.
func (s *Session) Done() <-chan struct{} {
	for {
		if c := s.done.Load(); c != nil {
			return *c
		}
		c := make(chan struct{})
		s.done.CompareAndSwap(nil, &c)
	}
}
