package inspector

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A feed is what a page follows: a session of the Handler's own Manager. A goroutine appends a
// sample to it each second while anybody watches, and for a while after that. Whoever comes gets
// the past minutes first; a page whose connection breaks misses nothing.
const (
	feedPeriod = time.Second
	feedRetry  = time.Second
	overviewID = "overview"
)

// How long a feed goes on unwatched. That of the overview lets a page be reloaded without losing
// its past.
const (
	overviewLinger = 5 * time.Minute
	sessionLinger  = 15 * time.Second
)

var feedConfig = shard.Config{
	Shards:      1,
	MaxSessions: 64,
	MaxAttached: 64,
	TTL:         -1,
	Linger:      -1,
	Ring:        ring.Config{MaxEvents: 300, MaxBytes: 1 << 20},
}

// feedID is the feed that a request for live is about.
func feedID(r *http.Request) string {
	handle := r.URL.Query().Get("s")
	if handle == "" {
		return overviewID
	}
	sum := sha256.Sum256([]byte(handle))
	return hex.EncodeToString(sum[:])
}

// A sampler returns the next sample, and whether there will be more.
type sampler func() (sample any, more bool)

func (h *Handler) serveLive(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", "GET")
		return refuse(http.StatusMethodNotAllowed, "method not allowed")
	}
	linger, begin := overviewLinger, h.overview
	if r.URL.Query().Get("s") != "" {
		id, err := h.asked(r)
		if err != nil {
			return err
		}
		s, err := h.Manager.Get(id)
		if err != nil {
			return err
		}
		linger, begin = sessionLinger, func() sampler { return sampleSession(s) }
	}
	if err := h.feed(feedID(r), linger, begin); err != nil {
		return err
	}
	h.live.ServeHTTP(w, r)
	return nil
}

// feed begins a feed, unless it is running.
func (h *Handler) feed(id string, linger time.Duration, begin func() sampler) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	s, err := h.own.CreateWithID(id, shard.Metadata{})
	switch {
	case errors.Is(err, shard.ErrExists):
		return nil
	case errors.Is(err, shard.ErrSessionLimit):
		return refuse(http.StatusServiceUnavailable, "too many sessions are being watched")
	case err != nil:
		return err
	}
	h.running.Go(func() { run(s, linger, begin()) })
	return nil
}

// run appends samples until there are no more, nobody has watched for linger, or the Inspector is
// closed.
func run(s *shard.Session, linger time.Duration, sample sampler) {
	tick := time.NewTicker(feedPeriod)
	defer tick.Stop()
	for unwatched := time.Duration(0); unwatched < linger; {
		value, more := sample()
		event := ring.Event{Type: "sample"}
		if !more {
			event.Type = "end"
		}
		event.Data, _ = json.Marshal(value) // numbers and strings
		if _, err := s.Append(event); err != nil {
			return
		}
		if !more {
			s.Finish()
			return
		}
		select {
		case <-tick.C:
		case <-s.Done():
			return
		}
		unwatched += feedPeriod
		if s.Summary().Attached > 0 {
			unwatched = 0
		}
	}
	s.Terminate()
}
