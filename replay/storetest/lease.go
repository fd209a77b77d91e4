package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// leasing are cases about a replay.Leaser.
func leasing() []test {
	return []test{
		{name: "refuses everybody but the writer that holds a session", run: leaseHolds},
		{name: "lets readers and claims through while a session is held", run: leaseLetsThrough},
		{name: "gives a session to its holder again, and fences the writer from before", run: leaseAgain},
		{name: "fences the writer of a session that was released", run: leaseReleased},
		{name: "lets another writer take a session when the lease has run out", run: leaseLapses},
		{name: "lets a plain append take a session when the lease has run out", run: leaseTakenByAppend},
		{name: "keeps a writer to its incarnation of a session", run: leaseIncarnation},
		{name: "tells a writer which keys are claimed, and claims those that it brings", run: leaseClaims},
		{name: "lets the writer of an expired session go on with it", run: leaseGoesOn},
		{name: "refuses leases that are out of range, and sessions that cannot be held", run: leaseRefused},
		{name: "gives a free session to one of racing writers", run: leaseRacing},
		{name: "mixes no events of writers that take a session from each other", run: leaseTakeovers},
	}
}

// longTerm is a lease that does not run out within a case.
func longTerm(holder string) replay.Lease { return replay.Lease{Holder: holder, Term: time.Hour} }

func (k *kit) hold(leaser replay.Leaser, o shard.Options, l replay.Lease) replay.Writer {
	k.Helper()
	w, err := leaser.CreateHeld(k.ctx, o, l)
	if err != nil {
		k.Fatalf("CreateHeld of %q: %v", o.ID, err)
	}
	return w
}

func (k *kit) acquire(leaser replay.Leaser, id string, l replay.Lease) replay.Writer {
	k.Helper()
	w, err := leaser.Acquire(k.ctx, id, l)
	if err != nil {
		k.Fatalf("Acquire of %q: %v", id, err)
	}
	return w
}

// leased are the events first to last, as a writer gives them.
func leased(first, last uint64, data string) (es []ring.Event) {
	for seq := first; seq <= last; seq++ {
		es = append(es, ring.Event{
			Seq: seq, ID: fmt.Sprint("front-", seq), Time: time.Unix(int64(seq), 0), Data: []byte(data),
		})
	}
	return es
}

func (k *kit) write(w replay.Writer, es []ring.Event) {
	k.Helper()
	if err := w.Append(k.ctx, es); err != nil {
		k.Fatalf("a writer's Append of %d to %d: %v", es[0].Seq, es[len(es)-1].Seq, err)
	}
}

// wantHeld wants a *replay.HeldError that names the holder of a lease of an hour.
func (k *kit) wantHeld(what string, err error, holder string) {
	k.Helper()
	held := (*replay.HeldError)(nil)
	if !errors.Is(err, replay.ErrHeld) || !errors.As(err, &held) {
		k.Errorf("%s: error %v, want a *HeldError", what, err)
		return
	}
	if held.ID != "s" || held.Holder != holder || held.Left <= 0 || held.Left > time.Hour {
		k.Errorf("%s: %+v, want s, holder %q and up to an hour", what, *held, holder)
	}
}

// useWriter calls all methods of w, the last of them Terminate.
func (k *kit) useWriter(w replay.Writer, next uint64) map[string]error {
	return map[string]error{
		"Append":    w.Append(k.ctx, leased(next, next, "late")),
		"Restart":   w.Restart(k.ctx, next+100),
		"Update":    w.Update(k.ctx, func(*shard.Metadata) {}),
		"Renew":     w.Renew(k.ctx),
		"Finish":    w.Finish(k.ctx),
		"Release":   w.Release(k.ctx),
		"Terminate": w.Terminate(k.ctx),
	}
}

