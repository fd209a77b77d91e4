package tests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestAnOutageLongerThanTheTTLEndsNoSessionHere(t *testing.T) {
	server := newServer(t)
	back := newRedis(t, server.addr, redis.Config{Linger: -1})
	const ttl = time.Second
	s := newTiered(
		t,
		back,
		tiered.Config{
			Term:    200 * time.Millisecond,
			Timeout: 200 * time.Millisecond,
			Shard:   shard.Config{TTL: ttl, Linger: -1},
		},
	)
	create(t, s, "s")
	r, err := s.Open(t.Context(), "s", replay.Position{}) // an open reader: the session does not expire
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	add(t, s, "s", "before")
	server.signal(t, syscall.SIGSTOP)
	var want []string
	for began := time.Now(); time.Since(began) < 3*ttl; time.Sleep(moment) {
		want = append(want, string(add(t, s, "s", fmt.Sprint("during ", len(want))).Data))
	}
	server.signal(t, syscall.SIGCONT)
	add(t, s, "s", "after")
	testkit.Eventually(t, "the copy is made anew", func() bool { return s.Lag("s") == 0 })
	want = append(append([]string{"before"}, want...), "after")
	if got := texts(stored(t, back, "s", replay.Position{})); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("behind: %q, want %q", got, want)
	}
}

