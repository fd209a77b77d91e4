package fuzz_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// sessionIDs are the IDs that the clients of a history create, use and end.
var sessionIDs = []string{"a", "b"}

// A host is what histories of sessions are recorded on: the manager, or one that is broken on
// purpose.
type host interface {
	CreateWithID(id string, md shard.Metadata) (*shard.Session, error)
	Get(id string) (*shard.Session, error)
	Authorize(id, principal string) (*shard.Session, error)
	Info(id string) (shard.Info, error)
	Terminate(id string) error
	Touch(*shard.Session) error
}

// soundHost is the manager itself.
type soundHost struct{ *shard.Manager }

func (soundHost) Touch(s *shard.Session) error { return s.Touch() }

// A sessionClient is a client of a history with the sessions that it has come by.
type sessionClient struct {
	*client
	manager host
	store   replay.Store // nil: the client opens no readers
	held    []heldSession
	readers []heldReader
}

// A heldReader follows the only session that its ID ever has.
type heldReader struct {
	id   string
	seq  uint64 // read up to here
	real replay.Reader
}

// A heldSession is a session, the streams that the client has attached to it and a cursor of each.
type heldSession struct {
	id      string
	session *shard.Session
	detach  []func()
	cursor  ring.Cursor
}

// sessionHistory records what four clients do to a manager in a bubble, where they sleep towards
// the moments at which sessions expire.
func sessionHistory(t *testing.T, seed uint64, wrap func(soundHost) host) (model porcupine.Model,
	history []porcupine.Operation) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(seed, 2))
		cfg := shard.Config{Shards: 1 + r.IntN(2), TTL: 10 * time.Second, Linger: -1, MaxSessions: -1, MaxBytes: -1,
			Ring: ring.Config{MaxEvents: 1000}}
		rules := sessionRules{ttl: cfg.TTL, tick: 100 * time.Millisecond}
		if rules.lingers = r.IntN(2) == 0; rules.lingers {
			cfg.Linger = time.Hour
		}
		m, err := shard.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		under := wrap(soundHost{m})
		clients := make([]sessionClient, 4)
		// Time stands still in a bubble while anybody runs, so calls are put in order by a counter.
		var order atomic.Int64
		history = record(len(clients), 12, seed, func() int64 { return order.Add(1) }, func(c *client) {
			sc := &clients[c.id]
			sc.client, sc.manager = c, under
			if rules.lingers {
				sc.store = replay.Local(m)
			}
			sc.step()
		})
		model = sessionModel(rules)
		m.Close()
	})
	return model, history
}

func (c *sessionClient) step() {
	id := sessionIDs[c.rand.IntN(len(sessionIDs))]
	n := c.rand.IntN(100)
	if c.store != nil && c.id == 0 {
		n = 40 + n/2 // it mostly follows what the others do
	}
	switch {
	case n < 15:
		c.create(id)
	case n < 25:
		c.get(id)
	case n < 30:
		c.call("Info", id, nil, func(got *sessionAnswer) error {
			info, err := c.manager.Info(id)
			got.status = info.Status
			return err
		})
	case n < 35:
		c.call("TerminateID", id, nil, func(*sessionAnswer) error { return c.manager.Terminate(id) })
	case n < 40:
		c.call("Authorize", id, nil, func(*sessionAnswer) error { _, err := c.manager.Authorize(id, ""); return err })
	case n < 55:
		c.sleep()
	case n < 75 && c.store != nil:
		c.follow(id)
	case len(c.held) > 0:
		c.use(&c.held[c.rand.IntN(len(c.held))])
	}
}

// call calls something and records it.
func (c *sessionClient) call(method, id string, s *shard.Session, do func(*sessionAnswer) error) {
	c.do(func() (any, any) {
		call := sessionCall{method: method, id: id, session: s, at: time.Now()}
		var got sessionAnswer
		got.err = sessionSentinel(do(&got))
		return call, got
	})
}

func (c *sessionClient) create(id string) {
	c.call("Create", id, nil, func(got *sessionAnswer) (err error) {
		got.session, err = c.manager.CreateWithID(id, shard.Metadata{})
		c.hold(id, got.session)
		return err
	})
}

func (c *sessionClient) get(id string) {
	c.call("Get", id, nil, func(got *sessionAnswer) (err error) {
		got.session, err = c.manager.Get(id)
		c.hold(id, got.session)
		return err
	})
}

