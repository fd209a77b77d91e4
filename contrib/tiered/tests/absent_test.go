package tests

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Nobody meets the session that a Create has made behind and not here, though it takes a while to
// be ended.
func TestASessionThatIsBeingWithdrawnIsNotFound(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{Linger: -1})
	var mayEnd atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
		if call == "Terminate" && !done && !mayEnd.Load() {
			cancel() // Create waits no longer
			return errTampered
		}
		return nil
	}}, tiered.Config{Shard: shard.Config{MaxSessions: 1, Linger: -1}})
	create(t, s, "first")
	if _, err := s.Create(ctx, "s", shard.Metadata{}); !errors.Is(err, shard.ErrSessionLimit) {
		t.Fatalf("Create: %v", err)
	}
	if _, err := back.Info(t.Context(), "s"); err != nil {
		t.Fatalf("it is not behind: %v", err)
	}
	calls := map[string]func(context.Context) error{
		"Info":  func(ctx context.Context) error { _, err := s.Info(ctx, "s"); return err },
		"Touch": func(ctx context.Context) error { return s.Touch(ctx, "s") },
		"Claim": func(ctx context.Context) error { return s.Claim(ctx, "s", "key") },
	}
	for name, call := range calls {
		brief, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		if err := call(brief); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s while it is withdrawn: %v", name, err)
		}
	}
	mayEnd.Store(true)
	testkit.Eventually(t, "it is withdrawn", func() bool { return s.Terminate(t.Context(), "s") == nil })
	for name, call := range calls {
		if err := call(t.Context()); !errors.Is(err, shard.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is claimed, and that a session is ended, while this process takes it over, this process
// knows.
func TestASessionThatIsBeingTakenOverIsClaimedAndEndedHere(t *testing.T) {
	back := newRedis(t, newServer(t).addr, redis.Config{Linger: -1})
	calls := map[string]func(context.Context, replay.Store) error{
		"Claim":     func(ctx context.Context, s replay.Store) error { return replay.Claim(ctx, s, "s", "key") },
		"Terminate": func(ctx context.Context, s replay.Store) error { return s.Terminate(ctx, "s") },
	}
	for _, name := range []string{"Claim", "Terminate"} {
		acquired, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		s := newTiered(t, tampered{back.(whole), func(_ context.Context, call string, done bool) error {
			if call == "Acquire" && done {
				once.Do(func() { close(acquired) })
				<-goOn
			}
			return nil
		}}, tiered.Config{Holder: "h", Timeout: testkit.Patience, Shard: shard.Config{Linger: -1}})
		if name == "Claim" {
			create(t, back, "s")
		}
		appended := make(chan error, 1)
		go func() { _, err := s.Append(context.Background(), "s", ring.Event{}); appended <- err }()
		testkit.Await(t, "it is being taken over", acquired)
		brief, cancel := context.WithTimeout(t.Context(), moment)
		defer cancel()
		if err := calls[name](brief, s); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s while it is taken over: %v", name, err)
		}
		close(goOn)
		if err := testkit.Await(t, "Append returns", appended); err != nil {
			t.Errorf("Append: %v", err)
		}
		if err := calls[name](t.Context(), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "Terminate" {
			if _, err := s.Append(t.Context(), "s", ring.Event{}); !errors.Is(err, shard.ErrNotFound) {
				t.Errorf("Append to what has ended: %v", err)
			}
		}
	}
}
