package inspector

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// How much a session's page shows.
const (
	shownReaders = 50
	shownStreams = 50
	shownEvents  = 50
	shownPayload = 200 // bytes
)

// sessionSample is one second of a session.
type sessionSample struct {
	Time     int64   `json:"t"` // Unix milliseconds
	Appended uint64  `json:"appended"`
	Evicted  uint64  `json:"evicted"`
	Readers  int     `json:"readers"`
	Lag      uint64  `json:"lag"`
	Danger   float64 `json:"danger"`
	Fill     float64 `json:"fill"`
}

func sampleSession(s *shard.Session) sampler {
	return func() (any, bool) {
		h := s.Health()
		sample := sessionSample{
			time.Now().UnixMilli(), h.Log.Last, h.Log.Evicted, h.Attached, h.Lag, h.Danger, h.Fill,
		}
		select {
		case <-s.Done():
			return sample, false
		default:
			return sample, true
		}
	}
}

// shownSession is a session's page. Durations are seconds.
type shownSession struct {
	ID        string `json:"id"`
	Principal string `json:"principal"`
	Transport string `json:"transport"`
	Status    string `json:"status"`
	Created   int64  `json:"created"` // Unix milliseconds
	Asked     int64  `json:"asked"`   // the same; now

	Problems     []string `json:"problems"`
	Events       int      `json:"events"`
	MaxEvents    int      `json:"maxEvents"`
	Bytes        int64    `json:"bytes"`
	MaxBytes     int      `json:"maxBytes"`
	First        uint64   `json:"first"`
	Last         uint64   `json:"last"`
	Evicted      uint64   `json:"evicted"`
	Fill         float64  `json:"fill"`
	Window       float64  `json:"window"`
	Rate         float64  `json:"rate"`
	EvictionRate float64  `json:"evictionRate"`
	Lag          uint64   `json:"lag"`
	Danger       float64  `json:"danger"`
	Idle         float64  `json:"idle"`
	ExpiresIn    float64  `json:"expiresIn"` // negative: it does not
	Unfollowed   float64  `json:"unfollowed"`
	Waiting      uint64   `json:"waiting"`
	Attached     int      `json:"attached"` // readers, of which Readers are some

	Readers  []shownReader `json:"readers"`  // those in most danger
	Streams  []shownStream `json:"streams"`  // those with the newest events
	Recent   []shownEvent  `json:"recent"`   // newest first
	Payloads bool          `json:"payloads"` // Recent has them
}

type shownReader struct {
	Since  int64   `json:"since"` // Unix milliseconds
	Known  bool    `json:"known"`
	Read   uint64  `json:"read"`
	Lag    uint64  `json:"lag"`
	Danger float64 `json:"danger"`
}

type shownStream struct {
	Name   string `json:"name"`
	Events int    `json:"events"`
	Bytes  int    `json:"bytes"`
	Last   uint64 `json:"last"`
}

type shownEvent struct {
	Seq    uint64 `json:"seq"`
	ID     string `json:"id"`
	Stream string `json:"stream"`
	Type   string `json:"type"`
	Size   int    `json:"size"`
	Time   int64  `json:"time"` // Unix milliseconds
	Data   string `json:"data,omitempty"`
}

func (h *Handler) serveSession(w http.ResponseWriter, r *http.Request) error {
	id, err := h.asked(r)
	if err != nil {
		return err
	}
	s, err := h.Manager.Get(id)
	if err != nil {
		return h.serveEnded(w, id)
	}
	return writeJSON(w, h.page(s))
}

// page reads one log at a time: a large one takes a while.
func (h *Handler) page(s *shard.Session) shownSession {
	h.scan.Lock()
	defer h.scan.Unlock()
	page := describe(s)
	page.Payloads = h.ShowPayloads
	page.Streams, page.Recent = h.readLog(s)
	return page
}

// serveEnded serves a session that lingers.
func (h *Handler) serveEnded(w http.ResponseWriter, id string) error {
	i, err := h.Manager.Info(id)
	if err != nil {
		return err
	}
	return writeJSON(w, shownSession{
		ID: abbreviated(id), Principal: i.Principal, Transport: i.Transport,
		Status: i.Status.String(), Created: i.Created.UnixMilli(), Asked: time.Now().UnixMilli(),
		Attached: i.Attached, ExpiresIn: -1, Problems: []string{},
		Readers: []shownReader{}, Streams: []shownStream{}, Recent: []shownEvent{},
	})
}

