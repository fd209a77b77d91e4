package shard

import (
	"time"

	"github.com/reprise-go/reprise/ring"
)

// Info describes the session, at any time: unlike Manager.Info it also answers when the session no
// longer lingers.
func (s *Session) Info() Info {
	s.stateNow()
	return s.info()
}

// Summary is Info without Metadata.ClientInfo, so that it copies nothing: for those who look at all
// sessions.
func (s *Session) Summary() Info {
	s.stateNow()
	return s.summaryAt(s.stateAndLog())
}

func (s *Session) info() Info { return s.infoAt(s.stateAndLog()) }

// stateAndLog returns the state, and what the log held while it was that.
func (s *Session) stateAndLog() (st state, log ring.Stats) {
	for {
		st, log = state(s.state.Load()), ring.Stats{}
		if st.phase() != active {
			s.closeLog() // what says that the session takes no more events closes its log first; see refusal
		}
		if l := s.readable(); l != nil && !st.isEnded() {
			log = l.Stats()
		}
		if state(s.state.Load()).isEnded() == st.isEnded() {
			return st, log
		}
	}
}

func (s *Session) infoAt(st state, log ring.Stats) Info {
	info := s.summaryAt(st, log)
	info.Metadata = s.metadata.Load().public()
	return info
}

func (s *Session) summaryAt(st state, log ring.Stats) Info {
	c, md := s.home.clock, s.metadata.Load()
	info := Info{
		ID:           s.ID(),
		Created:      time.Unix(0, c.Wall(s.created)),
		LastActivity: time.Unix(0, c.Wall(st.activity())),
		Status:       st.status(),
		Attached:     int(s.attached.Load()),
		Log:          log,
	}
	if md != nil {
		info.Transport, info.Principal = md.Transport, md.Principal
	}
	return info
}

// Info is what is known of one session at one moment.
type Info struct {
	ID string
	Metadata
	Created, LastActivity time.Time
	Status                Status
	Attached              int        // readers
	Log                   ring.Stats // zero once the session has ended, except in OnEnd
}
