package durablestreams

import (
	"errors"
	"net/http"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// create serves PUT (section 5.1).
func (q *request) create() error {
	want, err := q.wanted()
	if err != nil {
		return err
	}
	body, err := q.readBody()
	if err != nil {
		return err
	}
	for {
		f, err := q.h.find(q.r.Context(), q.id)
		switch {
		case err == nil && f.isReady():
			return q.confirm(want)
		case err == nil: // its maker has been held up: either of the two stores the first content
			err = q.begin(f, want, body)
		case errors.Is(err, shard.ErrNotFound), errors.Is(err, errNotFound):
			err = q.make(want, body)
		}
		if !errors.Is(err, errAgain) {
			return err
		}
		if err := q.r.Context().Err(); err != nil {
			return err
		}
	}
}

// errAgain means that somebody else was faster.
var errAgain = errors.New("durablestreams: look again")

// A wish is what a PUT asks for.
type wish struct {
	config
	closed    bool
	ownType   bool   // Content-Type was sent
	ownExpiry bool   // Stream-TTL or Stream-Expires-At was sent
	source    string // path of the stream to fork; "" for none
	at        string // Stream-Fork-Offset
	sub       string // Stream-Fork-Sub-Offset
}

// wanted reads the headers of a PUT.
func (q *request) wanted() (want wish, err error) {
	header := q.r.Header
	want.closed = isTrue(header, "Stream-Closed")
	want.contentType, want.ownType = "application/octet-stream", header.Get("Content-Type") != ""
	if want.ownType {
		want.contentType = header.Get("Content-Type")
		if err := checkContentType(want.contentType); err != nil {
			return want, refuse(http.StatusBadRequest, err.Error())
		}
	}
	if want.ttl, want.expiresAt, err = lifetimeHeaders(header); err != nil {
		return want, err
	}
	want.ownExpiry = want.ttl != "" || want.expiresAt != ""
	return want, q.wantedFork(&want)
}

// confirm answers a PUT for a stream that exists: 200 if it is what the request asks for, else 409.
func (q *request) confirm(want wish) error {
	f, v, err := q.existing()
	switch {
	case errors.Is(err, errSoftDeleted):
		return refuse(http.StatusConflict, "the URL belongs to a deleted stream that has forks")
	case errors.Is(err, errNotFound), errors.Is(err, shard.ErrNotFound):
		return errAgain
	case err != nil:
		return err
	}
	if !want.isMetBy(f.config) || v.closed != want.closed {
		return refuse(http.StatusConflict, "the stream exists with another configuration")
	}
	q.describe(f, v)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// isMetBy reports whether a stream with that config is what the request asks for. A fork takes from
// its source what the request does not name.
func (want wish) isMetBy(c config) bool {
	if want.source == "" {
		return c.matches(want.config)
	}
	return c.forkedFrom == want.forkedFrom && (want.at == "" || c.forkOffset == want.at) &&
		orElse(c.forkSub, "0") == orElse(want.sub, "0") &&
		(!want.ownType || mediaType(c.contentType) == mediaType(want.contentType)) &&
		(!want.ownExpiry || c.ttl == want.ttl && sameTime(c.expiresAt, want.expiresAt))
}

// make creates the stream, and then its first content.
func (q *request) make(want wish, body []byte) error {
	inherited, err := q.inherit(&want)
	if err != nil {
		return err
	}
	first, err := want.messages(nil, body, q.limits.MaxEventBytes)
	if err != nil {
		return err
	}
	want.incarnation = newIncarnation()
	want.marked = len(first) > 0 || want.closed || want.source != ""
	now := time.Now()
	if want.isOver(now) {
		want.expiresAt = now.Add(time.Millisecond).UTC().Format(time.RFC3339Nano)
	}
	_, err = replay.CreateWith(q.r.Context(), q.h.Store, shard.Options{
		ID: q.id, Metadata: want.metadata(q.principal), TTL: want.lifetime(now, q.h.TTL), Ring: q.limits,
	})
	if errors.Is(err, shard.ErrExists) {
		if _, err := q.h.find(q.r.Context(), q.id); err == nil {
			return errAgain
		}
		return refuse(http.StatusConflict, "the URL belongs to a stream that was deleted a moment ago")
	}
	if err != nil {
		return err
	}
	f := found{stream: q.h.streams.get(q.id, want.config), config: want.config}
	if want.marked {
		return q.fillNew(f, want, inherited, first)
	}
	return q.created(f)
}

// begin stores the first content of a stream that another request has created and not yet filled.
func (q *request) begin(f found, want wish, body []byte) error {
	inherited, err := q.inherit(&want)
	if err != nil {
		return err
	}
	if !want.isMetBy(f.config) {
		return refuse(http.StatusConflict, "the stream exists with another configuration")
	}
	first, err := want.messages(nil, body, q.limits.MaxEventBytes)
	if err != nil {
		return err
	}
	return q.fillNew(f, want, inherited, first)
}

func (q *request) fillNew(f found, want wish, in inheritance, first [][]byte) error {
	if want.source != "" {
		if err := q.h.register(q.r.Context(), in.source, fork{q.id, f.incarnation}); err != nil {
			return err
		}
	}
	in.trim(q.limits, first)
	events := in.events
	events = batch(events, in.tail, first, &record{Closed: want.closed})
	if err := f.take(q.r.Context()); err != nil {
		return err
	}
	defer f.give()
	err := f.store(q.r.Context(), q.h.Store, events)
	if errors.Is(err, ring.ErrDuplicateID) {
		return errAgain
	}
	if errors.Is(err, ring.ErrEventTooLarge) {
		q.h.Store.Terminate(q.r.Context(), q.id)
	}
	if err != nil {
		return err
	}
	return q.created(f)
}

func (q *request) created(f found) error {
	q.describe(f, f.view.Load())
	scheme := "http"
	if q.r.TLS != nil {
		scheme = "https"
	}
	q.w.Header().Set("Location", scheme+"://"+q.r.Host+q.r.URL.EscapedPath())
	q.w.WriteHeader(http.StatusCreated)
	return nil
}
