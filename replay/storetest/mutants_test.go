package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A mutant is a mistake, and the case that finds it. Its functions stand in for the methods of the
// sound Store next.
type mutant struct {
	name, found string

	config    func(*Config)
	create    func(ctx context.Context, next replay.Store, id string, md shard.Metadata) (string, error)
	info      func(shard.Info, error) (shard.Info, error)
	update    func(error) error
	terminate func(ctx context.Context, next replay.Store, id string) error
	append    func(ctx context.Context, next replay.Store, id string, e ring.Event) (ring.Event, error)
	open      func(ctx context.Context, next replay.Store, id string, at replay.Position) (replay.Reader, error)
}

// broken is a Store with a mistake.
type broken struct {
	sound finisher
	mutant
}

func (b *broken) Create(ctx context.Context, id string, md shard.Metadata) (string, error) {
	if b.create != nil {
		return b.create(ctx, b.sound, id, md)
	}
	return b.sound.Create(ctx, id, md)
}

func (b *broken) Info(ctx context.Context, id string) (shard.Info, error) {
	info, err := b.sound.Info(ctx, id)
	if b.info != nil {
		return b.info(info, err)
	}
	return info, err
}

func (b *broken) Update(ctx context.Context, id string, change func(*shard.Metadata)) error {
	err := b.sound.Update(ctx, id, change)
	if b.update != nil {
		return b.update(err)
	}
	return err
}

func (b *broken) Touch(ctx context.Context, id string) error { return b.sound.Touch(ctx, id) }

func (b *broken) Terminate(ctx context.Context, id string) error {
	if b.terminate != nil {
		return b.terminate(ctx, b.sound, id)
	}
	return b.sound.Terminate(ctx, id)
}

func (b *broken) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	if b.append != nil {
		return b.append(ctx, b.sound, id, e)
	}
	return b.sound.Append(ctx, id, e)
}

func (b *broken) Open(ctx context.Context, id string, at replay.Position) (replay.Reader, error) {
	if b.open != nil {
		return b.open(ctx, b.sound, id, at)
	}
	return b.sound.Open(ctx, id, at)
}

