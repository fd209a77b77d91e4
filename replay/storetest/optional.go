package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// extending are cases about the optional interfaces. A Store that has not got one skips its cases,
// which the test's output says.
func extending() []test {
	return []test{
		{name: "claims each key of a session once", run: claimsOnce},
		{name: "claims each key once under racing callers", run: claimsRacing},
		{name: "claims at most a thousand keys of a session", run: claimsBounded},
		{name: "claims nothing in sessions that take no more events", run: claimsWhenOver},
		{name: "creates sessions with limits of their own", run: createsWithLimits},
		{name: "tells the limits that its sessions have", run: tellsLimits},
		{name: "finishes a session once", run: finishesOnce},
		{name: "stores a batch whole, in order", run: batchWhole},
		{name: "stores nothing of a batch with a fault", run: batchNothing},
		{name: "says what is wrong with a batch in one order", run: batchPrecedence},
		{name: "stores batches that race without mixing them", run: batchRacing},
		{name: "refuses metadata that is not UTF-8", run: metadataUTF8},
	}
}

// has returns a Store as the optional interface I, or skips the case.
func has[I any](k *kit) func() I {
	k.Helper()
	if _, ok := k.any().(I); !ok {
		k.Skipf("the Store is no %T", (*I)(nil))
	}
	return func() I { return k.any().(I) }
}

func claimsOnce(k *kit) {
	k.start(Config{})
	claimer := has[replay.Claimer](k)
	k.create("a")
	k.create("b")
	for _, key := range []string{"1", "2", "with space", "ключ", strings.Repeat("x", shard.MaxClaimBytes)} {
		for _, id := range []string{"a", "b"} {
			if err := claimer().Claim(k.ctx, id, key); err != nil {
				k.Errorf("the first claim of %q in %q: %v", key, id, err)
			}
			k.wantErr("the second claim", claimer().Claim(k.ctx, id, key), shard.ErrClaimed)
		}
	}
	k.append("a", ring.Event{ID: "own"})
	if err := claimer().Claim(k.ctx, "a", "own"); err != nil {
		k.Errorf("a key that is an event's ID: %v", err)
	}
	k.wantErr("a claim in an unknown session", claimer().Claim(k.ctx, "nobody", "1"), shard.ErrNotFound)
	k.terminate("a")
	k.wantErr("a claim in an ended session", claimer().Claim(k.ctx, "a", "new"), shard.ErrNotFound)
}

func claimsRacing(k *kit) {
	const callers, keys = 8, 20
	k.start(Config{})
	claimer := has[replay.Claimer](k)
	k.create("s")
	var won [keys]atomic.Int32
	together(callers, func(g int) {
		for n := range keys {
			key := (n + g) % keys
			switch err := claimer().Claim(k.ctx, "s", fmt.Sprint("key ", key)); {
			case err == nil:
				won[key].Add(1)
			case !errors.Is(err, shard.ErrClaimed):
				k.Errorf("Claim: %v", err)
			}
		}
	})
	for key := range won {
		if n := won[key].Load(); n != 1 {
			k.Errorf("key %d was claimed %d times", key, n)
		}
	}
}

// A thousand is the default of every Store; see shard.Config.MaxClaims.
func claimsBounded(k *kit) {
	const most = 1000
	k.start(Config{})
	claimer := has[replay.Claimer](k)
	k.create("s")
	for n := range most {
		if err := claimer().Claim(k.ctx, "s", fmt.Sprint(n)); err != nil {
			k.Fatalf("claim %d: %v", n, err)
		}
	}
	k.wantErr("one more", claimer().Claim(k.ctx, "s", "one more"), shard.ErrClaimLimit)
	k.wantErr("an old one", claimer().Claim(k.ctx, "s", "0"), shard.ErrClaimed)
	k.create("other")
	if err := claimer().Claim(k.ctx, "other", "one more"); err != nil {
		k.Errorf("another session: %v", err)
	}
}

func claimsWhenOver(k *kit) {
	k.start(Config{})
	claimer, finisher := has[replay.Claimer](k), has[replay.Finisher](k)
	k.create("s")
	if err := claimer().Claim(k.ctx, "s", "before"); err != nil {
		k.Fatal(err)
	}
	if err := finisher().Finish(k.ctx, "s"); err != nil {
		k.Fatal(err)
	}
	k.wantErr("a new key of a finished session", claimer().Claim(k.ctx, "s", "after"), shard.ErrFinished)
	k.wantErr("an old key of a finished session", claimer().Claim(k.ctx, "s", "before"), shard.ErrFinished)
}

