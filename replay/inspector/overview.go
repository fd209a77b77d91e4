package inspector

import (
	"net/http"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// overviewSample is one second of the overview. Counters only ever grow, and the page makes rates
// of them, so that a sample that is missing does not matter.
type overviewSample struct {
	Time       int64  `json:"t"` // Unix milliseconds
	Active     int    `json:"active"`
	Lingering  int    `json:"lingering"`
	Readers    int    `json:"readers"`
	Events     int64  `json:"events"`
	Bytes      int64  `json:"bytes"`
	Memory     int64  `json:"memory"`
	Created    uint64 `json:"created"`
	Terminated uint64 `json:"terminated"`
	Expired    uint64 `json:"expired"`
	Appended   uint64 `json:"appended"`
	Duplicates uint64 `json:"duplicates"`
	Evicted    uint64 `json:"evicted"`
	Replayed   uint64 `json:"replayed"`
	Gaps       uint64 `json:"gaps"`

	AppendedBytes uint64 `json:"appendedBytes"`
	EvictedBytes  uint64 `json:"evictedBytes"`

	MaxSessions int   `json:"maxSessions"` // negative: unlimited
	MaxBytes    int64 `json:"maxBytes"`    // negative: unlimited

	Append quantiles `json:"append"`
	WakeUp quantiles `json:"wakeUp"`

	Unhealthy int            `json:"unhealthy"`
	Problems  map[string]int `json:"problems"`

	Served *servedSample `json:"served,omitempty"`
}

// servedSample is what the Handlers have done.
type servedSample struct {
	Streams   uint64 `json:"streams"`
	Resumed   uint64 `json:"resumed"`
	Slow      uint64 `json:"slow"`
	Overtaken uint64 `json:"overtaken"`
	Events    uint64 `json:"events"`
	Refused   uint64 `json:"refused"` // requests that were answered with 400 or above
}

// quantiles are those of what was sampled since the sample before, in nanoseconds; all 0 when
// nothing was.
type quantiles struct {
	Samples uint64 `json:"n"`
	P50     int64  `json:"p50"`
	P99     int64  `json:"p99"`
}

func quantilesOf(h shard.Histogram) quantiles {
	return quantiles{h.Count(), int64(h.Quantile(0.5)), int64(h.Quantile(0.99))}
}

// overview begins to sample the Manager.
func (h *Handler) overview() sampler {
	limits, before := h.Manager.Config(), h.Manager.Latencies()
	return func() (any, bool) {
		st, now := h.Manager.Stats(), h.Manager.Latencies()
		s := overviewSample{
			Time:   time.Now().UnixMilli(),
			Active: st.Active, Lingering: st.Total - st.Active, Readers: st.Attached,
			Events: st.Events, Bytes: st.Bytes, Memory: st.Memory,
			Created: st.Created, Terminated: st.Terminated, Expired: st.Expired,
			Appended: st.Appended, Duplicates: st.Duplicates, Evicted: st.Evicted,
			Replayed: st.Replayed, Gaps: st.Gaps,
			AppendedBytes: st.AppendedBytes, EvictedBytes: st.EvictedBytes,
			MaxSessions: limits.MaxSessions, MaxBytes: limits.MaxBytes,
			Append: quantilesOf(now.Append.Sub(before.Append)),
			WakeUp: quantilesOf(now.WakeUp.Sub(before.WakeUp)),
		}
		before = now
		s.Unhealthy, s.Problems = h.health()
		s.Served = h.served()
		return s, true
	}
}

// served adds up the Handlers' statistics; nil without any.
func (h *Handler) served() *servedSample {
	if len(h.Handlers) == 0 {
		return nil
	}
	sum := &servedSample{}
	for _, one := range h.Handlers {
		st := one.Stats()
		sum.Streams += st.Streams
		sum.Resumed += st.Resumed
		sum.Slow += st.Slow
		sum.Overtaken += st.Overtaken
		sum.Events += st.Events
		for status, n := range st.Answers {
			if status >= http.StatusBadRequest {
				sum.Refused += n
			}
		}
	}
	return sum
}

// health counts the sessions that are unhealthy, and those with each problem.
func (h *Handler) health() (unhealthy int, problems map[string]int) {
	h.scan.Lock()
	defer h.scan.Unlock()
	c := h.census()
	problems = map[string]int{}
	for i, p := range allProblems {
		problems[p.String()] = c.problems[i]
	}
	return c.unhealthy, problems
}
