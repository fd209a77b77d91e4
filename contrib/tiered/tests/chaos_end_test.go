package tests

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// finish wants the Store in front to say what Local says, the one behind to have the same, and a
// Store that begins on what is left to say it again. Then everything is ended, and nothing is left.
func (g *game) finish() {
	for _, p := range g.players {
		for _, m := range p.places {
			p.wantCopied(m)
		}
	}
	g.wantMortal()
	for _, p := range g.players {
		for _, m := range p.places {
			m.drop(0)
		}
	}
	if err := g.store.Close(); err != nil {
		g.Errorf("Close: %v", err)
	}
	g.store = g.open(g.behind.store, testkit.Patience) // a slow machine is no fault
	for _, p := range g.players {
		for _, m := range p.places {
			p.wantRestored(m)
		}
	}
	g.wantNothingLeft()
}

// wantCopied wants a session to be the same in front, behind and in Local.
func (p *player) wantCopied(m *mirror) {
	ctx := context.Background()
	if m.state != shard.Active {
		testkit.Eventually(p, m.id+" has ended behind", func() bool {
			if p.faulty.isStray(m.id) {
				p.store.Terminate(ctx, m.id)
			}
			info, err := p.behind.Info(ctx, m.id)
			return errors.Is(err, shard.ErrNotFound) || !p.reuse && err == nil && info.Status != shard.Active
		})
		return
	}
	p.drained(m.id)
	a, err := p.store.Info(ctx, m.id)
	b, local := p.local.Info(ctx, m.id)
	if err != nil || local != nil {
		p.Fatalf("player %d: %s has ended: %v; Local says %v", p.n, m.id, err, local)
	}
	p.alikeInfo(m, a, b)
	m.drop(min(1, len(m.pairs))) // there must be room for one more reader
	here, there := stored(p, p.store, m.id, replay.Position{}), stored(p, p.local, m.id, replay.Position{})
	p.allAlike(m, here, there)
	var r replay.Reader
	testkit.Eventually(p, m.id+" is behind as it is here", func() bool {
		info, err := p.behind.Info(ctx, m.id)
		if err != nil || info.Status != shard.Active || info.Transport != a.Transport ||
			info.Principal != a.Principal || info.Log.Last != a.Log.Last {
			return false // one that has expired behind while the weather was bad is about to be made anew
		}
		r, err = p.behind.store.Open(ctx, m.id, replay.Position{})
		return err == nil
	})
	defer r.Close() // it does not expire meanwhile
	behind, err := replay.Drain(r)
	if err != nil {
		p.Fatalf("player %d: reading %s behind: %v", p.n, m.id, err)
	}
	// Behind there is some more room, so that some older events may still be there.
	behind = behind[max(0, len(behind)-len(here)):]
	if !slices.EqualFunc(here, behind, equalEvents) {
		p.Fatalf("player %d: %s has %s here, and %s behind", p.n, m.id, outline(here), outline(behind))
	}
	for _, key := range m.claimed {
		if err := p.behind.Claim(ctx, m.id, key); !errors.Is(err, shard.ErrClaimed) {
			p.Fatalf("player %d: key %q of %s, which was claimed: %v behind", p.n, key, m.id, err)
		}
	}
	if m.confirmed > a.Log.Last {
		p.Fatalf("player %d: %s was confirmed up to %d, and has %d", p.n, m.id, m.confirmed, a.Log.Last)
	}
}

func equalEvents(a, b ring.Event) bool {
	return a.Seq == b.Seq && a.ID == b.ID && a.Stream == b.Stream && a.Type == b.Type &&
		string(a.Data) == string(b.Data) && a.Time.Equal(b.Time)
}

func outline(es []ring.Event) string {
	if len(es) == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d to %d, the last %q", es[0].Seq, es[len(es)-1].Seq, es[len(es)-1].ID)
}

func (p *player) allAlike(m *mirror, a, b []ring.Event) {
	if len(a) != len(b) {
		p.Fatalf("player %d: %s has %s, Local has %s", p.n, m.id, outline(a), outline(b))
	}
	for i := range a {
		p.alike(m, a[i], b[i])
	}
}

// wantRestored wants a session to go on where it was.
func (p *player) wantRestored(m *mirror) {
	ctx := context.Background()
	if m.state == shard.Active {
		e := ring.Event{Stream: "a", Data: []byte("after the restart")}
		a, err := p.store.Append(ctx, m.id, e)
		if m.brief && errors.Is(err, shard.ErrNotFound) {
			return // it has expired by now
		}
		b, local := p.local.Append(ctx, m.id, e)
		if err != nil || local != nil {
			p.Fatalf("player %d: Append to %s: %v; Local says %v", p.n, m.id, err, local)
		}
		p.alike(m, a, b)
		if r, err := p.store.Open(ctx, m.id, replay.Position{}); err == nil { // it does not expire meanwhile
			defer r.Close()
		} else if m.brief && errors.Is(err, shard.ErrNotFound) {
			return
		}
		here, there := stored(p, p.store, m.id, replay.Position{}), stored(p, p.local, m.id, replay.Position{})
		p.allAlike(m, here, there)
		for i := range here {
			after := replay.Position{LastEventID: here[i].ID, All: true}
			if rest := stored(p, p.store, m.id, after); len(rest) != len(here)-1-i {
				p.Fatalf("player %d: %d events of %s follow on %q, want %d", p.n, len(rest), m.id, here[i].ID,
					len(here)-1-i)
			}
		}
	} else if _, err := p.store.Append(ctx, m.id, ring.Event{}); kind(err) != kind(shard.ErrNotFound) &&
		!p.isGhost(m, err, shard.ErrNotFound) {
		p.Fatalf("player %d: Append to %s, which has ended: %v", p.n, m.id, err)
	}
	for _, s := range []replay.Store{p.store, p.local} {
		if err := s.Terminate(ctx, m.id); err != nil {
			p.Fatalf("player %d: Terminate of %s: %v", p.n, m.id, err)
		}
	}
}

func (g *game) wantMortal() {
	if g.behind.mortal != nil && !g.behind.mortal() {
		g.Error("a key has no expiry")
	}
}

// wantNothingLeft wants every place behind to be free again, and no key to be left.
func (g *game) wantNothingLeft() {
	ctx := context.Background()
	g.faulty.strays[teamID] = true // by now no call is made any more
	for id := range g.faulty.strays {
		if err := g.store.Terminate(ctx, id); err != nil {
			g.Fatalf("Terminate of %s: %v", id, err)
		}
	}
	if g.reuse && g.behind.keys != nil {
		testkit.Eventually(g, "no key is left", func() bool { return len(g.leftovers()) == 0 })
	}
	g.wantMortal()
	for i := range behindLimit { // a place that a Create has taken in vain is free a little later
		testkit.Eventually(g, fmt.Sprintf("there is a place for session %d after all have ended", i+1), func() bool {
			_, err := g.store.Create(ctx, fmt.Sprint("last-", i), shard.Metadata{})
			if err != nil && !errors.Is(err, shard.ErrSessionLimit) {
				g.Fatal(err)
			}
			return err == nil
		})
	}
}