func createsWithLimits(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 10}})
	creator := has[replay.Creator](k)
	md := shard.Metadata{Transport: "sse", Principal: "me", ClientInfo: map[string]any{"name": "x"}}
	id, err := creator().CreateWith(k.ctx, shard.Options{ID: "small", Metadata: md,
		Ring: ring.Config{MaxEvents: 2, MaxEventBytes: 10}})
	if err != nil || id != "small" {
		k.Fatalf("CreateWith: %q, %v", id, err)
	}
	k.equal("metadata", fmt.Sprint(k.info("small").Metadata), fmt.Sprint(md))
	k.add("small", "1", "2", "3")
	k.equal("events of a session of two", len(k.stored("small")), 2)
	_, err = k.any().Append(k.ctx, "small", ring.Event{Data: make([]byte, 11)})
	k.wantErr("an event over the session's own limit", err, ring.ErrEventTooLarge)
	longID := strings.Repeat("x", 300)
	_, err = creator().CreateWith(k.ctx, shard.Options{ID: "ids", Ring: ring.Config{MaxIDBytes: 300, StrictIDs: true}})
	if err != nil {
		k.Fatalf("CreateWith: %v", err)
	}
	k.append("ids", ring.Event{ID: longID})
	wantRefusedID(k, "ids", longID+"x")
	wantRefusedID(k, "ids", "é")
	wantRefusedID(k, "small", longID)
	minted, err := creator().CreateWith(k.ctx, shard.Options{})
	if err != nil || minted == "" {
		k.Fatalf("CreateWith without an ID: %q, %v", minted, err)
	}
	k.add(minted, "1", "2", "3")
	k.equal("events of a session with the Store's limits", len(k.stored(minted)), 3)
	_, err = creator().CreateWith(k.ctx, shard.Options{ID: "small"})
	k.wantErr("an ID that is taken", err, shard.ErrExists)
	_, err = creator().CreateWith(k.ctx, shard.Options{ID: "wrong", Ring: ring.Config{MaxEvents: -1}})
	if err == nil || !strings.Contains(err.Error(), "MaxEvents") {
		k.Errorf("a negative limit: %v, want an error that names it", err)
	}
	_, err = creator().CreateWith(k.ctx, shard.Options{ID: "wrong", Ring: ring.Config{MaxIDBytes: 1025}})
	var limit *ring.ConfigError
	if !errors.As(err, &limit) || limit.Field != "MaxIDBytes" || limit.Value != 1025 {
		k.Errorf("a limit above its bound: %v, want an error that tells field and value", err)
	}
}

func tellsLimits(k *kit) {
	for _, cfg := range []ring.Config{
		{},
		{MaxEvents: 7, MaxBytes: 4096, MaxEventBytes: 300, MaxIDBytes: 20},
		{MaxEventBytes: 50, StrictIDs: true},
	} {
		k.start(Config{Ring: cfg})
		limiter := has[replay.Limiter](k)
		want, err := cfg.Complete()
		if err != nil {
			k.Fatal(err)
		}
		if got := limiter().Limits(); got != want {
			k.Errorf("a Store with %+v has the limits %+v, want %+v", cfg, got, want)
		}
		if want.MaxEventBytes > 1000 {
			continue
		}
		k.create("s")
		k.append("s", ring.Event{Data: make([]byte, want.MaxEventBytes)})
		_, err = k.any().Append(k.ctx, "s", ring.Event{Data: make([]byte, want.MaxEventBytes+1)})
		k.wantErr("an event that is larger by a byte", err, ring.ErrEventTooLarge)
	}
}

func finishesOnce(k *kit) {
	k.start(Config{})
	finisher := has[replay.Finisher](k)
	k.create("s")
	stored := k.add("s", "a", "b")
	for range 2 {
		if err := finisher().Finish(k.ctx, "s"); err != nil {
			k.Errorf("Finish: %v", err)
		}
	}
	_, err := k.any().Append(k.ctx, "s", ring.Event{})
	k.wantErr("Append after Finish", err, shard.ErrFinished)
	r := k.open("s", replay.Position{LastEventID: stored[0].ID})
	k.same("what is left", k.next(r), stored[1])
	k.expectEnd(r, shard.ErrFinished)
	k.wantErr("Finish of an unknown session", finisher().Finish(k.ctx, "nobody"), shard.ErrNotFound)
	k.terminate("s")
	k.wantErr("Finish of an ended session", finisher().Finish(k.ctx, "s"), shard.ErrNotFound)
}

func metadataUTF8(k *kit) {
	k.start(Config{})
	const bad = "a\xffb"
	for field, md := range map[string]shard.Metadata{
		"Transport":  {Transport: bad},
		"Principal":  {Principal: bad},
		"ClientInfo": {ClientInfo: map[string]any{"list": []any{bad}}},
	} {
		if _, err := k.any().Create(k.ctx, "bad", md); err == nil || !strings.Contains(err.Error(), field) {
			k.Errorf("%s that is not UTF-8: %v, want an error that names it", field, err)
		}
		_, err := k.any().Info(k.ctx, "bad")
		k.wantErr("Info of a session that was refused", err, shard.ErrNotFound)
	}
	k.create("s")
	err := k.any().Update(k.ctx, "s", func(md *shard.Metadata) { md.Transport = bad })
	if err == nil || !strings.Contains(err.Error(), "Transport") {
		k.Errorf("Update with a Transport that is not UTF-8: %v", err)
	}
	k.equal("Transport", k.info("s").Transport, "")
}