func TestAnIDThatIsUsedAgainIsCopied(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{})
	s := newTiered(t, back, tiered.Config{Sync: true, Shard: shard.Config{Ring: ring.Config{MaxEvents: 2}}})
	create(t, s, "s")
	for i, id := range []string{"x", "y", "z", "x"} {
		if _, err := s.Append(t.Context(), "s", ring.Event{ID: id, Data: fmt.Append(nil, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := texts(stored(t, back, "s", replay.Position{})); fmt.Sprint(got) != "[2 3]" {
		t.Errorf("behind: %v", got)
	}
}

func TestASessionThatEndsAnotherOnEndDoesNotHang(t *testing.T) {
	var s *tiered.Store
	ended := make(chan error, 2)
	s = newTiered(
		t,
		newRedis(t, newServer(t).addr, redis.Config{}),
		tiered.Config{Shard: shard.Config{OnEnd: func(i shard.Info) {
			if i.ID == "parent" {
				ended <- s.Terminate(context.Background(), "child")
			}
		}}},
	)
	create(t, s, "parent")
	create(t, s, "child")
	if err := s.Terminate(t.Context(), "parent"); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Await(t, "OnEnd has ended the child", ended); err != nil {
		t.Fatal(err)
	}
}

func TestCloseSaysWhatIsNotBehindAndReleasesWhoWaits(t *testing.T) {
	server := newServer(t)
	s := newTiered(
		t,
		newRedis(t, server.addr, redis.Config{}),
		tiered.Config{Sync: true, Timeout: 200 * time.Millisecond},
	)
	create(t, s, "waiting")
	create(t, s, "ending")
	add(t, s, "ending", "x")
	server.signal(t, syscall.SIGSTOP)
	defer server.signal(t, syscall.SIGCONT)
	appended, terminated := make(chan error, 1), make(chan error, 1)
	go func() { _, err := s.Append(context.Background(), "waiting", ring.Event{}); appended <- err }()
	go func() { terminated <- s.Terminate(context.Background(), "ending") }()
	testkit.Eventually(t, "both have begun", func() bool {
		_, err := s.Manager().Get("ending")
		return s.Lag("waiting") == 1 && err != nil
	})
	err := s.Close()
	if err == nil || !strings.Contains(err.Error(), "1 events of 1 sessions") ||
		!strings.Contains(err.Error(), "1 sessions have ended here") {
		t.Errorf("Close says %v", err)
	}
	if err := testkit.Await(t, "Append returns", appended); !errors.Is(err, shard.ErrClosed) {
		t.Errorf("Append: %v", err)
	}
	if err := testkit.Await(t, "Terminate returns", terminated); !errors.Is(err, shard.ErrClosed) {
		t.Errorf("Terminate: %v", err)
	}
}

func TestAnUpdateThatFailsHasChangedNothing(t *testing.T) {
	server := newServer(t)
	back := newRedis(t, server.addr, redis.Config{})
	s := newTiered(t, back, tiered.Config{Timeout: 100 * time.Millisecond})
	create(t, s, "s")
	server.signal(t, syscall.SIGSTOP)
	err := s.Update(t.Context(), "s", func(md *shard.Metadata) { md.Transport = "new" })
	here, _ := s.Info(t.Context(), "s")
	server.signal(t, syscall.SIGCONT)
	if err == nil || here.Transport != "" {
		t.Errorf("during an outage: %v, transport %q", err, here.Transport)
	}
	if err := s.Update(t.Context(), "s", func(md *shard.Metadata) { md.Transport = "newer" }); err != nil {
		t.Fatal(err)
	}
	here, _ = s.Info(t.Context(), "s")
	there, _ := back.Info(t.Context(), "s")
	if here.Transport != "newer" || there.Transport != "newer" {
		t.Errorf("here %q, behind %q", here.Transport, there.Transport)
	}
}

// partial is a Store of which the sessions whose IDs begin with "bad" hang.
type partial struct {
	replay.Store
	replay.Leaser
}

func (p partial) Acquire(ctx context.Context, id string, l replay.Lease) (replay.Writer, error) {
	w, err := p.Leaser.Acquire(ctx, id, l)
	return hanging{w, strings.HasPrefix(id, "bad")}, err
}

func (p partial) CreateHeld(ctx context.Context, o shard.Options, l replay.Lease) (replay.Writer, error) {
	w, err := p.Leaser.CreateHeld(ctx, o, l)
	return hanging{w, strings.HasPrefix(o.ID, "bad")}, err
}

type hanging struct {
	replay.Writer
	bad bool
}

func (h hanging) Append(ctx context.Context, es []ring.Event) error {
	if h.bad {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Writer.Append(ctx, es)
}

func (h hanging) Renew(ctx context.Context) error {
	if h.bad {
		<-ctx.Done()
		return ctx.Err()
	}
	return h.Writer.Renew(ctx)
}

func TestAPartThatHangsHoldsUpNobodyElse(t *testing.T) {
	real := newRedis(t, newServer(t).addr, redis.Config{})
	s := newTiered(t, partial{real, real.(replay.Leaser)},
		tiered.Config{Copiers: 4, Timeout: 20 * time.Second, Term: 300 * time.Millisecond})
	for i := range 100 { // twenty-five times Copiers
		id := fmt.Sprint("bad", i)
		create(t, s, id)
		add(t, s, id, "x")
	}
	create(t, s, "good")
	began := time.Now()
	for i := range 20 {
		add(t, s, "good", fmt.Sprint(i))
		testkit.Eventually(t, "it is copied", func() bool { return s.Lag("good") == 0 })
	}
	if took := time.Since(began); took > 15*time.Second { // a call that hangs takes 20
		t.Errorf("copying took %v", took)
	}
	time.Sleep(3 * 300 * time.Millisecond) // its lease is renewed meanwhile, or another process could take it
	other := newTiered(t, real, tiered.Config{})
	if _, err := other.Append(t.Context(), "good", ring.Event{}); !errors.Is(err, tiered.ErrElsewhere) {
		t.Errorf("another process: %v", err)
	}
}

// Sessions that have the same ID one after the other have nothing to do with each other.
func TestASessionThatIsCreatedAnewIsAnother(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{Linger: -1})
	release, blocked := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	s := newTiered(t, back, tiered.Config{Sync: true, Shard: shard.Config{Linger: -1, OnEnd: func(i shard.Info) {
		if i.ID == "slow" && !once.Swap(true) {
			close(blocked)
			<-release
		}
	}}})
	defer func() {
		if !once.Swap(true) {
			close(release)
		}
	}()
	create(t, s, "slow")
	create(t, s, "s")
	add(t, s, "s", "old")
	go s.Terminate(context.Background(), "slow")
	testkit.Await(t, "OnEnd blocks", blocked)
	if err := s.Terminate(t.Context(), "s"); err != nil { // its OnEnd waits behind the other one
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), "s", shard.Metadata{Principal: "bob"}); err != nil {
		t.Fatal(err)
	}
	add(t, s, "s", "new 1")
	close(release)
	for i := range 20 { // the late OnEnd of the old session comes in between
		add(t, s, "s", fmt.Sprint("new ", i+2))
		time.Sleep(time.Millisecond)
	}
	got := stored(t, back, "s", replay.Position{})
	if len(got) != 21 || string(got[0].Data) != "new 1" {
		t.Errorf("behind: %q", texts(got))
	}
}

// A session that has finished is readable for a while, unless it is terminated.
func TestAFinishedSessionThatIsTerminatedEndsBehindToo(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{Linger: time.Hour})
	s := newTiered(t, back, tiered.Config{Shard: shard.Config{Linger: time.Hour}})
	create(t, s, "s")
	add(t, s, "s", "x")
	if err := s.Finish(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	if err := s.Terminate(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	for _, where := range []replay.Store{s, back} {
		if r, err := where.Open(t.Context(), "s", replay.Position{}); !errors.Is(err, shard.ErrNotFound) {
			t.Errorf("Open after Terminate: %v, %v", r, err)
		}
	}
}
