package inspector

import (
	"time"

	"github.com/reprise-go/reprise/shard"
)

// maxRows is how many sessions are looked at. A census of more stops there and says so.
const maxRows = 250_000

// A census is good for censusAge, or for censusRest times what it took if that is longer: so it
// takes 5% of the time at most.
const (
	censusAge  = 2 * time.Second
	censusRest = 20
)

// A census is all sessions at about one moment. It does not change once it is made.
type census struct {
	at        time.Time
	took      time.Duration
	rows      []row
	truncated bool // there are more sessions
	unhealthy int
	problems  [len(allProblems)]int // sessions that have each
}

// A row is what the table can sort and filter by. It keeps no event alive.
type row struct {
	s                    *shard.Session
	principal, transport string
	created              int64 // Unix nanoseconds
	idle                 time.Duration
	events, readers      int32
	bytes                int64
	appended, lag        uint64
	rate, evicting       float32 // events per second that the log got and dropped, over its window
	danger, fill         float32
	status               shard.Status
	problems             shard.Problems
}

var allProblems = [...]shard.Problems{
	shard.Overtaken, shard.Lagging, shard.Evicting, shard.Unread, shard.Expiring,
}

// census returns one that is good, and makes one when there is none. It is dropped when it is
// good no longer, whether or not anybody asks again. h.scan is held.
func (h *Handler) census() *census {
	if c := h.latest; c != nil && time.Since(c.at) < c.goodFor() {
		return c
	}
	began := time.Now()
	c := &census{rows: make([]row, 0, min(maxRows, h.Manager.Stats().Active))}
	for s := range h.Manager.Sessions() {
		if len(c.rows) == maxRows {
			c.truncated = true
			break
		}
		c.add(s)
	}
	c.at = time.Now()
	c.took = c.at.Sub(began)
	h.latest = c
	time.AfterFunc(c.goodFor(), func() { h.drop(c) })
	return c
}

func (c *census) goodFor() time.Duration { return max(censusAge, censusRest*c.took) }

func (h *Handler) drop(c *census) {
	h.scan.Lock()
	defer h.scan.Unlock()
	if h.latest == c {
		h.latest = nil
	}
}

func (c *census) add(s *shard.Session) {
	h, i := s.Health(), s.Summary()
	c.rows = append(c.rows, row{
		s: s, principal: i.Principal, transport: i.Transport,
		created: i.Created.UnixNano(), idle: h.Idle,
		events: int32(h.Log.Events), readers: int32(h.Attached), bytes: h.Log.Bytes,
		appended: h.Log.Last, lag: h.Lag,
		rate: float32(rateOf(h)), evicting: float32(h.EvictionRate),
		danger: float32(h.Danger), fill: float32(h.Fill),
		status: h.Status, problems: h.Problems,
	})
	if h.Problems == 0 {
		return
	}
	c.unhealthy++
	for i, p := range allProblems {
		if h.Problems&p != 0 {
			c.problems[i]++
		}
	}
}

// rateOf is how many events a second the log got, on average over its window.
func rateOf(h shard.Health) float64 {
	return float64(h.Log.Events) / max(h.Window, time.Second).Seconds()
}
