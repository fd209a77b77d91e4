package fuzz_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A sessionCall is one call that concerns the sessions with one ID, as a history has it.
type sessionCall struct {
	method  string
	id      string
	session *shard.Session // what a Session's method was called on
	at      time.Time      // fake: it stands still while calls run
	seq     uint64         // Next, Read: where the cursor or reader is
}

// A sessionAnswer is what it returned.
type sessionAnswer struct {
	session *shard.Session // Create, Get
	seq     uint64         // Append, Next, Read
	status  shard.Status   // Info
	err     error
}

// A life is one session of an ID.
type life struct {
	session  *shard.Session
	status   shard.Status
	ended    bool
	activity time.Time
	attached int
	last     uint64
}

// overtaken is the status of a session that was terminated when it may have expired already: Info
// tells.
const overtaken = shard.Status(255)

// A sessionState is every session that an ID ever had. It is never changed.
type sessionState []life

// sessionRules are what the manager's configuration says.
type sessionRules struct {
	ttl, tick time.Duration
	lingers   bool // for longer than any history
}

// sessionModel is what a manager may answer about each ID. IDs do not concern each other.
func sessionModel(rules sessionRules) porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byID := map[string][]porcupine.Operation{}
			for _, op := range history {
				id := op.Input.(sessionCall).id
				byID[id] = append(byID[id], op)
			}
			var parts [][]porcupine.Operation
			for _, id := range sessionIDs {
				parts = append(parts, byID[id])
			}
			return parts
		},
		Init: func() any { return sessionState(nil) },
		Step: func(state, input, output any) (bool, any) {
			return rules.step(state.(sessionState), input.(sessionCall), output.(sessionAnswer))
		},
		Equal: func(a, b any) bool { return slices.Equal(a.(sessionState), b.(sessionState)) },
		DescribeOperation: func(input, output any) string {
			return input.(sessionCall).String() + " → " + output.(sessionAnswer).String()
		},
		DescribeState: func(state any) string { return state.(sessionState).String() },
	}
}

// step says whether got may be the answer. In the Tick in which an idle session may be there or
// gone, the first answer decides; so it does between a Finish and the end of a session that does
// not linger, which follows before Finish returns but not at the same moment.
func (r sessionRules) step(s sessionState, call sessionCall, got sessionAnswer) (bool, sessionState) {
	i := len(s) - 1
	if call.session != nil {
		i = slices.IndexFunc(s, func(l life) bool { return l.session == call.session })
	}
	if i < 0 { // the ID has never had a session
		if call.method == "Create" {
			return got.err == nil, sessionState{{session: got.session, activity: call.at}}
		}
		return got.err == shard.ErrNotFound || got.err == nil && call.method == "TerminateID", s
	}
	s = slices.Clone(s)
	l := &s[i]
	if idle := call.at.Sub(l.activity); l.status == shard.Active && l.attached == 0 && idle >= r.ttl {
		if idle >= r.ttl+r.tick || r.showsEnd(call, got) {
			l.status, l.ended = shard.Expired, true
		} else if strings.HasPrefix(call.method, "Terminate") {
			l.status, l.ended = overtaken, true
		}
	}
	if l.status == shard.Finished && l.attached == 0 && !r.lingers && r.showsEnd(call, got) {
		l.ended = true
	}
	if call.method == "Create" {
		if l.ended && !r.lingers {
			return got.err == nil, append(s, life{session: got.session, activity: call.at})
		}
		return got.err == shard.ErrExists, s
	}
	return r.use(l, call, got), s
}

// showsEnd reports whether an answer tells that the session has ended.
func (r sessionRules) showsEnd(call sessionCall, got sessionAnswer) bool {
	switch call.method {
	case "Create":
		return got.err == nil
	case "Info":
		return got.err != nil || got.status == shard.Expired
	}
	return got.err == shard.ErrNotFound
}

// use is every call on a session that there is or was.
func (r sessionRules) use(l *life, call sessionCall, got sessionAnswer) bool {
	alive := func() bool { return !l.ended && got.err == nil || l.ended && got.err == shard.ErrNotFound }
	switch call.method {
	case "Get":
		return alive() && (l.ended || got.session == l.session)
	case "Info":
		if l.ended && !r.lingers {
			return got.err == shard.ErrNotFound
		}
		if l.status == overtaken && (got.status == shard.Terminated || got.status == shard.Expired) {
			l.status = got.status
		}
		return got.err == nil && got.status == l.status
	case "Next": // once the session has ended and nobody is attached, its events may be gone
		return got.seq == min(call.seq+1, l.last) || got.seq == call.seq && l.ended && l.attached == 0
	case "Read": // what is left comes first, then the end
		return got.seq == min(call.seq+1,
			l.last) && (got.seq > call.seq && got.err == nil || got.seq == call.seq && got.err == l.writeRefusal())
	case "TerminateID", "Terminate":
		if !l.ended {
			l.status, l.ended = shard.Terminated, true
		}
		return got.err == nil
	case "Detach":
		if l.attached--; !l.ended {
			l.activity = call.at
		}
		return true
	case "Append", "Err":
		want := l.writeRefusal()
		if want == nil && call.method == "Append" {
			l.last++
			l.activity = call.at
			return got.err == nil && got.seq == l.last
		}
		return got.err == want
	}
	if !alive() || l.ended {
		return alive()
	}
	switch call.method {
	case "Attach":
		l.attached++
		l.activity = call.at
	case "Finish":
		if l.status == shard.Active {
			l.status = shard.Finished
		}
	case "Touch", "Authorize", "Update":
		l.activity = call.at
	default:
		return false
	}
	return true
}

// writeRefusal is why the session takes no events.
func (l *life) writeRefusal() error {
	switch {
	case l.ended:
		return shard.ErrNotFound
	case l.status == shard.Finished:
		return shard.ErrFinished
	}
	return nil
}

func (c sessionCall) String() string {
	name := c.method + "(" + c.id + ")"
	if c.session != nil {
		name = fmt.Sprintf("%s(%s %p)", c.method, c.id, c.session)
	}
	return fmt.Sprintf("%s at %v, %d", name, c.at.Format("04:05.000"), c.seq)
}

func (a sessionAnswer) String() string {
	return fmt.Sprintf("%p seq %d %v %v", a.session, a.seq, a.status, a.err)
}

func (s sessionState) String() (text string) {
	for _, l := range s {
		text += fmt.Sprintf("%p %v, ended %v, active at %v, attached %d, %d events\n",
			l.session, l.status, l.ended, l.activity.Format("04:05.000"), l.attached, l.last)
	}
	return text
}

// sessionSentinel returns the documented error that err is.
func sessionSentinel(err error) error {
	return sentinelOf(err, shard.ErrNotFound, shard.ErrExists, shard.ErrFinished, shard.ErrSessionLimit,
		ring.ErrEvicted)
}
