package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

func modelling() []test {
	var all []test
	for seed := range uint64(3) {
		all = append(all, test{
			name: fmt.Sprintf("answers like a plain list to any sequence of calls, seed %d", seed),
			run:  func(k *kit) { likeAPlainList(k, rand.New(rand.NewPCG(seed, 0))) },
		})
	}
	return all
}

// A list is the plain model of one session's log.
type list struct {
	limit  ring.Config
	events []ring.Event // retained
	gone   []ring.Event // evicted
}

// expected is the error that appending e must meet, and for a duplicate the event that is retained.
func (l *list) expected(e ring.Event) (ring.Event, error) {
	if e.Size() > l.limit.MaxEventBytes {
		return ring.Event{}, ring.ErrEventTooLarge
	}
	if i := l.find(e.ID); e.ID != "" && i >= 0 {
		return l.events[i], ring.ErrDuplicateID
	}
	return ring.Event{}, nil
}

func (l *list) find(id string) int {
	return slices.IndexFunc(l.events, func(e ring.Event) bool { return e.ID == id })
}

func (l *list) bytes() (n int) {
	for _, e := range l.events {
		n += e.Size() + ring.Overhead
	}
	return n
}

func (l *list) store(e ring.Event) {
	l.events = append(l.events, e)
	for len(l.events) > l.limit.MaxEvents || l.bytes() > l.limit.MaxBytes {
		l.gone = append(l.gone, l.events[0])
		l.events = l.events[1:]
	}
}

// after is what a reader at this position has to see.
func (l *list) after(at replay.Position) ([]ring.Event, bool) {
	rest, streams := l.events, at.Streams
	if at.LastEventID != "" {
		i := l.find(at.LastEventID)
		if i < 0 {
			return nil, false
		}
		rest = l.events[i+1:]
		if len(streams) == 0 {
			streams = []string{l.events[i].Stream}
		}
	} else if at.Live {
		rest = nil
	}
	var seen []ring.Event
	for _, e := range rest {
		if at.All || len(streams) == 0 || slices.Contains(streams, e.Stream) {
			seen = append(seen, e)
		}
	}
	return seen, true
}

func likeAPlainList(k *kit, rnd *rand.Rand) {
	l := list{limit: ring.Config{MaxEvents: 8, MaxBytes: 900, MaxEventBytes: 200}}
	k.start(Config{Ring: l.limit})
	k.create("s")
	follower := k.open("s", replay.Position{})
	streams := []string{"", "a", "b"}
	for step := 0; step < 250 && !k.Failed(); step++ {
		switch rnd.IntN(3) {
		case 0, 1:
			e := ring.Event{Stream: streams[rnd.IntN(3)], Data: make([]byte, rnd.IntN(80))}
			if rnd.IntN(3) > 0 {
				e.ID = fmt.Sprint("id", rnd.IntN(12))
			}
			if rnd.IntN(15) == 0 {
				e.Data = make([]byte, 180+rnd.IntN(40))
			}
			k.appendLike(&l, e, follower)
		case 2:
			k.openLike(&l, l.somewhere(rnd))
		}
	}
	k.wantLog("s", l.events)
}

// somewhere is a position after an event that is retained, was evicted or never was, or after none.
func (l *list) somewhere(rnd *rand.Rand) replay.Position {
	at := replay.Position{All: rnd.IntN(3) == 0, Live: rnd.IntN(5) == 0}
	at.Streams = [][]string{nil, nil, {"a"}, {"", "b"}}[rnd.IntN(4)]
	switch n := rnd.IntN(6); {
	case n < 3 && len(l.events) > 0:
		at.LastEventID = l.events[rnd.IntN(len(l.events))].ID
	case n == 3 && len(l.gone) > 0:
		at.LastEventID = l.gone[rnd.IntN(len(l.gone))].ID
	case n == 4:
		at.LastEventID = "never"
	}
	return at
}

func (k *kit) appendLike(l *list, e ring.Event, follower replay.Reader) {
	k.Helper()
	want, wantErr := l.expected(e)
	stored, err := k.any().Append(k.ctx, "s", e)
	if !errors.Is(err, wantErr) {
		k.Fatalf("Append %s: error %v, want %v", show(e), err, wantErr)
	}
	if wantErr != nil {
		if wantErr == ring.ErrDuplicateID {
			k.same("duplicate", stored, want)
		}
		return
	}
	l.store(stored)
	k.same("followed", k.next(follower), stored)
}

func (k *kit) openLike(l *list, at replay.Position) {
	k.Helper()
	want, ok := l.after(at)
	got, err := k.drain("s", at)
	if !ok {
		k.wantErr(fmt.Sprintf("Open at %+v", at), err, ring.ErrUnknownID, ring.ErrEvicted)
		return
	}
	if err != nil || len(got) != len(want) {
		k.Fatalf("at %+v: %d events, error %v; want %d", at, len(got), err, len(want))
	}
	for i := range want {
		k.same(fmt.Sprintf("at %+v", at), got[i], want[i])
	}
}
