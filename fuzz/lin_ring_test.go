package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/reprise-go/reprise/internal/ringaccess"
	"github.com/reprise-go/reprise/ring"
)

// A subject is what histories of a ring are recorded on: the ring, or one that is broken on
// purpose.
type subject interface {
	Append(ring.Event) (ring.Event, error)
	AppendAll(dst, es []ring.Event) ([]ring.Event, error)
	Seek(id string) (ring.Cursor, error)
	Next(*ring.Cursor, *ring.Event) bool
	Tail() ring.Cursor
	Wait(context.Context, uint64) error
	Stats() ring.Stats
	Close()
}

// sound is the ring itself.
type sound struct {
	*ring.Ring
	limits ring.Config
}

func (sound) Next(c *ring.Cursor, e *ring.Event) bool { return c.Next(e) }

// A ringClient is a client of a history with what it knows of the ring.
type ringClient struct {
	*client
	ring    subject
	count   int
	ids     []string // that it was given
	tag     string
	last    uint64
	cursors []heldCursor
}

type heldCursor struct {
	ring.Cursor
	one    bool
	stream string
}

// ringLimits are small, so that a few events collide, evict each other and make the ring grow.
func ringLimits(seed uint64) (limits ring.Config, before uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	limits = ring.Config{MaxEvents: []int{1, 2, 3, 5, 30}[r.IntN(5)], MaxBytes: []int{1 << 20, 1 << 30,
		420}[r.IntN(3)], MaxEventBytes: 1 << 10}
	before = []uint64{0, 0, 0, 5, 1<<32 - 9, maxSeq - 30, maxSeq - 12}[r.IntN(7)]
	return limits, before
}

// A maker makes the ring for a history, sound or not.
type maker func(limits ring.Config, before uint64) (subject, error)

func soundRing(limits ring.Config, before uint64) (subject, error) {
	g, err := ringaccess.NewGroup(limits, ringaccess.Shared{Start: before})
	if err != nil {
		return nil, err
	}
	return sound{g.(*ring.Group).New(), limits}, nil
}

// ringHistory records what n clients do to a ring.
func ringHistory(t testing.TB, seed uint64, n int, newRing maker) (porcupine.Model, []porcupine.Operation) {
	t.Helper()
	limits, before := ringLimits(seed)
	under, err := newRing(limits, before)
	if err != nil {
		t.Fatal(err)
	}
	clients := make([]ringClient, n)
	for i := range clients {
		clients[i] = ringClient{ring: under, last: before}
	}
	history := record(n, 10, seed, stopwatch(), func(c *client) {
		rc := &clients[c.id]
		rc.client = c
		rc.step()
	})
	return ringModel(limits, before), history
}

// ownIDs are the IDs that clients bring.
var ownIDs = []string{"aaaaaaaa", "bbbbbbbb", "cccccccc"}

func (c *ringClient) step() {
	switch n := c.rand.IntN(100); {
	case n < 35:
		c.append(append(ownIDs[:3:3], c.imitation())[c.rand.IntN(4)])
	case n < 52:
		c.append("")
	case n < 60:
		c.appendAll()
	case n < 75:
		c.seek()
	case n < 90:
		c.next()
	case n < 93:
		c.tail()
	case n < 96:
		c.do(func() (any, any) { return logCall{method: "Stats"}, logAnswer{ringStats: c.ring.Stats()} })
	case n < 99:
		c.wait()
	case c.rand.IntN(3) == 0:
		c.do(func() (any, any) {
			c.ring.Close()
			return logCall{method: "Close"}, logAnswer{}
		})
	}
}

// imitation makes an ID that the ring may be about to assign.
func (c *ringClient) imitation() string {
	if c.tag == "" {
		return "nothing"
	}
	return fmt.Sprintf("%s-%d", c.tag, c.last+uint64(c.rand.IntN(6)))
}

// event makes an event that is like no other.
func (c *ringClient) event(id string) logCall {
	return logCall{id: id, stream: []string{"", "s"}[c.rand.IntN(2)], payload: fmt.Sprintf("%d/%d", c.id, c.count)}
}

