package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// batchEvents is how many events a reader asks for at a time; it is fewer when they are large, so
// that a batch is about 1 MiB at most.
const batchEvents = "256"

// Open implements replay.Store. It finds the position, attaches the reader and brings the first
// events in one round trip; finding an event by its ID takes a look-up in a hash and one in the
// stream's radix tree, however many are retained. When it ends without an answer, the reader is
// detached in the background, also if the server attaches it only later.
//
// Next of the Reader may take a round trip; it asks for up to 256 events at a time. Wait costs one
// whenever there is news of the session. A reader whose process gives no sign of life loses its
// hold on the session a Lease later; if it comes back when Config.MaxAttached others are there, it
// ends with shard.ErrAttachLimit. While Redis is away a reader waits; when it asked in vain for
// Config.Timeout, Next ends it with [ErrUnavailable] and Wait returns that.
//
// When the server has dropped events that should be retained, one reader that is opened at the
// start is told so, by [ErrLost] from Open. Those that come later get what there is.
func (s *Store) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	if !validID(id) {
		return nil, refusal(codeNotFound, id)
	}
	r := &reader{store: s, id: id, name: s.hub.nextName(), wake: make(chan struct{}, 1)}
	if err := s.hub.add(r); err != nil { // before the look at the stream, so that what comes after it is heard of
		return nil, err
	}
	if err := r.begin(ctx, at); err != nil {
		s.hub.remove(r)
		if uncertain(err) {
			s.hub.spawn(r.abandon)
		}
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
	args := []string{
		r.store.head, r.name, strconv.Itoa(max(0, r.store.cfg.MaxAttached)), at.LastEventID, live, batchEvents,
	}
	list, err := r.store.list(ctx, r.store.scripts.open, r.id, args)
	if err != nil {
		return err
	}
	if len(list) < 6 {
		return unexpected(len(list))
	}
	end := len(list) - 4
	tag, entry, h := text(list[end]), text(list[end+1]), text(list[end+2])
	r.store.hinted(r.id, number(list[end+3]))
	r.store.hub.identify(r, tag)
	r.see(at, h)
	r.move(entry)
	r.place = entry
	return r.take(list[:end])
}

// remember is for how long a session remembers a reader that must not come any more.
const remember = time.Minute

// abandon detaches a reader whose Open has ended without an answer. It tries until the lease must
// have run out by itself.
func (r *reader) abandon(ctx context.Context) {
	s := r.store
	ctx, cancel := context.WithTimeout(ctx, max(s.cfg.Lease, s.cfg.Timeout))
	defer cancel()
	for ctx.Err() == nil {
		args := []string{s.head, "", r.name, milliseconds(remember)}
		if _, err := s.attempt(ctx, s.scripts.detach, s.buckets.keys(r.id), args, nil); !uncertain(err) {
			return
		}
	}
}

// see sets which streams the reader sees. h is the header of the event that it begins after, if it
// does.
func (r *reader) see(at replay.Position, h string) {
	switch {
	case at.All:
	case len(at.Streams) > 0:
		r.streams = slices.Compact(slices.Sorted(slices.Values(at.Streams)))
	case at.LastEventID != "" && h != "": // else it is a place
		var e ring.Event
		decode(&e, "", 0, h)
		r.streams = []string{e.Stream}
	}
}

// take fills the buffer from {status, newest sequence, entry, record, …}.
func (r *reader) take(list []rueidis.RedisMessage) error {
	status, newest := number(list[0]), uint64(number(list[1]))
	r.buf, r.next = r.buf[:0], 0
	before := r.seq
	for list = list[2:]; len(list) >= 2; list = list[2:] {
		b := buffered{entry: text(list[0])}
		if !decode(&b.event, r.tag, seqOf(b.entry), text(list[1])) {
			return fmt.Errorf("%w: an entry is not one of this package", ErrUnavailable)
		}
		r.move(b.entry)
		if len(r.streams) > 0 && !r.sees(b.event.Stream) {
			continue
		}
		r.buf = append(r.buf, b)
	}
	r.atHead = r.seq >= newest
	if !r.atHead && r.seq == before { // nothing would ever change that
		return refusal(codeLost, r.id)
	}
	if r.atHead {
		r.pause = len(r.buf) > 0
		switch {
		case status == 1:
			r.end = refusal(codeFinished, r.id)
		case status > 1:
			r.end = refusal(codeNotFound, r.id)
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
