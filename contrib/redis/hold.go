package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Acquire implements replay.Leaser. Lease times are the server's.
func (s *Store) Acquire(ctx context.Context, id string, l replay.Lease) (replay.Writer, error) {
	if err := checkLease(l); err != nil {
		return nil, err
	}
	if !validID(id) {
		return nil, refusal(codeNotFound, id)
	}
	list, err := s.list(ctx, s.scripts.hold, id, []string{s.head, "acquire", l.Holder, milliseconds(l.Term), l.Note})
	if err != nil {
		return nil, err
	}
	return s.writerOf(id, l, list)
}

// writerOf returns the Writer that an answer of hold.lua is about.
func (s *Store) writerOf(id string, l replay.Lease, list []rueidis.RedisMessage) (replay.Writer, error) {
	if len(list) < 13 {
		return nil, unexpected(len(list))
	}
	md, err := decodeMetadata(text(list[9]))
	if err != nil {
		return nil, err
	}
	md.Principal = text(list[10])
	held := replay.Held{
		Incarnation: text(list[0]), Token: uint64(number(list[1])), Note: text(list[2]),
		Options: shard.Options{ID: id, Metadata: md}, First: uint64(number(list[11])), Last: uint64(number(list[12])),
	}
	if held.First > held.Last {
		held.First = 0
	}
	for _, key := range list[13:] {
		held.Claims = append(held.Claims, text(key))
	}
	if ttl := time.Duration(number(list[3])) * time.Millisecond; ttl == never.Truncate(time.Millisecond) {
		held.Options.TTL = -1
	} else {
		held.Options.TTL = ttl
	}
	if held.Options.TTL == s.cfg.TTL.Truncate(time.Millisecond) || held.Options.TTL < 0 && s.cfg.TTL == never {
		held.Options.TTL = 0
	}
	for i, limit := range []struct {
		of  *int
		all int
	}{
		{&held.Options.Ring.MaxEvents, s.cfg.Ring.MaxEvents}, {&held.Options.Ring.MaxBytes, s.cfg.Ring.MaxBytes},
		{&held.Options.Ring.MaxEventBytes, s.cfg.Ring.MaxEventBytes},
		{&held.Options.Ring.MaxIDBytes, s.cfg.Ring.MaxIDBytes},
	} {
		if n := int(number(list[4+i])); n != limit.all {
			*limit.of = n
		}
	}
	held.Options.Ring.StrictIDs = number(list[8]) != 0 && !s.cfg.Ring.StrictIDs
	return newWriter(s, held, l), nil
}

// CreateHeld implements replay.Leaser.
func (s *Store) CreateHeld(ctx context.Context, o shard.Options, l replay.Lease) (replay.Writer, error) {
	if err := checkLease(l); err != nil {
		return nil, err
	}
	b, err := s.birth(o)
	if err != nil {
		return nil, err
	}
	b.hold = append([]string{l.Holder, milliseconds(l.Term), l.Note}, l.Claims...)
	if err := s.create(ctx, b); err != nil {
		return nil, err
	}
	o.ID = b.o.ID
	md, err := decodeMetadata(b.metadata) // a copy
	if err != nil {
		return nil, err
	}
	md.Principal = o.Principal
	o.Metadata = md
	return newWriter(s, replay.Held{Incarnation: b.tag, Token: 1, Note: l.Note, Options: o, Claims: l.Claims}, l), nil
}

func checkLease(l replay.Lease) error {
	switch {
	case len(l.Holder) < 1 || len(l.Holder) > 128:
		return fmt.Errorf("redis: Lease.Holder is %.128q, want 1 to 128 bytes", l.Holder)
	case l.Term < 100*time.Millisecond || l.Term > time.Hour:
		return fmt.Errorf("redis: Lease.Term is %v, want 100ms to 1h", l.Term)
	case len(l.Note) > 256:
		return fmt.Errorf("redis: Lease.Note has %d bytes, at most 256", len(l.Note))
	}
	for _, key := range l.Claims {
		if !isClaimKey(key) {
			return fmt.Errorf("redis: Lease.Claims: %w: %.64q", shard.ErrInvalidClaim, key)
		}
	}
	return nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// A writer is a replay.Writer. It never changes.
type writer struct {
	store *Store
	held  replay.Held
	id    string
	fence string // as the scripts want it
	term  string
}

func newWriter(s *Store, held replay.Held, l replay.Lease) *writer {
	fence := held.Incarnation + strconv.FormatUint(held.Token, 10)
	return &writer{store: s, held: held, id: held.Options.ID, fence: fence, term: milliseconds(l.Term)}
}

func (w *writer) Held() replay.Held { return w.held }

func (w *writer) Append(ctx context.Context, es []ring.Event) error {
	for i, e := range es {
		if e.Seq == 0 || e.Seq != es[0].Seq+uint64(i) || e.ID == "" || e.Time.IsZero() {
			return fmt.Errorf(
				"%w: event %d of %d has sequence %d, ID %q, time %v: want sequences from %d on, an ID and a time",
				ring.ErrInvalidEvent, i, len(es), e.Seq, e.ID, e.Time, es[0].Seq,
			)
		}
	}
	if len(es) == 0 {
		return nil
	}
	first := es[0].Seq
	_, err := w.store.store(ctx, w.id, append([]ring.Event(nil), es...), w.fence, strconv.FormatUint(first, 10))
	return w.missing(err, first)
}

func (w *writer) Restart(ctx context.Context, next uint64) error {
	if next == 0 || next > 1<<40 {
		return fmt.Errorf("redis: Restart at sequence %d, want 1 to 2^40", next)
	}
	return w.missing(w.do(ctx, "restart", strconv.FormatUint(next, 10)), next)
}

// missing tells a MissingError what was to be stored.
func (w *writer) missing(err error, next uint64) error {
	if m, ok := err.(*replay.MissingError); ok {
		m.Next = next
	}
	return err
}

func (w *writer) Update(ctx context.Context, change func(*shard.Metadata)) error {
	return w.store.update(ctx, w.id, change, w.fence)
}

func (w *writer) Finish(ctx context.Context) error { return w.end(ctx, shard.Finished) }

func (w *writer) Terminate(ctx context.Context) error { return w.end(ctx, shard.Terminated) }

// end sees to the places of a session that has ended already, too: an earlier attempt may have
// ended it and then failed to give them up, and until the session would have expired nobody looks.
func (w *writer) end(ctx context.Context, to shard.Status) error {
	err := w.store.end(ctx, w.id, to, w.fence)
	if errors.Is(err, shard.ErrNotFound) {
		if failed := w.store.release(ctx, w.held.Incarnation+w.id, w.held.Options.Principal, true); failed != nil {
			return failed
		}
	}
	return err
}

func (w *writer) Renew(ctx context.Context) error { return w.do(ctx, "renew", w.term) }

func (w *writer) Release(ctx context.Context) error { return w.do(ctx, "release") }

func (w *writer) do(ctx context.Context, act string, args ...string) error {
	return w.store.do(ctx, w.store.scripts.hold, w.id, append([]string{w.store.head, act, w.fence}, args...))
}
