package shard

import (
	"math"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// Thresholds are the limits beyond which [Session.Health] reports a problem. Zero fields take their
// defaults; a negative field turns its problem off.
type Thresholds struct {
	Danger float64       // of Lagging: part of the way to losing events, up to 1; default 0.75
	Window time.Duration // of Evicting; default 30 s
	Unread time.Duration // of Unread; default 1 minute
	Idle   float64       // of Expiring: part of the TTL, up to 1; default 0.75
}

// Health is what a session's operator wants to know, at one moment.
type Health struct {
	Problems Problems // 0: healthy
	Status   Status
	Log      ring.Stats // as in Info
	Attached int        // readers

	// Fill is how full the log is, 0 to 1, by events or by bytes, whichever is more; 1 once it has
	// dropped any.
	Fill float64
	// Window is how far back the log reaches: the age of the oldest event, 0 when there is none.
	// Where producers set ring.Event.Time it is what they say, between 0 and the session's age.
	Window time.Duration
	// EvictionRate is how many events per second the log drops, on average over the Window; 0 when
	// it has dropped none.
	EvictionRate float64

	// Lag is how many events the slowest reader has still to read, of those that say how far they
	// are. It is overstated by what a reader has read since it last said so: with package replay up
	// to 63 events, or 1/16 of what the log retains if that is less.
	Lag uint64
	// Danger is how far the slowest reader is on the way to losing events: 0 when it has read
	// everything, 1 when the next event that it needs is the next to be dropped, or is gone.
	Danger float64

	Idle time.Duration // since the last activity; 0 while a reader is attached
	// Expires says whether the session ends after ExpiresIn if nothing happens. It is false for
	// one that never does, and while a reader is attached.
	Expires   bool
	ExpiresIn time.Duration // 0 when Expires is false

	// Unattached is for how long no reader has been attached, since the session's creation if none
	// ever was; 0 while one is.
	Unattached time.Duration
	Waiting    uint64 // events appended in that time
}

// Health reports what is wrong with the session, or may soon be: by Config.Health. It is not
// activity, takes nothing from the path of appends, and costs some 250 ns, a few more for each
// reader; it does not allocate.
func (s *Session) Health() Health {
	st := s.stateNow()
	h := Health{Status: st.status(), Attached: int(s.attached.Load())}
	if st.isEnded() {
		return h
	}
	now := s.home.clock.Now()
	l := s.window()
	h.Log, h.Fill = l.Stats, l.fill
	s.measureWindow(&h, now)
	h.measureReaders(s, l)
	if h.Attached == 0 {
		s.measureAbsence(&h, st, now)
	}
	if h.Status == Active {
		h.judge(s.home.m.cfg.Health, s)
	}
	return h
}

// judge sets Problems from the rest.
func (h *Health) judge(t Thresholds, s *Session) {
	check := func(p Problems, is bool) {
		if is {
			h.Problems |= p
		}
	}
	lost := h.Problems&Overtaken != 0
	check(Lagging, !lost && t.Danger >= 0 && h.Lag > 0 && h.Danger >= t.Danger)
	check(Evicting, t.Window >= 0 && h.Log.Evicted > 0 && h.Log.Events > 0 && h.Window < t.Window)
	check(Unread, t.Unread >= 0 && h.Waiting > 0 && h.Unattached >= t.Unread)
	check(Expiring, t.Idle >= 0 && h.Expires && float64(h.Idle) >= t.Idle*float64(s.idleLimit-s.home.m.grace))
}

// measureWindow finds out how far back the log reaches. An event that is dropped while it is looked
// at was the oldest all the same.
func (s *Session) measureWindow(h *Health, now int64) {
	age := max(0, now-s.created)
	log := s.readable()
	if log == nil || h.Log.Events == 0 {
		return
	}
	var oldest ring.Event
	for try := 0; ; try++ {
		c, err := log.Seek("")
		if err == nil && c.Next(&oldest) {
			break
		}
		if try == 3 { // events are dropped faster than one can be read
			return
		}
	}
	h.Window = time.Duration(min(max(0, s.home.clock.Wall(now)-oldest.Time.UnixNano()), age))
	if h.Log.Evicted > 0 {
		dropped := min(h.Log.Evicted, uint64(h.Log.Events))
		h.EvictionRate = float64(dropped) / max(h.Window, time.Millisecond).Seconds()
	}
}

func (h *Health) measureReaders(s *Session, l window) {
	x := s.optional.Load()
	if x == nil || h.Attached == 0 {
		return
	}
	x.readers.each(func(f *Reader) {
		at := f.at.Load()
		if at == 0 {
			return
		}
		lag, danger := l.lag(at - 1)
		h.Lag, h.Danger = max(h.Lag, lag), max(h.Danger, danger)
		if h.Status == Active && l.hasLost(at-1) {
			h.Problems |= Overtaken
		}
	})
}

// measureAbsence is for a session without a reader.
func (s *Session) measureAbsence(h *Health, st state, now int64) {
	since, seq := s.created, uint64(0)
	if x := s.optional.Load(); x != nil {
		if left, at := x.readers.absentSince(); left > 0 {
			since, seq = left, at
		}
	}
	h.Unattached = time.Duration(max(0, now-since))
	h.Waiting = h.Log.Last - min(seq, h.Log.Last)
	h.Idle = time.Duration(max(0, now-st.activity()))
	switch {
	case h.Status == Finished && s.home.m.linger >= 0:
		h.Expires, h.ExpiresIn = true, time.Duration(max(0, s.leavesAt()-now))
	case h.Status == Active && s.idleLimit != math.MaxInt64:
		h.Expires, h.ExpiresIn = true, max(0, time.Duration(s.idleLimit-s.home.m.grace)-h.Idle)
	}
}