func describe(s *shard.Session) shownSession {
	h, i, limits := s.Health(), s.Summary(), s.Limits()
	page := shownSession{
		ID: abbreviated(i.ID), Principal: i.Principal, Transport: i.Transport,
		Status: h.Status.String(), Created: i.Created.UnixMilli(), Asked: time.Now().UnixMilli(),
		Problems: problemNames(h.Problems),
		Events:   h.Log.Events, MaxEvents: limits.MaxEvents,
		Bytes: h.Log.Bytes, MaxBytes: limits.MaxBytes,
		First: h.Log.First, Last: h.Log.Last, Evicted: h.Log.Evicted,
		Fill: h.Fill, Window: h.Window.Seconds(), Rate: rateOf(h), EvictionRate: h.EvictionRate,
		Lag: h.Lag, Danger: h.Danger, Idle: h.Idle.Seconds(), ExpiresIn: expiresIn(h),
		Unfollowed: h.Unattached.Seconds(), Waiting: h.Waiting,
		Attached: h.Attached, Readers: []shownReader{},
	}
	readers := s.Readers()
	slices.SortFunc(readers, func(a, b shard.ReaderInfo) int {
		return cmp.Or(-cmp.Compare(a.Danger, b.Danger), -cmp.Compare(a.Lag, b.Lag),
			a.Since.Compare(b.Since))
	})
	for _, f := range readers[:min(shownReaders, len(readers))] {
		page.Readers = append(page.Readers,
			shownReader{f.Since.UnixMilli(), f.Known, f.Read, f.Lag, f.Danger})
	}
	return page
}

// readLog goes through what is retained, from the oldest on.
func (h *Handler) readLog(s *shard.Session) ([]shownStream, []shownEvent) {
	streams := map[string]*shownStream{}
	var newest newestEvents
	cur, err := s.Seek("")
	if err != nil {
		return []shownStream{}, []shownEvent{}
	}
	tail := s.Tail()
	var e ring.Event
	for cur.Seq() < tail.Seq() && cur.Next(&e) {
		st := streams[e.Stream]
		if st == nil && len(streams) < maxStreams {
			st = &shownStream{Name: strings.Clone(e.Stream)}
			streams[st.Name] = st
		}
		if st != nil {
			st.Events, st.Bytes, st.Last = st.Events+1, st.Bytes+e.Size(), e.Seq
		}
		newest.add(e)
	}
	return newestStreams(streams), h.headers(&newest)
}

// newestEvents keeps the last few of many events.
type newestEvents struct {
	events [shownEvents]ring.Event
	n      int // ever added
}

func (k *newestEvents) add(e ring.Event) {
	k.events[k.n%len(k.events)] = e
	k.n++
}

// maxStreams bounds the names that are counted; events of others are not.
const maxStreams = 10_000

func newestStreams(all map[string]*shownStream) []shownStream {
	shown := []shownStream{}
	for _, st := range all {
		shown = append(shown, *st)
	}
	slices.SortFunc(shown, func(a, b shownStream) int { return -cmp.Compare(a.Last, b.Last) })
	return shown[:min(shownStreams, len(shown))]
}

// headers describes events, newest first.
func (h *Handler) headers(newest *newestEvents) []shownEvent {
	shown := []shownEvent{}
	for i := newest.n - 1; i >= max(0, newest.n-shownEvents); i-- {
		e := &newest.events[i%shownEvents]
		one := shownEvent{
			Seq: e.Seq, ID: e.ID, Stream: e.Stream, Type: e.Type,
			Size: len(e.Data), Time: e.Time.UnixMilli(),
		}
		if h.ShowPayloads {
			one.Data = string(e.Data[:min(shownPayload, len(e.Data))])
		}
		shown = append(shown, one)
	}
	return shown
}

// expiresIn returns the seconds after which the session ends, or -1 if it does not.
func expiresIn(h shard.Health) float64 {
	if !h.Expires {
		return -1
	}
	return h.ExpiresIn.Seconds()
}
