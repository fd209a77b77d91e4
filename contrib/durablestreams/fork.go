package durablestreams

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A fork (section 4.2) gets a copy of what it inherits, under the same offsets. The source
// remembers its forks: as long as one of them lives, deleting the source hides it and keeps its URL
// taken.

// wantedFork reads the headers of a PUT that forks.
func (q *request) wantedFork(want *wish) error {
	header := q.r.Header
	want.source = header.Get("Stream-Forked-From")
	want.at, want.sub = header.Get("Stream-Fork-Offset"), header.Get("Stream-Fork-Sub-Offset")
	if want.source == "" {
		if want.at != "" || want.sub != "" {
			return refuse(
				http.StatusBadRequest,
				"Stream-Fork-Offset and Stream-Fork-Sub-Offset need Stream-Forked-From",
			)
		}
		return nil
	}
	if _, ok := header["Stream-Fork-Sub-Offset"]; ok && !isCanonical(want.sub) {
		return refuse(http.StatusBadRequest, "Stream-Fork-Sub-Offset is not a non-negative integer in plain decimal")
	}
	if want.at == fromStart {
		want.at = offset(0).String()
	}
	if _, ok := parseOffset(want.at); !ok && want.at != "" {
		return refuse(http.StatusBadRequest, "malformed Stream-Fork-Offset")
	}
	if want.sub != "" && want.sub != "0" && want.at == "" {
		return refuse(http.StatusBadRequest, "Stream-Fork-Sub-Offset points beyond the end of the source")
	}
	if want.forkedFrom = q.h.sessionID(q.r, want.source); want.forkedFrom == "" {
		return refuse(http.StatusNotFound, "source stream not found")
	}
	return nil
}

// An inheritance is what a fork begins with.
type inheritance struct {
	source found
	events []ring.Event
	tail   offset
}

// inherit finds the source of a fork, fills in what the fork takes from it, and collects the
// messages up to the fork's offset.
func (q *request) inherit(want *wish) (in inheritance, err error) {
	if want.source == "" {
		return in, nil
	}
	f, v, err := q.h.existing(q.r.Context(), want.forkedFrom)
	switch {
	case errors.Is(err, errSoftDeleted):
		return in, refuse(http.StatusConflict, "the source stream was deleted")
	case errors.Is(err, errNotFound), errors.Is(err, shard.ErrNotFound):
		return in, refuse(http.StatusNotFound, "source stream not found")
	case err != nil:
		return in, err
	}
	if want.ownType && mediaType(want.contentType) != mediaType(f.contentType) {
		return in, refuse(http.StatusConflict, "the source has another content type")
	}
	want.contentType = f.contentType
	if !want.ownExpiry {
		want.ttl, want.expiresAt = f.ttl, f.expiresAt
	}
	in.source, in.tail = f, v.tail
	if want.at != "" {
		in.tail, _ = parseOffset(want.at)
	}
	if in.tail > v.tail {
		return in, refuse(http.StatusBadRequest, "Stream-Fork-Offset is beyond the end of the source")
	}
	want.forkOffset, want.forkSub = in.tail.String(), want.sub
	return in, q.collectInherited(&in, want)
}

// collectInherited reads the source from its oldest message up to the fork's offset and sub-offset.
func (q *request) collectInherited(in *inheritance, want *wish) error {
	sub, _ := strconv.ParseInt(orElse(want.sub, "0"), 10, 64)
	if in.source.isJSON() {
		in.tail += offset(sub)
		sub = 0
	}
	r, err := q.h.Store.Open(q.r.Context(), in.source.id, replay.Position{Streams: []string{""}})
	if err != nil {
		return err
	}
	defer r.Close()
	reached := offset(0)
	var e ring.Event
	for (reached < in.tail || sub > 0) && r.Next(&e) {
		n, _ := parseEventID(e.ID)
		if n > in.tail+1 || n > in.tail && sub == 0 {
			return q.gone(n - 1) // what the fork would begin with has been dropped
		}
		if n > in.tail {
			if sub > int64(len(e.Data)) {
				break
			}
			e.Data, sub = e.Data[:sub], 0
			in.tail = n
		}
		in.events = append(in.events, ring.Event{ID: e.ID, Data: e.Data})
		reached = n
	}
	if err := r.Err(); err != nil {
		return err
	}
	if reached < in.tail || sub > 0 {
		return refuse(http.StatusBadRequest, "Stream-Fork-Sub-Offset points beyond the source's next message")
	}
	return nil
}

// trim drops the oldest of what is inherited, as the limits would if it were appended piece by
// piece.
func (in *inheritance) trim(limits ring.Config, first [][]byte) {
	const room = 4 << 10 // for the record
	bytes, count := room, len(first)+2
	for _, m := range first {
		bytes += len(m) + offsetDigits + ring.Overhead
	}
	keep := len(in.events)
	for keep > 0 {
		bytes += in.events[keep-1].Size() + ring.Overhead
		if count++; bytes > limits.MaxBytes || count > limits.MaxEvents {
			break
		}
		keep--
	}
	in.events = in.events[keep:]
}

// register lets the source remember a fork.
func (h *Handler) register(ctx context.Context, source found, f fork) error {
	return h.note(ctx, source, record{Forks: []fork{f}})
}

// note appends a record that goes with any other.
func (h *Handler) note(ctx context.Context, f found, r record) error {
	if err := f.take(ctx); err != nil {
		return err
	}
	defer f.give()
	if err := f.catchUp(ctx, h.Store, f.newest); err != nil {
		return err
	}
	r.Tail = f.tail
	return f.store(ctx, h.Store, []ring.Event{r.event()})
}

// hasForks reports whether a fork of the stream is alive.
func (h *Handler) hasForks(ctx context.Context, f found) (bool, error) {
	if err := f.take(ctx); err != nil {
		return false, err
	}
	forks := make([]fork, 0, len(f.forks))
	for x := range f.forks {
		forks = append(forks, x)
	}
	f.give()
	for _, x := range forks {
		child, err := h.find(ctx, x.Session)
		switch {
		case err == nil && child.incarnation == x.Incarnation:
			return true, nil
		case err != nil && !errors.Is(err, errNotFound) && !errors.Is(err, shard.ErrNotFound):
			return false, err
		}
	}
	return false, nil
}

// delete serves DELETE (section 5.4).
func (q *request) delete() error {
	f, _, err := q.existing()
	if err != nil {
		return err
	}
	ctx := q.r.Context()
	lives, err := q.h.hasForks(ctx, f)
	if err != nil {
		return err
	}
	if lives {
		err = q.h.note(ctx, f, record{Deleted: true})
	} else {
		err = q.h.remove(ctx, f)
	}
	if err != nil {
		return err
	}
	q.w.Header().Set("Cache-Control", "no-store")
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// remove ends a stream, and every deleted stream above it that has lost its last fork.
func (h *Handler) remove(ctx context.Context, f found) error {
	h.streams.forget(f.id, f.incarnation)
	if err := h.Store.Terminate(ctx, f.id); err != nil {
		return err
	}
	if f.forkedFrom == "" {
		return nil
	}
	// existing removes a deleted stream without forks; anything else is as it should be.
	_, _, err := h.existing(ctx, f.forkedFrom)
	if errors.Is(err, errNotFound) || errors.Is(err, errSoftDeleted) || errors.Is(err, shard.ErrNotFound) {
		return nil
	}
	return err
}
