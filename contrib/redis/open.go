package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// batchEvents is how many events a reader asks for at a time; it is fewer when they are large, so that a batch is about 1 MiB at most.
const batchEvents = "256"

// Open implements replay.Store. It finds the position, attaches the reader and brings the first events in one round trip; finding an event by
// its ID takes a look-up in a hash and one in the stream's radix tree, however many are retained.
//
// Next of the Reader may take a round trip; it asks for up to 256 events at a time. Wait costs one whenever there is news of the session.
// A reader whose process gives no sign of life loses its hold on the session a Lease later. While Redis is away a reader waits; when it asked
// in vain for Config.Timeout, Next ends it with [ErrUnavailable] and Wait returns that.
func (s *Store) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	if !validID(id) {
		return nil, refusal(1, id)
	}
	r := &reader{store: s, id: id, keys: s.buckets.keys(id), name: s.hub.nextName(), wake: make(chan struct{}, 1)}
	if err := s.hub.add(r); err != nil { // before the look at the stream, so that what comes after it is heard of
		return nil, err
	}
	if err := r.begin(ctx, at); err != nil {
		s.hub.remove(r)
		return nil, err
	}
	return r, nil
}

// begin attaches the reader and takes its first events.
func (r *reader) begin(ctx context.Context, at replay.Position) error {
	live := "0"
	if at.Live {
		live = "1"
	}
	args := []string{r.store.limits, r.name, strconv.Itoa(max(0, r.store.cfg.MaxAttached)), at.LastEventID, live, batchEvents}
	list, err := r.store.list(ctx, r.store.scripts.open, r.id, r.keys, args)
	if err != nil {
		return err
	}
	if len(list) < 5 {
		return fmt.Errorf("%w: unexpected answer of %d parts", ErrUnavailable, len(list))
	}
	end := len(list) - 3
	tag, entry, h := text(list[end]), text(list[end+1]), text(list[end+2])
	r.store.hub.identify(r, tag)
	r.see(at, h)
	r.move(entry)
	return r.take(list[:end])
}

// see sets which streams the reader sees. h is the header of the event that it begins after, if it does.
func (r *reader) see(at replay.Position, h string) {
	switch {
	case at.All:
	case len(at.Streams) > 0:
		r.streams = slices.Compact(slices.Sorted(slices.Values(at.Streams)))
	case at.LastEventID != "":
		var e ring.Event
		decode(&e, "", 0, h)
		r.streams = []string{e.Stream}
	}
}

// take fills the buffer from {status, newest sequence, entry, record, …}.
func (r *reader) take(list []rueidis.RedisMessage) error {
	status, newest := number(list[0]), uint64(number(list[1]))
	r.buf, r.next = r.buf[:0], 0
	for list = list[2:]; len(list) >= 2; list = list[2:] {
		var e ring.Event
		entry := text(list[0])
		if !decode(&e, r.tag, seqOf(entry), text(list[1])) {
			return fmt.Errorf("%w: an entry is not one of this package", ErrUnavailable)
		}
		r.move(entry)
		if len(r.streams) > 0 && !r.sees(e.Stream) {
			continue
		}
		r.buf = append(r.buf, e)
	}
	r.atHead = r.seq >= newest
	if r.atHead {
		r.pause = len(r.buf) > 0
		switch {
		case status == 1:
			r.end = refusal(2, r.id)
		case status > 1:
			r.end = refusal(1, r.id)
		}
	}
	return nil
}

func (r *reader) move(entry string) {
	r.entry, r.seq = entry, seqOf(entry)
	r.read.Store(r.seq)
}

func (r *reader) sees(stream string) bool {
	_, found := slices.BinarySearch(r.streams, stream)
	return found
}
