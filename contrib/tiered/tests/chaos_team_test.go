package tests

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/replaytest"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A team appends to one session from several goroutines, while it is ended and created anew under
// its ID again and again, each time for another principal.
type team struct {
	*game
	session    int64        // the newest one: the number that its principal has; written by lead
	generation atomic.Int64 // for whoever appends: one more once a session is there, and once it has ended
	over       atomic.Bool

	mu      sync.Mutex
	appends map[string]attempt // by data
}

// An attempt is an Append that was made.
type attempt struct {
	from, to  int64 // generations when it was called and when it had returned
	seq       uint64
	confirmed bool
}

const (
	teamID   = "team"
	teamSize = 3
)

func newTeam(g *game) *team { return &team{game: g, appends: map[string]attempt{}} }

// play lets the team play until the players are through.
func (t *team) play(players *sync.WaitGroup) {
	through := make(chan struct{})
	go func() {
		players.Wait()
		close(through)
	}()
	var all sync.WaitGroup
	for n := range teamSize {
		all.Go(func() { t.write(n) })
	}
	all.Go(func() {
		defer t.over.Store(true)
		for !t.Failed() {
			t.lead(through)
			select {
			case <-through:
				return
			default:
			}
			if !t.reuse {
				return // there is one session for each ID
			}
		}
	})
	<-through
	all.Wait()
}

func (t *team) write(n int) {
	rnd := newRand(t.seed, 50+n)
	for i := 0; !t.over.Load(); i++ {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+rnd.IntN(400))*time.Millisecond)
		data := fmt.Sprint(n, "-", i)
		a := attempt{from: t.generation.Load()}
		e, err := t.store.Append(ctx, teamID, ring.Event{Data: []byte(data)})
		cancel()
		a.to, a.seq, a.confirmed = t.generation.Load(), e.Seq, err == nil && t.sync
		if k := kind(err); k != "no error" && k != unclear && !errors.Is(err, shard.ErrNotFound) {
			t.Errorf("Append of %s to the team's session: %v", data, err)
			return
		}
		t.mu.Lock()
		t.appends[data] = a
		t.mu.Unlock()
		<-time.After(time.Duration(rnd.IntN(3000)) * time.Microsecond) // a rate that leaves the others room
	}
}

// lead makes a session, reads what the others append, and ends it. The players' sessions may have
// all places, and keep these once they are through: then there is no session more.
func (t *team) lead(through <-chan struct{}) {
	ctx := context.Background()
	t.session++
	o := shard.Options{ID: teamID, Ring: ring.Config{MaxEvents: 100_000, MaxBytes: 64 << 20}}
	o.Principal = fmt.Sprint("team ", t.session)
	made := false
	testkit.Eventually(t, "the team has a session", func() bool {
		_, err := t.store.CreateWith(ctx, o)
		made = err == nil
		if kind(err) == unclear || errors.Is(err, shard.ErrExists) { // perhaps there is one now, which nobody knows of
			t.store.Terminate(ctx, teamID)
		}
		select {
		case <-through:
			return made || errors.Is(err, shard.ErrSessionLimit)
		default:
			return made
		}
	})
	if !made {
		return
	}
	this := t.generation.Add(1)
	r, err := t.store.Open(ctx, teamID, replay.Position{})
	if err != nil {
		t.Fatalf("Open of the team's session: %v", err)
	}
	defer r.Close()
	var events []ring.Event
	read := func() {
		more, _ := replaytest.Ready(r)
		events = append(events, more...)
	}
	enough := time.Now().Add(300 * time.Millisecond)
	testkit.Eventually(t, "the team appends", func() bool { read(); return time.Now().After(enough) })
	if info, err := t.store.Info(ctx, teamID); err != nil || info.Principal != o.Principal {
		t.Fatalf("the team's session belongs to %q, %v; want %q", info.Principal, err, o.Principal)
	}
	if err := t.store.Terminate(ctx, teamID); err != nil && kind(err) != unclear {
		t.Fatalf("Terminate of the team's session: %v", err)
	}
	read()
	t.generation.Add(1)
	t.check(this, events)
}

// check wants what was appended to a session to be all there, once, and nothing of another one.
// That goes for what was appended once the session was there. Before that there may have been one
// that nobody has made, by a CreateHeld that has landed when its caller had given up. Who appends
// then takes it over, and its events end with it.
func (t *team) check(this int64, events []ring.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	there := map[string]uint64{}
	for i, e := range events {
		data := string(e.Data)
		if e.Seq != uint64(i+1) || there[data] != 0 {
			t.Fatalf("the team's session %d has %q as event %d at place %d, before as %d", this, data, e.Seq, i+1,
				there[data])
		}
		there[data] = e.Seq
		if a, ok := t.appends[data]; ok && (a.from > this || a.to < this-1) {
			t.Fatalf("the team's session %d has %q, which was appended between %d and %d", this, data, a.from, a.to)
		}
	}
	for data, a := range t.appends {
		mustBe := a.seq > 0 && (a.confirmed || !t.sync)
		if a.from == this && a.to == this && mustBe && there[data] != a.seq {
			t.Fatalf("the team's session %d has %q as event %d, and not as %d", this, data, there[data], a.seq)
		}
	}
}