func (c *sessionClient) hold(id string, s *shard.Session) {
	if s != nil {
		c.held = append(c.held, heldSession{id: id, session: s})
	}
}

// sleep sleeps towards a moment that all clients have in common: at which sessions of the moment
// before have been idle for half a TTL, a TTL, or somewhat longer.
func (c *sessionClient) sleep() {
	late := []time.Duration{0, 0, 70, 75, 80, 99, 100}[c.rand.IntN(7)] * time.Millisecond
	now := time.Now()
	next := now.Truncate(5 * time.Second).Add(late)
	for !next.After(now) {
		next = next.Add(5 * time.Second)
	}
	time.Sleep(next.Sub(now))
}

func (c *sessionClient) use(h *heldSession) {
	s := h.session
	call := func(method string, do func(*sessionAnswer) error) { c.call(method, h.id, s, do) }
	switch n := c.rand.IntN(100); {
	case n < 30:
		call("Append", func(got *sessionAnswer) error {
			e, err := s.Append(ring.Event{})
			got.seq = e.Seq
			return err
		})
	case n < 40:
		call("Touch", func(*sessionAnswer) error { return c.manager.Touch(s) })
	case n < 45:
		call("Update", func(*sessionAnswer) error { return s.Update(func(*shard.Metadata) { runtime.Gosched() }) })
	case n < 55:
		call("Terminate", func(*sessionAnswer) error { s.Terminate(); return nil })
	case n < 60:
		call("Finish", func(*sessionAnswer) error { return s.Finish() })
	case n < 70:
		call("Attach", func(*sessionAnswer) error {
			detach, err := s.Attach()
			if err == nil {
				h.detach = append(h.detach, detach)
			}
			return err
		})
		c.read(h)
	case n < 80 && len(h.detach) > 0:
		call("Detach", func(*sessionAnswer) error { h.detach[0](); return nil })
		h.detach = h.detach[1:]
	case n < 90:
		call("Err", func(*sessionAnswer) error { return s.Err() })
		c.read(h)
	default:
		c.read(h)
	}
}

// read reads an event, if the client has or gets a cursor.
func (c *sessionClient) read(h *heldSession) {
	if h.cursor == (ring.Cursor{}) {
		var err error
		if h.cursor, err = h.session.Seek(""); err != nil {
			return
		}
	}
	c.do(func() (any, any) {
		call := sessionCall{method: "Next", id: h.id, session: h.session, at: time.Now(), seq: h.cursor.Seq()}
		var e ring.Event
		h.cursor.Next(&e)
		return call, sessionAnswer{seq: h.cursor.Seq(), err: h.cursor.Err()}
	})
}

// follow opens a reader, reads from one, or closes one.
func (c *sessionClient) follow(id string) {
	n := len(c.readers)
	if n == 0 || c.rand.IntN(4) == 0 {
		c.call("Attach", id, nil, func(*sessionAnswer) error {
			real, err := c.store.Open(context.Background(), id, replay.Position{})
			if err == nil {
				c.readers = append(c.readers, heldReader{id: id, real: real})
			}
			return err
		})
		return
	}
	r := &c.readers[n-1]
	for range 3 {
		c.do(func() (any, any) {
			call := sessionCall{method: "Read", id: r.id, at: time.Now(), seq: r.seq}
			var e ring.Event
			if r.real.Next(&e) {
				r.seq = e.Seq
			}
			return call, sessionAnswer{seq: r.seq, err: sessionSentinel(r.real.Err())}
		})
	}
	if r.real.Err() != nil || c.rand.IntN(4) == 0 {
		c.call("Detach", r.id, nil, func(*sessionAnswer) error { r.real.Close(); return nil })
		c.readers = c.readers[:n-1]
	}
}

// Whatever four goroutines do at once to the sessions of two IDs, while these expire, the answers
// are those of one goroutine after the other.
func TestManagerIsLinearizable(t *testing.T) {
	n := histories(t, 750)
	atEveryGOMAXPROCS(t, n, func(t *testing.T, seed uint64) {
		model, history := sessionHistory(t, seed, func(s soundHost) host { return s })
		if ok, drawing := linearizable(t, model, history); !ok {
			t.Fatalf("history %d is not linearizable: %s", seed, drawing)
		}
	})
}