func leaseHolds(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 10}})
	leaser := has[replay.Leaser](k)
	w := k.hold(leaser(), shard.Options{
		ID: "s", Ring: ring.Config{MaxEvents: 3}, Metadata: shard.Metadata{Principal: "me"},
	}, replay.Lease{Holder: "a", Term: time.Hour, Note: "note of a"})
	if h := w.Held(); h.Incarnation == "" || h.Token == 0 || h.Note != "note of a" || h.First != 0 || h.Last != 0 ||
		h.Options.ID != "s" || h.Options.Principal != "me" || h.Options.TTL != 0 ||
		h.Options.Ring != (ring.Config{MaxEvents: 3}) {
		k.Errorf("the writer was told %+v", h)
	}
	k.write(w, leased(1, 2, "a"))
	_, err := leaser().Acquire(k.ctx, "s", longTerm("b"))
	k.wantHeld("Acquire by another", err, "a")
	_, err = k.any().Append(k.ctx, "s", ring.Event{Data: []byte("plain")})
	k.wantHeld("Append", err, "a")
	k.wantHeld("Update", k.any().Update(k.ctx, "s", func(*shard.Metadata) {}), "a")
	if b, ok := k.any().(replay.Batcher); ok {
		_, err := b.AppendAll(k.ctx, "s", []ring.Event{{}, {}})
		k.wantHeld("AppendAll", err, "a")
	}
	if f, ok := k.any().(replay.Finisher); ok {
		k.wantHeld("Finish", f.Finish(k.ctx, "s"), "a")
	}
	k.write(w, leased(3, 4, "a"))
	for i, e := range k.stored("s") {
		k.same("stored", e, leased(2, 4, "a")[i])
	}
	if err := w.Update(k.ctx, func(md *shard.Metadata) { md.Transport = "new" }); err != nil {
		k.Errorf("the writer's Update: %v", err)
	}
	k.equal("Transport", k.info("s").Transport, "new")
	if err := w.Finish(k.ctx); err != nil {
		k.Errorf("the writer's Finish: %v", err)
	}
	k.wantErr("the writer's Append after that", w.Append(k.ctx, leased(5, 5, "a")), shard.ErrFinished)
	if err := w.Terminate(k.ctx); err != nil {
		k.Errorf("the writer's Terminate: %v", err)
	}
	k.wantErr("and Append after that", w.Append(k.ctx, leased(5, 5, "a")), shard.ErrNotFound)
}

func leaseLetsThrough(k *kit) {
	k.start(Config{})
	leaser := has[replay.Leaser](k)
	w := k.hold(leaser(), shard.Options{ID: "s"}, longTerm("a"))
	k.write(w, leased(1, 1, "one"))
	r := k.open("s", replay.Position{All: true})
	k.expect(r, "one")
	woken := k.waiting(r)
	k.write(w, leased(2, 2, "two"))
	if err := <-woken; err != nil {
		k.Fatalf("Wait: %v", err)
	}
	k.expect(r, "two")
	after := k.open("s", replay.Position{LastEventID: "front-1", All: true})
	k.expect(after, "two")
	k.equal("events", k.info("s").Log.Events, 2)
	if err := k.any().Touch(k.ctx, "s"); err != nil {
		k.Errorf("Touch: %v", err)
	}
	if c, ok := k.any().(replay.Claimer); ok {
		if err := c.Claim(k.ctx, "s", "key"); err != nil {
			k.Errorf("Claim: %v", err)
		}
	}
	k.terminate("s")
	for what, err := range k.useWriter(w, 3) {
		k.wantErr("the writer's "+what+" after Terminate", err, shard.ErrNotFound)
	}
}

func leaseAgain(k *kit) {
	k.start(Config{})
	leaser := has[replay.Leaser](k)
	before := k.hold(leaser(), shard.Options{ID: "s"}, replay.Lease{Holder: "a", Term: time.Hour, Note: "first"})
	k.write(before, leased(1, 3, "x"))
	again := k.acquire(leaser(), "s", replay.Lease{Holder: "a", Term: time.Hour, Note: "second"})
	was, is := before.Held(), again.Held()
	if is.Token <= was.Token || is.Incarnation != was.Incarnation ||
		is.Note != "first" || is.First != 1 || is.Last != 3 {
		k.Errorf("the second time the holder is told %+v, the first time %+v", is, was)
	}
	for what, err := range k.useWriter(before, 4) {
		k.wantErr("the first writer's "+what, err, replay.ErrFenced)
	}
	k.write(again, leased(4, 4, "x"))
	k.equal("events", len(k.stored("s")), 4)
}

func leaseReleased(k *kit) {
	k.start(Config{})
	leaser := has[replay.Leaser](k)
	a := k.hold(leaser(), shard.Options{ID: "s"}, longTerm("a"))
	k.write(a, leased(1, 2, "a"))
	if err := a.Release(k.ctx); err != nil {
		k.Fatalf("Release: %v", err)
	}
	for what, err := range k.useWriter(a, 3) {
		k.wantErr(what+" after Release", err, replay.ErrFenced)
	}
	k.equal("the plain event's sequence", k.append("s", ring.Event{}).Seq, uint64(3))
	b := k.acquire(leaser(), "s", longTerm("b"))
	if h := b.Held(); h.Token <= a.Held().Token || h.Last != 3 {
		k.Errorf("b is told %+v, a was told %+v", h, a.Held())
	}
	k.write(b, leased(4, 4, "b"))
	_, err := k.any().Append(k.ctx, "s", ring.Event{})
	k.wantHeld("Append", err, "b")
}

