package shard

import (
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// A Follower is an open stream of a session whose reader says how far it has read, so that [Session.Health] can tell who is about to
// lose events. Readers of package replay have one by themselves; whoever reads through a cursor of its own gets one from
// [Session.AttachFollower]. It takes 128 bytes.
type Follower struct {
	at       atomic.Uint64 // 1 + the sequence read up to, 0 while that is not known; written by the reader alone
	s        *Session
	since    int64 // reading at which it was attached
	detached atomic.Bool

	next, prev *Follower // in followers.first; guarded by followers.mu
	_          [cacheLine - followerBytes]byte
}

// followerBytes is what a Follower's fields take: padded to a cache line, no two readers write to the same one.
const followerBytes = 3*8 + 8 + 2*unsafe.Sizeof(uintptr(0))

// AttachFollower is [Session.Attach] for a reader that will say how far it has read. Until it does, it is an open stream like any other.
func (s *Session) AttachFollower() (*Follower, error) {
	if err := s.attach(); err != nil {
		return nil, err
	}
	f := &Follower{s: s, since: s.home.clock.Now()}
	s.extra().followers.add(f)
	return f, nil
}

// Read says that everything up to seq has been read and is safe from eviction. It is one atomic store to a word that nobody else
// writes; call it when caught up and once for a batch, not for every event. One goroutine at a time may.
func (f *Follower) Read(seq uint64) { f.at.Store(seq + 1) }

// Detach closes the stream. It may be called more than once, at any time.
func (f *Follower) Detach() {
	if f.detached.Swap(true) {
		return
	}
	s := f.s
	s.extra().followers.remove(f, s)
	s.detach()
	s.home.attached.Add(-1)
}

// FollowerInfo describes an open stream at one moment.
type FollowerInfo struct {
	Since  time.Time // when it was attached
	Known  bool      // its reader has said how far it has read; if not, what follows is 0
	Read   uint64    // sequence up to which it has read; what it has read since it last said so is not in it
	Lag    uint64    // events that it has still to read
	Danger float64   // how far it is on the way to losing events, as Health.Danger
}

// Followers describes the open streams, in no order. It takes a lock that only those who attach and detach take, for a few
// nanoseconds a stream, and allocates.
func (s *Session) Followers() []FollowerInfo {
	l := s.window()
	infos := make([]FollowerInfo, 0, s.attached.Load())
	if x := s.more.Load(); x != nil {
		x.followers.each(func(f *Follower) { infos = append(infos, f.info(l)) })
	}
	return infos
}

func (f *Follower) info(l window) FollowerInfo {
	i := FollowerInfo{Since: time.Unix(0, f.s.home.clock.Wall(f.since))}
	if at := f.at.Load(); at > 0 {
		i.Known, i.Read = true, at-1
		i.Lag, i.Danger = l.lag(i.Read)
	}
	return i
}

// followers are the open streams of one session.
type followers struct {
	mu     sync.Mutex
	first  *Follower
	left   int64  // reading at which the last one went, 0 if none ever has
	leftAt uint64 // the newest sequence then
}

func (l *followers) add(f *Follower) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.next = l.first
	if f.next != nil {
		f.next.prev = f
	}
	l.first = f
}

func (l *followers) remove(f *Follower, s *Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.next != nil {
		f.next.prev = f.prev
	}
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		l.first = f.next
	}
	f.next, f.prev = nil, nil
	if l.first == nil {
		l.left = s.home.clock.Now()
		if log := s.log.Load(); log != nil {
			l.leftAt = log.Stats().Last
		}
	}
}

func (l *followers) each(do func(*Follower)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for f := l.first; f != nil; f = f.next {
		do(f)
	}
}

// deserted returns since when no stream has been open, and the newest sequence at that time; 0 and 0 if there has never been one.
func (l *followers) deserted() (since int64, seq uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.left, l.leftAt
}