var mutants = []mutant{
	{
		name:  "folds session IDs",
		found: "takes any session ID of 1 to 128 visible characters and keeps such sessions apart",
		create: func(ctx context.Context, next replay.Store, id string, md shard.Metadata) (string, error) {
			return next.Create(ctx, strings.ToLower(id), md)
		},
	},
	{name: "keeps one session too many", found: "holds no more than MaxSessions",
		config: func(c *Config) { c.MaxSessions++ }},
	{name: "keeps one event too many", found: "evicts the oldest events above MaxEvents",
		config: func(c *Config) { c.Ring.MaxEvents++ }},
	{name: "counts bytes without the overhead", found: "charges empty events for their overhead",
		config: func(c *Config) { c.Ring.MaxBytes *= 2 }},
	{name: "takes events one byte too large", found: "refuses an event above a limit and takes one at the limit",
		config: func(c *Config) { c.Ring.MaxEventBytes++ }},
	{name: "expires sessions early", found: "expires a session a TTL after its last activity, and no earlier",
		config: func(c *Config) { c.TTL -= c.TTL / 100 }},
	{name: "expires sessions late", found: "expires a session a TTL after its last activity, and no earlier",
		config: func(c *Config) { c.TTL += c.TTL / 100 }},
	{name: "expires sessions late after their last reader", found: "keeps a session with an open reader",
		config: func(c *Config) { c.TTL += c.TTL / 100 }},
	{name: "gives the places of expired sessions back late", found: "counts no expired session against MaxSessions",
		config: func(c *Config) { c.TTL += c.TTL / 10 }},
	{name: "lingers too long", found: "describes an ended session for Linger and keeps its ID that long",
		config: func(c *Config) { c.Linger += c.Linger / 100 }},
	{name: "keeps finished sessions too long", found: "keeps a finished session readable for Linger",
		config: func(c *Config) { c.Linger += c.Linger / 100 }},
	{name: "does not linger", found: "describes an ended session for Linger and keeps its ID that long",
		config: func(c *Config) { c.Linger = -1 }},
	{name: "does not count readers", found: "counts a reader as attached until it is closed",
		info: func(i shard.Info, err error) (shard.Info, error) { i.Attached = 0; return i, err }},
	{name: "shows the log of an ended session", found: "terminates a session for good, as often as it is asked to",
		info: func(i shard.Info, err error) (shard.Info, error) { i.Log.Last++; return i, err }},
	{name: "hides that the principal was not changed", found: "updates metadata but never the principal",
		update: func(err error) error {
			if errors.Is(err, shard.ErrPrincipal) {
				return nil
			}
			return err
		}},
	{name: "terminates soon", found: "lets nothing succeed after Terminate has returned and loses nothing before",
		terminate: func(ctx context.Context, next replay.Store, id string) error {
			time.AfterFunc(time.Millisecond, func() { next.Terminate(ctx, id) })
			return nil
		}},
	{name: "creates a session by a late append", found: "never creates a session by a late append",
		append: func(ctx context.Context, next replay.Store, id string, e ring.Event) (ring.Event, error) {
			next.Create(ctx, id, shard.Metadata{})
			return next.Append(ctx, id, e)
		}},
	{name: "validates before it looks for the session",
		found: "decides between reasons to refuse in the order of the contract",
		append: func(ctx context.Context, next replay.Store, id string, e ring.Event) (ring.Event, error) {
			if strings.Contains(e.Type, "\n") {
				return ring.Event{}, ring.ErrInvalidEvent
			}
			return next.Append(ctx, id, e)
		}},
	{name: "takes a duplicate for a success", found: "lets exactly one of racing appends of one ID win",
		append: func(ctx context.Context, next replay.Store, id string, e ring.Event) (ring.Event, error) {
			stored, err := next.Append(ctx, id, e)
			if errors.Is(err, ring.ErrDuplicateID) {
				err = nil
			}
			return stored, err
		}},
	{name: "returns the duplicate instead of what is retained",
		found: "answers a duplicate with the event that is retained",
		append: func(ctx context.Context, next replay.Store, id string, e ring.Event) (ring.Event, error) {
			stored, err := next.Append(ctx, id, e)
			if errors.Is(err, ring.ErrDuplicateID) {
				stored = e
			}
			return stored, err
		}},
	{name: "assigns IDs by number alone", found: "assigns IDs that no retained event has",
		append: func(ctx context.Context, next replay.Store, id string, e ring.Event) (ring.Event, error) {
			info, err := next.Info(ctx, id)
			if e.ID == "" && err == nil {
				e.ID = fmt.Sprint(info.Log.Last + 1)
			}
			return next.Append(ctx, id, e)
		}},
	{name: "keeps times to the millisecond",
		found: "keeps a time that is set, to the nanosecond, and assigns one otherwise",
		append: func(ctx context.Context, next replay.Store, id string, e ring.Event) (ring.Event, error) {
			if !e.Time.IsZero() {
				e.Time = e.Time.Truncate(time.Millisecond)
			}
			return next.Append(ctx, id, e)
		}},
	{name: "replays everything after an unknown ID", found: "refuses to begin after an event that is not there",
		open: func(ctx context.Context, next replay.Store, id string, at replay.Position) (replay.Reader, error) {
			r, err := next.Open(ctx, id, at)
			if errors.Is(err, ring.ErrUnknownID) || errors.Is(err, ring.ErrEvicted) {
				return next.Open(ctx, id, replay.Position{})
			}
			return r, err
		}},
	{name: "replays nothing after an evicted ID", found: "answers like a plain list to any sequence of calls, seed 0",
		open: func(ctx context.Context, next replay.Store, id string, at replay.Position) (replay.Reader, error) {
			r, err := next.Open(ctx, id, at)
			if errors.Is(err, ring.ErrEvicted) {
				return next.Open(ctx, id, replay.Position{Live: true})
			}
			return r, err
		}},
	{name: "sees every stream after an event", found: "position LastEventID: what follows on its stream",
		open: func(ctx context.Context, next replay.Store, id string, at replay.Position) (replay.Reader, error) {
			at.All = at.All || at.LastEventID != "" && len(at.Streams) == 0
			return next.Open(ctx, id, at)
		}},
	{name: "goes on behind a gap", found: "tells a reader that was overtaken, for good",
		open: wrapped(func(r *wrong) { r.skipsGaps = true })},
	{name: "returns events twice where replay ends",
		found: "hands over from replay to live exactly once and in order, while readers come and go",
		open:  wrapped(func(r *wrong) { r.repeats = true })},
	{name: "loses an event where replay ends",
		found: "shows a live reader everything stored after it opened and nothing before",
		open:  wrapped(func(r *wrong) { r.loses = true })},
	{name: "does not notice the end while it waits", found: "wakes a waiting reader when its session is terminated",
		open: wrapped(func(r *wrong) { r.sleeps = true })},
	{name: "has nothing ready before Wait", found: "has everything that was stored ready when Open returns",
		open: wrapped(func(r *wrong) { r.lazy = true })},
	{name: "wakes for every event", found: "wakes a waiting reader for events of its streams alone",
		open: wrapped(func(r *wrong) { r.nervous = true })},
	{name: "names the newest event's place",
		found: "names the place behind the last event that was read, and every stream follows",
		open:  wrapped(func(r *wrong) { r.hasty = true })},
	{name: "forgets that a place has been dropped",
		found: "refuses a place of which something has been dropped, and no other",
		open: func(ctx context.Context, next replay.Store, id string, at replay.Position) (replay.Reader, error) {
			r, err := next.Open(ctx, id, at)
			if errors.Is(err, ring.ErrEvicted) {
				return next.Open(ctx, id, replay.Position{})
			}
			return r, err
		}},
	{name: "takes any place for the newest", found: "names the place where a live reader began",
		open: func(ctx context.Context, next replay.Store, id string, at replay.Position) (replay.Reader, error) {
			return next.Open(ctx, id, replay.Position{Live: at.LastEventID != "" || at.Live})
		}},
}