func leaseLapses(k *kit) {
	k.inTime(func(ttl time.Duration) bool {
		k.start(Config{TTL: time.Hour})
		leaser := has[replay.Leaser](k)
		id := fmt.Sprint("s", ttl)
		granted := time.Now()
		a := k.hold(leaser(), shard.Options{ID: id}, replay.Lease{Holder: "a", Term: ttl})
		k.until(granted, k.nearly(ttl))
		_, err := leaser().Acquire(k.ctx, id, longTerm("b"))
		renewed := time.Now()
		if renewed.Sub(granted) > ttl-ttl/20 && !k.subject.FakeTime {
			return false
		}
		k.wantErr("Acquire while the lease runs", err, replay.ErrHeld)
		if err := a.Renew(k.ctx); err != nil {
			k.Fatalf("Renew: %v", err)
		}
		k.until(renewed, k.nearly(ttl))
		_, err = leaser().Acquire(k.ctx, id, longTerm("b"))
		if time.Since(renewed) > ttl-ttl/20 && !k.subject.FakeTime {
			return false
		}
		k.wantErr("Acquire while the renewed lease runs", err, replay.ErrHeld)
		k.sleep(ttl + k.subject.Late)
		k.write(a, leased(1, 1, "nobody has taken the session"))
		var b replay.Writer
		k.byNow("the lease has run out", func() bool {
			b, err = leaser().Acquire(k.ctx, id, longTerm("b"))
			return err == nil
		})
		k.equal("the newest event", b.Held().Last, 1)
		for what, err := range k.useWriter(a, 2) {
			k.wantErr(what+" of one that lost the session", err, replay.ErrFenced)
		}
		k.write(b, leased(2, 2, "b"))
		return true
	})
}

func leaseTakenByAppend(k *kit) {
	k.start(Config{TTL: time.Hour})
	leaser := has[replay.Leaser](k)
	const term = 100 * time.Millisecond
	a := k.hold(leaser(), shard.Options{ID: "s"}, replay.Lease{Holder: "a", Term: term})
	k.sleep(term + k.subject.Late)
	if err := a.Renew(k.ctx); err != nil {
		k.Errorf("Renew of a lease that has run out: %v", err)
	}
	k.sleep(term + k.subject.Late)
	k.byNow("the lease has run out", func() bool {
		_, err := k.any().Append(k.ctx, "s", ring.Event{})
		if err != nil && !errors.Is(err, replay.ErrHeld) {
			k.Fatalf("Append: %v", err)
		}
		return err == nil
	})
	for what, err := range k.useWriter(a, 2) {
		k.wantErr(what+" after a plain append", err, replay.ErrFenced)
	}
	k.equal("events", len(k.stored("s")), 1)
}

func leaseIncarnation(k *kit) {
	k.start(Config{Linger: -1})
	leaser := has[replay.Leaser](k)
	old := k.hold(leaser(), shard.Options{ID: "s"}, longTerm("a"))
	k.terminate("s")
	now := k.hold(leaser(), shard.Options{ID: "s"}, longTerm("a"))
	if old.Held().Incarnation == now.Held().Incarnation {
		k.Errorf("two sessions are incarnation %q", now.Held().Incarnation)
	}
	for what, err := range k.useWriter(old, 1) {
		k.wantErr(what+" of the writer of an earlier session", err, shard.ErrNotFound)
	}
	k.equal("events", len(k.stored("s")), 0)
	k.write(now, leased(1, 1, "now"))
}

func leaseClaims(k *kit) {
	k.start(Config{})
	leaser, claimer := has[replay.Leaser](k), has[replay.Claimer](k)
	l := longTerm("a")
	l.Claims = []string{"one", "two", "with space", "two", "four"}
	w := k.hold(leaser(), shard.Options{ID: "s"}, l)
	for _, key := range l.Claims {
		k.wantErr("Claim of "+key, claimer().Claim(k.ctx, "s", key), shard.ErrClaimed)
	}
	if err := claimer().Claim(k.ctx, "s", "five"); err != nil {
		k.Errorf("Claim of another key: %v", err)
	}
	k.write(w, []ring.Event{{Seq: 1, ID: "one", Time: time.Unix(1, 0)}}) // an event's ID is no key
	again := k.acquire(leaser(), "s", longTerm("a"))
	k.equal("the keys", fmt.Sprint(sorted(again.Held().Claims)), "[five four one two with space]")
	other := k.hold(leaser(), shard.Options{ID: "other"}, longTerm("a"))
	k.equal("keys of another session", len(other.Held().Claims), 0)
	if err := claimer().Claim(k.ctx, "other", "late"); err != nil {
		k.Errorf("Claim: %v", err)
	}
	k.equal("the keys", fmt.Sprint(k.acquire(leaser(), "other", longTerm("a")).Held().Claims), "[late]")
	l.Claims = []string{"a\xff"}
	_, err := leaser().CreateHeld(k.ctx, shard.Options{ID: "new"}, l)
	k.wantErr("CreateHeld with a key that is not UTF-8", err, shard.ErrInvalidClaim)
}