// appendAll appends up to four events at once, which may be too many, or have an ID twice.
func (c *ringClient) appendAll() {
	var batch []logCall
	var es []ring.Event
	for range c.rand.IntN(5) {
		c.count++
		own := ownIDs[c.rand.IntN(3)]
		if _, apart := c.ring.(checksOutside); apart {
			own = "" // the ring below has others in the place of these
		}
		call := c.event([]string{"", "", own, c.imitation()}[c.rand.IntN(4)])
		batch = append(batch, call)
		es = append(es, ring.Event{ID: call.id, Stream: call.stream, Data: []byte(call.payload)})
	}
	c.do(func() (any, any) {
		stored, err := c.ring.AppendAll(nil, es)
		answers := make([]logAnswer, len(stored))
		for i, e := range stored {
			answers[i] = logAnswer{seq: e.Seq, id: e.ID, payload: string(e.Data)}
			if err == nil {
				c.ids, c.last = append(c.ids, e.ID), e.Seq
			}
		}
		return logCall{method: "AppendAll", batch: &batch}, logAnswer{batch: &answers, err: sentinel(err)}
	})
}

func (c *ringClient) append(id string) {
	c.count++
	call := c.event(id)
	call.method = "Append"
	if c.rand.IntN(4) == 0 {
		call.payload += long(100)
	}
	c.do(func() (any, any) {
		e, err := c.ring.Append(ring.Event{ID: call.id, Stream: call.stream, Data: []byte(call.payload)})
		if err == nil {
			c.ids = append(c.ids, e.ID)
			if id == "" {
				c.tag, _, _ = strings.Cut(e.ID, "-")
			}
			c.last = e.Seq
		}
		return call, logAnswer{seq: e.Seq, id: e.ID, payload: string(e.Data), err: sentinel(err)}
	})
}

func (c *ringClient) seek() {
	id := append(ownIDs[:3:3], c.imitation(), "")[c.rand.IntN(5)]
	if n := len(c.ids); n > 0 && c.rand.IntN(2) == 0 {
		id = c.ids[c.rand.IntN(n)]
	}
	c.do(func() (any, any) {
		cur, err := c.ring.Seek(id)
		if err == nil {
			c.cursors = append(c.cursors, heldCursor{Cursor: cur.All()})
		}
		return logCall{method: "Seek", id: id}, logAnswer{seq: cur.Seq(), err: sentinel(err)}
	})
	c.next()
}

func (c *ringClient) tail() {
	c.do(func() (any, any) {
		cur := c.ring.Tail()
		c.cursors = append(c.cursors, heldCursor{Cursor: cur})
		return logCall{method: "Tail"}, logAnswer{seq: cur.Seq()}
	})
}

// next reads one or two events from one of the cursors, which now and then is made to see one
// stream only.
func (c *ringClient) next() {
	if len(c.cursors) == 0 {
		return
	}
	cur := &c.cursors[c.rand.IntN(len(c.cursors))]
	if c.rand.IntN(4) == 0 {
		cur.one, cur.stream = true, []string{"", "s"}[c.rand.IntN(2)]
		cur.Cursor = cur.Only(cur.stream)
	}
	for range 1 + c.rand.IntN(2) {
		if cur.Err() != nil {
			return
		}
		c.do(func() (any, any) {
			call := logCall{method: "Next", seq: cur.Seq(), one: cur.one, stream: cur.stream}
			var e ring.Event
			more := c.ring.Next(&cur.Cursor, &e)
			return call, logAnswer{seq: cur.Seq(), id: e.ID, payload: string(e.Data), more: more,
				err: sentinel(cur.Err())}
		})
	}
}

func (c *ringClient) wait() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	seq := c.last + uint64(c.rand.IntN(3))
	c.do(func() (any, any) {
		return logCall{method: "Wait", seq: seq}, logAnswer{err: sentinel(c.ring.Wait(ctx, seq))}
	})
}

// errStillWaiting stands for the error of a context that has ended.
var errStillWaiting = errors.New("nothing yet")

// sentinel returns the documented error that err is.
func sentinel(err error) error {
	if errors.Is(err, context.Canceled) {
		return errStillWaiting
	}
	return sentinelOf(err, ring.ErrClosed, ring.ErrDuplicateID, ring.ErrUnknownID, ring.ErrEvicted,
		ring.ErrEventTooLarge)
}

func sentinelOf(err error, documented ...error) error {
	for _, known := range documented {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

// Whatever five goroutines do to a tiny ring at once, its answers are those of a slice that is used
// by one after the other.
func TestRingIsLinearizable(t *testing.T) {
	n := histories(t, 750)
	atEveryGOMAXPROCS(t, n, func(t *testing.T, seed uint64) {
		model, history := ringHistory(t, seed, 5, soundRing)
		if ok, drawing := linearizable(t, model, history); !ok {
			t.Fatalf("history %d is not linearizable: %s", seed, drawing)
		}
	})
}
