package replay

import (
	"time"

	"github.com/reprise-go/reprise/shard"
)

// How much the Inspector looks at. A census of more sessions than maxRows stops there and says so.
const (
	maxRows    = 250_000
	censusAge  = 2 * time.Second // a census is good for so long
	censusRest = 20              // and for so many times what it took, so that it takes 5% of the time at most
)

// A census is all sessions at about one moment. It is never changed, but for the health counts before anybody else has it.
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
	events, followers    int32
	bytes                int64
	appended, lag        uint64
	rate, evicting       float32 // events per second that the log got and dropped, over its window
	danger, fill         float32
	status               shard.Status
	problems             shard.Problem
}

var allProblems = [...]shard.Problem{shard.Overtaken, shard.Lagging, shard.Evicting, shard.Unfollowed, shard.Expiring}

// take returns a census that is recent enough. in.look is held.
func (in *Inspector) take() *census {
	c := in.latest
	if c != nil && time.Since(c.at) < max(censusAge, censusRest*c.took) {
		return c
	}
	began := time.Now()
	c = &census{rows: make([]row, 0, min(maxRows, in.Manager.Stats().Active))}
	for s := range in.Manager.Sessions() {
		if len(c.rows) == maxRows {
			c.truncated = true
			break
		}
		c.add(s)
	}
	c.at = time.Now()
	c.took = c.at.Sub(began)
	in.latest = c
	return c
}

// forget lets go of the census: nobody watches.
func (in *Inspector) forget() {
	in.look.Lock()
	defer in.look.Unlock()
	in.latest = nil
}

func (c *census) add(s *shard.Session) {
	h, i := s.Health(), s.Summary()
	c.rows = append(c.rows, row{
		s: s, principal: i.Principal, transport: i.Transport,
		created: i.Created.UnixNano(), idle: h.Idle,
		events: int32(h.Log.Events), followers: int32(h.Attached), bytes: h.Log.Bytes, appended: h.Log.Last, lag: h.Lag,
		rate: float32(rateOf(h)), evicting: float32(h.EvictionRate), danger: float32(h.Danger), fill: float32(h.Fill),
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