func sorted(keys []string) []string { return slices.Sorted(slices.Values(keys)) }

// Whoever knows the note of an expired session need not wait until its Linger is over.
func leaseGoesOn(k *kit) {
	ttl := k.subject.TTL
	k.start(Config{TTL: ttl, Linger: time.Hour})
	leaser := has[replay.Leaser](k)
	note := func(n string) replay.Lease { return replay.Lease{Holder: "a", Term: time.Hour, Note: n} }
	expire := func(id string) {
		k.sleep(ttl + k.subject.Late)
		k.byNow(id+" has expired", func() bool { return k.info(id).Status == shard.Expired })
	}
	old := k.hold(leaser(), shard.Options{ID: "s"}, note("mine"))
	k.write(old, leased(1, 2, "old"))
	k.hold(leaser(), shard.Options{ID: "without"}, note(""))
	expire("s")
	expire("without")
	for id, l := range map[string]replay.Lease{"s": note("another"), "without": note("")} {
		_, err := leaser().CreateHeld(k.ctx, shard.Options{ID: id}, l)
		k.wantErr("CreateHeld with the note "+l.Note, err, shard.ErrExists)
	}
	_, err := k.any().Create(k.ctx, "s", shard.Metadata{})
	k.wantErr("Create of an expired session", err, shard.ErrExists)
	w := k.hold(leaser(), shard.Options{ID: "s", TTL: time.Hour}, note("mine"))
	if h := w.Held(); h.Incarnation == old.Held().Incarnation || h.Note != "mine" || h.Last != 0 {
		k.Errorf("the writer that goes on was told %+v, before that %+v", h, old.Held())
	}
	k.wantErr("Append of the writer before", old.Append(k.ctx, leased(3, 3, "old")), shard.ErrNotFound)
	k.write(w, leased(1, 1, "new"))
	k.equal("events", len(k.stored("s")), 1)
	_, err = leaser().CreateHeld(k.ctx, shard.Options{ID: "s"}, note("mine"))
	k.wantErr("CreateHeld of an active session", err, shard.ErrExists)
	k.terminate("s")
	_, err = leaser().CreateHeld(k.ctx, shard.Options{ID: "s"}, note("mine"))
	k.wantErr("CreateHeld of one that was terminated", err, shard.ErrExists)
}

func leaseRefused(k *kit) {
	k.start(Config{})
	leaser := has[replay.Leaser](k)
	k.create("s")
	for field, leases := range map[string][]replay.Lease{
		"Holder": {{Term: time.Second}, {Holder: strings.Repeat("x", 129), Term: time.Second}},
		"Term":   {{Holder: "a"}, {Holder: "a", Term: 99 * time.Millisecond}, {Holder: "a", Term: time.Hour + 1}},
		"Note":   {{Holder: "a", Term: time.Second, Note: strings.Repeat("x", 257)}},
	} {
		for _, l := range leases {
			if _, err := leaser().Acquire(k.ctx, "s", l); err == nil || !strings.Contains(err.Error(), field) {
				k.Errorf("Acquire with %s out of range: error %v, want one that names it", field, err)
			}
			if _, err := leaser().CreateHeld(k.ctx, shard.Options{ID: "new"}, l); err == nil ||
				!strings.Contains(err.Error(), field) {
				k.Errorf("CreateHeld with %s out of range: error %v, want one that names it", field, err)
			}
		}
	}
	_, err := k.any().Info(k.ctx, "new")
	k.wantErr("Info of a session that was not created", err, shard.ErrNotFound)
	_, err = leaser().Acquire(k.ctx, "nobody", longTerm("a"))
	k.wantErr("Acquire of an unknown session", err, shard.ErrNotFound)
	_, err = leaser().CreateHeld(k.ctx, shard.Options{ID: "s"}, longTerm("a"))
	k.wantErr("CreateHeld of a session that is there", err, shard.ErrExists)
	if k.canFinish() {
		k.finish("s")
		_, err = leaser().Acquire(k.ctx, "s", longTerm("a"))
		k.wantErr("Acquire of a finished session", err, shard.ErrFinished)
	}
	k.terminate("s")
	_, err = leaser().Acquire(k.ctx, "s", longTerm("a"))
	k.wantErr("Acquire of an ended session", err, shard.ErrNotFound)
	longest := replay.Lease{Holder: strings.Repeat("x", 128), Term: time.Hour, Note: strings.Repeat("y", 256)}
	w := k.hold(leaser(), shard.Options{ID: "longest"}, longest)
	k.equal("Note", w.Held().Note, longest.Note)
}
