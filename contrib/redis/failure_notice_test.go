package redis_test

import (
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// Redis tells followers of events at most once. Whatever it does not tell, they find out.

func TestSubscriptionsThatBreak(t *testing.T) {
	s := newServer(t)
	writing, reading := newStore(t, roomy("p"), s.addr), newStore(t, roomy("p"), s.addr)
	create(t, writing, "s")
	f := follow(t, reading, replay.Position{})
	w := write(t, 4, writing)
	killed := 0
	eventually(t, "10 subscriptions were broken", func() bool {
		if s.cli("CLIENT", "KILL", "TYPE", "pubsub") != "0" {
			killed++
		}
		return killed >= 10
	})
	w.until(t, 50)
	w.check(t, writing, f)
}

// The follower's connections are silent, though not broken, while the session goes on and ends.
func TestSilentNetwork(t *testing.T) {
	s := newServer(t)
	cable := newCable(t, s.addr)
	writing, reading := newStore(t, roomy("p"), s.addr), newStore(t, roomy("p"), cable.addr())
	create(t, writing, "s")
	r, err := reading.Open(t.Context(), "s", replay.Position{})
	wantNoErr(t, "Open", err)
	defer r.Close()
	next := func(want string) {
		t.Helper()
		var e ring.Event
		for !r.Next(&e) {
			wantNoErr(t, "Err", r.Err())
			wantNoErr(t, "Wait", r.Wait(t.Context()))
		}
		equal(t, "event", string(e.Data), want)
	}
	mustAppend(t, writing, ring.Event{Data: []byte("1")})
	next("1")
	cable.set(true, false)
	mustAppend(t, writing, ring.Event{Data: []byte("2")})
	mustAppend(t, writing, ring.Event{Data: []byte("3")})
	wantNoErr(t, "Finish", writing.Finish(t.Context(), "s"))
	time.AfterFunc(time.Second, func() { cable.set(false, false) })
	next("2")
	next("3")
	wantNoErr(t, "Wait", r.Wait(t.Context()))
	var e ring.Event
	if r.Next(&e) || r.Err() == nil {
		t.Errorf("read %q, error %v; want the end", e.Data, r.Err())
	}
}
