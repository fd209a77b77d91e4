package tiered

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/replay/storetest"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// behind is a Store that several processes share, and that can be out of reach.
type behind struct {
	replay.Store
	manager *shard.Manager
	down    atomic.Bool
}

var errDown = errors.New("down")

func newBehind(t testing.TB, cfg shard.Config) *behind {
	t.Helper()
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return &behind{Store: replay.Local(m), manager: m}
}

func (b *behind) Append(ctx context.Context, id string, e ring.Event) (ring.Event, error) {
	if b.down.Load() {
		return ring.Event{}, errDown
	}
	return b.Store.Append(ctx, id, e)
}

func newStore(t testing.TB, back replay.Store, cfg Config) *Store {
	t.Helper()
	s, err := New(back, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func create(t testing.TB, s replay.Store, id string) {
	t.Helper()
	_, err := s.Create(t.Context(), id, shard.Metadata{})
	must(t, err)
}

func add(t testing.TB, s replay.Store, id, data string) ring.Event {
	t.Helper()
	e, err := s.Append(t.Context(), id, ring.Event{Data: []byte(data)})
	must(t, err)
	return e
}

func read(t testing.TB, s replay.Store, id string, at replay.Position) string {
	t.Helper()
	r, err := s.Open(t.Context(), id, at)
	must(t, err)
	defer r.Close()
	events, err := replay.Drain(r)
	must(t, err)
	text := ""
	for _, e := range events {
		text += string(e.Data)
	}
	return text
}

func TestConformance(t *testing.T) {
	for _, sync := range []bool{false, true} {
		t.Run(fmt.Sprintf("sync %v", sync), func(t *testing.T) {
			storetest.Run(t, storetest.Subject{
				FakeTime: true,
				Open: func(t testing.TB, c storetest.Config) replay.Store {
					wide := c.Ring
					if wide.MaxEventBytes > 0 {
						wide.MaxEventBytes += 32
					}
					back := newBehind(t, shard.Config{MaxSessions: -1, MaxBytes: -1, TTL: -1, Linger: -1, Ring: wide})
					return newStore(t, back, Config{Sync: sync, Shard: shard.Config{
						Ring: c.Ring, MaxSessions: c.MaxSessions, MaxPerPrincipal: c.MaxPerPrincipal, MaxAttached: c.MaxAttached,
						MaxBytes: c.MaxBytes, TTL: c.TTL, Linger: c.Linger,
					}})
				},
				Finish: func(ctx context.Context, s replay.Store, id string) error { return s.(*Store).Finish(ctx, id) },
			})
		})
	}
}

func TestClientResumesElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := newBehind(t, shard.Config{})
		here, there := newStore(t, back, Config{}), newStore(t, back, Config{})
		create(t, here, "s")
		add(t, here, "s", "1")
		last := add(t, here, "s", "2").ID
		add(t, here, "s", "3")
		synctest.Wait()
		if got := read(t, there, "s", replay.Position{LastEventID: last}); got != "3" {
			t.Errorf("after %q comes %q elsewhere", last, got)
		}
		r, err := there.Open(t.Context(), "s", replay.Position{LastEventID: last})
		must(t, err)
		defer r.Close()
		for i := range 500 {
			add(t, here, "s", fmt.Sprint(i))
		}
		var e ring.Event
		for want := uint64(3); want <= 503; want++ {
			for !r.Next(&e) {
				must(t, r.Wait(t.Context()))
			}
			if e.Seq != want {
				t.Fatalf("event %d, want %d", e.Seq, want)
			}
		}
		synctest.Wait()
		if lag := here.Lag("s"); lag != 0 {
			t.Errorf("%d events are not copied", lag)
		}
	})
}

func TestElsewhereASessionIsNotWritten(t *testing.T) {
	back := newBehind(t, shard.Config{})
	here, there := newStore(t, back, Config{}), newStore(t, back, Config{})
	create(t, here, "s")
	_, err := there.Append(t.Context(), "s", ring.Event{})
	wantErr(t, "Append", err, ErrElsewhere)
	wantErr(t, "Update", there.Update(t.Context(), "s", nil), ErrElsewhere)
	wantErr(t, "Finish", there.Finish(t.Context(), "s"), ErrElsewhere)
	wantErr(t, "Touch", there.Touch(t.Context(), "s"), nil)
	_, err = there.Create(t.Context(), "s", shard.Metadata{})
	wantErr(t, "Create", err, shard.ErrExists)
	_, err = there.Append(t.Context(), "unknown", ring.Event{})
	wantErr(t, "Append to an unknown session", err, shard.ErrNotFound)
}

func TestOutageBehindDelaysTheCopyAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := newBehind(t, shard.Config{})
		here, there := newStore(t, back, Config{}), newStore(t, back, Config{})
		create(t, here, "s")
		back.down.Store(true)
		for _, data := range []string{"1", "2", "3"} {
			add(t, here, "s", data)
		}
		time.Sleep(10 * time.Second)
		if got := read(t, here, "s", replay.Position{}); got != "123" || here.Lag("s") != 3 {
			t.Errorf("here is %q, and %d events are not copied", got, here.Lag("s"))
		}
		back.down.Store(false)
		time.Sleep(2 * time.Second)
		if got := read(t, there, "s", replay.Position{}); got != "123" {
			t.Errorf("elsewhere is %q", got)
		}
	})
}

func TestCopyWithAGapIsEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := newBehind(t, shard.Config{})
		here, there := newStore(t, back, Config{Shard: shard.Config{Ring: ring.Config{MaxEvents: 3}}}), newStore(t, back, Config{})
		create(t, here, "s")
		add(t, here, "s", "0")
		synctest.Wait()
		back.down.Store(true)
		for i := range 5 {
			add(t, here, "s", fmt.Sprint(i+1))
		}
		back.down.Store(false)
		time.Sleep(time.Minute)
		_, err := there.Open(t.Context(), "s", replay.Position{})
		wantErr(t, "Open elsewhere", err, shard.ErrNotFound)
		add(t, here, "s", "6")
		if got := read(t, here, "s", replay.Position{}); got != "456" {
			t.Errorf("here is %q", got)
		}
	})
}

func TestSyncAppendWaitsForTheCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := newBehind(t, shard.Config{})
		s := newStore(t, back, Config{Sync: true})
		create(t, s, "s")
		add(t, s, "s", "1")
		if info, err := back.Info(t.Context(), "s"); err != nil || info.Log.Last != 1 {
			t.Errorf("behind are %d events, error %v", info.Log.Last, err)
		}
		back.down.Store(true)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		e, err := s.Append(ctx, "s", ring.Event{ID: "own"})
		wantErr(t, "Append while it is down", err, context.DeadlineExceeded)
		if e.Seq != 2 {
			t.Errorf("event %d is returned beside the error", e.Seq)
		}
		back.down.Store(false)
		_, err = s.Append(t.Context(), "s", ring.Event{ID: "own"})
		wantErr(t, "the same again", err, ring.ErrDuplicateID)
		if info, _ := back.Info(t.Context(), "s"); info.Log.Last != 2 {
			t.Errorf("behind are %d events", info.Log.Last)
		}
	})
}

func TestEndsArePassedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		back := newBehind(t, shard.Config{})
		here, there := newStore(t, back, Config{Shard: shard.Config{TTL: time.Minute}}), newStore(t, back, Config{})
		for _, id := range []string{"here", "there", "expires", "read"} {
			create(t, here, id)
		}
		r, err := there.Open(t.Context(), "read", replay.Position{})
		must(t, err)
		must(t, here.Terminate(t.Context(), "here"))
		_, err = there.Open(t.Context(), "here", replay.Position{})
		wantErr(t, "Open of what was terminated", err, shard.ErrNotFound)
		must(t, there.Terminate(t.Context(), "there"))
		time.Sleep(here.cfg.Refresh)
		synctest.Wait()
		wantErr(t, "Touch of what was terminated elsewhere", here.Touch(t.Context(), "there"), shard.ErrNotFound)
		time.Sleep(2 * time.Minute)
		wantErr(t, "Touch elsewhere of what has expired", there.Touch(t.Context(), "expires"), shard.ErrNotFound)
		wantErr(t, "Touch of what is read elsewhere", here.Touch(t.Context(), "read"), nil)
		r.Close()
	})
}

func TestClosedProcessLeavesItsSessionsToOthers(t *testing.T) {
	back := newBehind(t, shard.Config{})
	here, there := newStore(t, back, Config{}), newStore(t, back, Config{})
	create(t, here, "s")
	for i := range 100 {
		add(t, here, "s", fmt.Sprint(i%10))
	}
	must(t, here.Close())
	must(t, here.Close())
	if got := read(t, there, "s", replay.Position{}); len(got) != 100 {
		t.Errorf("%d events are left, want 100", len(got))
	}
	_, err := here.Append(t.Context(), "s", ring.Event{})
	if err == nil {
		t.Error("Append after Close")
	}
}

func TestNewRefusesBadConfigs(t *testing.T) {
	back := newBehind(t, shard.Config{})
	for _, cfg := range []Config{{Copiers: -1}, {Refresh: -1}, {Timeout: -1}, {Shard: shard.Config{Tick: 1}}} {
		if _, err := New(back, cfg); err == nil {
			t.Errorf("%+v is accepted", cfg)
		}
	}
	if _, err := New(nil, Config{}); err == nil {
		t.Error("New without a Store behind")
	}
}
