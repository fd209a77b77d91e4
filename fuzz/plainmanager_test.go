package fuzz_test

import (
	"time"

	"github.com/reprise-go/reprise/shard"
)

// A plainManager is what design.md says about sessions: all that there ever were, in a slice, and
// the time.
type plainManager struct {
	cfg        shard.Config // nothing left to a default
	now        time.Time
	all        []*plainSession
	budget     *plainBudget // nil: unlimited
	closed     bool
	duplicates uint64
	gaps       uint64
}

// A plainSession is one session, from its creation on.
type plainSession struct {
	id       string
	md       shard.Metadata
	ttl      time.Duration
	created  time.Time
	activity time.Time
	attached int
	status   shard.Status
	ended    bool
	log      plainLog

	// When it left Active: an idle session goes at some time between its TTL and a Tick later.
	earliest, latest time.Time
}

func newPlainManager(cfg shard.Config, now time.Time) *plainManager {
	m := &plainManager{cfg: cfg, now: now}
	if cfg.MaxBytes >= 0 {
		m.budget = &plainBudget{pool: cfg.MaxBytes}
		if n := int64(cfg.MaxSessions); n > 0 {
			m.budget.share = cfg.MaxBytes / 2 / n
			m.budget.pool -= m.budget.share * n
		}
	}
	return m
}

// create adds a session.
func (m *plainManager) create(id string, o shard.Options) *plainSession {
	s := &plainSession{id: id, md: o.Metadata, ttl: o.TTL, created: m.now, activity: m.now}
	if s.ttl == 0 {
		s.ttl = m.cfg.TTL
	}
	limits := m.cfg.Ring
	if o.Ring.MaxEvents != 0 {
		limits.MaxEvents = o.Ring.MaxEvents
	}
	s.log = plainLog{limits: limits, budget: m.budget}
	if m.budget != nil {
		m.budget.logs = append(m.budget.logs, &s.log)
	}
	m.all = append(m.all, s)
	return s
}

// end ends s, which has left Active between the given times if it had not before.
func (m *plainManager) end(s *plainSession, as shard.Status, earliest, latest time.Time) {
	if s.status == shard.Active {
		s.earliest, s.latest = earliest, latest
	}
	s.status, s.ended, s.log.closed = as, true, true
	s.letGo()
	if m.budget == nil {
		return
	}
	var others []*plainLog
	for _, l := range m.budget.logs {
		if l != &s.log {
			others = append(others, l)
		}
	}
	m.budget.logs = others
}

// letGo drops the events of a session that has ended, unless a reader is attached: cursors that
// have not read them are overtaken.
func (s *plainSession) letGo() {
	if s.ended && s.attached == 0 {
		s.log.letGo = true
	}
}

// overdue tells since when s must have ended by itself; false when it need not have.
func (m *plainManager) overdue(s *plainSession) (since time.Time, ok bool) {
	switch {
	case s.ended:
		return since, false
	case s.status == shard.Finished && m.cfg.Linger < 0:
		return s.activity, s.attached == 0
	case s.status == shard.Finished:
		since = s.latest.Add(m.cfg.Linger)
	case s.attached > 0 || s.ttl < 0:
		return since, false
	default:
		since = s.activity.Add(s.ttl + m.cfg.Tick)
	}
	return since, !m.now.Before(since)
}

// mayExpire reports whether s is within the Tick in which it may be alive or gone.
func (m *plainManager) mayExpire(s *plainSession) bool {
	idle := m.now.Sub(s.activity)
	return s.status == shard.Active && s.attached == 0 && s.ttl >= 0 && idle >= s.ttl && idle < s.ttl+m.cfg.Tick
}

// expire ends s, whose time has come.
func (m *plainManager) expire(s *plainSession) {
	if s.status == shard.Finished {
		m.end(s, shard.Finished, s.earliest, s.latest)
		return
	}
	latest := s.activity.Add(s.ttl + m.cfg.Tick)
	if latest.After(m.now) {
		latest = m.now
	}
	m.end(s, shard.Expired, s.activity.Add(s.ttl), latest)
}

// lingers tells whether s, which has ended, still answers Info and keeps its ID.
func (m *plainManager) lingers(s *plainSession) answer {
	switch {
	case m.closed || m.cfg.Linger < 0 || !m.now.Before(s.latest.Add(m.cfg.Linger)):
		return no
	case m.now.Before(s.earliest.Add(m.cfg.Linger)):
		return yes
	}
	return perhaps
}

// holder returns the session that answers to the ID, and how certain that is.
func (m *plainManager) holder(id string) (*plainSession, answer) {
	for i := len(m.all) - 1; i >= 0; i-- {
		if s := m.all[i]; s.id == id {
			if !s.ended {
				return s, yes
			}
			return s, m.lingers(s)
		}
	}
	return nil, no
}

// active counts the sessions that have not ended, and those of one principal.
func (m *plainManager) active(principal string) (all, theirs int) {
	for _, s := range m.all {
		if !s.ended {
			all++
			if s.md.Principal == principal {
				theirs++
			}
		}
	}
	return all, theirs
}

// full reports whether a limit forbids another session of the principal.
func (m *plainManager) full(principal string) bool {
	all, theirs := m.active(principal)
	return m.cfg.MaxSessions > 0 && all >= m.cfg.MaxSessions ||
		m.cfg.MaxPerPrincipal > 0 && principal != "" && theirs >= m.cfg.MaxPerPrincipal
}

// stats returns what Manager.Stats must be, but for Memory and Visits; Total may be larger by the
// sessions whose Linger ended less than a Tick and a second ago.
func (m *plainManager) stats() (st shard.Stats, totalAtMost int) {
	for _, s := range m.all {
		st.Created++
		st.Attached += s.attached
		st.Appended += s.log.last
		st.Evicted += s.log.stats().Evicted
		st.AppendedBytes += uint64(s.log.spent)
		st.EvictedBytes += uint64(s.log.spent - s.log.bytes())
		if !s.ended {
			st.Active++
			st.Events += int64(len(s.log.live))
			st.Bytes += s.log.bytes()
		}
		switch {
		case !s.ended || m.lingers(s) == yes:
			st.Total++
		case !m.closed && m.now.Before(s.latest.Add(max(0, m.cfg.Linger)+m.cfg.Tick+time.Second)):
			totalAtMost++
		}
		switch s.status {
		case shard.Terminated:
			st.Terminated++
		case shard.Expired:
			st.Expired++
		case shard.Finished:
			if s.ended {
				st.Finished++
			}
		}
	}
	st.Duplicates, st.Gaps = m.duplicates, m.gaps
	return st, st.Total + totalAtMost
}

// info is what is known of s; Log is empty once it has ended.
func (s *plainSession) info() shard.Info {
	i := shard.Info{
		ID:           s.id,
		Metadata:     s.md,
		Created:      s.created,
		LastActivity: s.activity,
		Status:       s.status,
		Attached:     s.attached,
	}
	if !s.ended {
		i.Log = s.log.stats()
	}
	return i
}

// refusal is the error of everything that needs a session which has not ended.
func (s *plainSession) refusal() error {
	if s.ended {
		return shard.ErrNotFound
	}
	return nil
}

// writeRefusal is the error of what needs an active one.
func (s *plainSession) writeRefusal() error {
	if !s.ended && s.status == shard.Finished {
		return shard.ErrFinished
	}
	return s.refusal()
}
