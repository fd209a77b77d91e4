package storetest

import (
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func expiring() []test {
	return []test{
		{name: "expires a session a TTL after its last activity, and no earlier", run: expires},
		{name: "keeps a session with an open reader", run: readerHoldsExpiryOff},
		{name: "describes an ended session for Linger and keeps its ID that long", run: lingers},
		{name: "keeps a finished session readable for Linger", needs: Finishing, run: finishedLingers},
		{name: "never expires a session without a TTL", run: neverExpires},
	}
}

// inTime runs attempt until it was fast enough to tell: what a session does before its time is over can be seen only by one who looks before.
// An attempt that was too slow returns false before it has failed. With fake time the first one is fast enough.
func (k *kit) inTime(cfg Config, attempt func() bool) {
	k.Helper()
	for range 5 {
		k.start(cfg)
		if attempt() {
			return
		}
	}
	k.Fatalf("five attempts were too slow for a TTL of %v: Subject.TTL is too short for this machine", k.subject.TTL)
}

// nearly is when to look whether a session is still there that lives for d.
func (k *kit) nearly(d time.Duration) time.Duration {
	if k.subject.FakeTime {
		return d - time.Millisecond
	}
	return d * 3 / 4
}

// until sleeps until d after since.
func (k *kit) until(since time.Time, d time.Duration) { k.sleep(time.Until(since.Add(d))) }

// alive reports whether the session has that status, if it can be told before the deadline.
func (k *kit) alive(id string, want shard.Status, deadline time.Time) (inTime bool) {
	k.Helper()
	info, err := k.any().Info(k.ctx, id)
	if time.Now().After(deadline) {
		return false
	}
	if err != nil || info.Status != want {
		k.Fatalf("session %q before its time is over: %v, error %v; want %v", id, info.Status, err, want)
	}
	return true
}

// activities are all uses of a Store that keep a session alive.
func (k *kit) activities() map[string]func(id string) error {
	return map[string]func(id string) error{
		"nothing": nil,
		"Append":  func(id string) error { _, err := k.any().Append(k.ctx, id, ring.Event{}); return err },
		"Touch":   func(id string) error { return k.any().Touch(k.ctx, id) },
		"Update": func(id string) error {
			return k.any().Update(k.ctx, id, func(md *shard.Metadata) { md.Transport = "x" })
		},
		"Close": func(id string) error {
			r, err := k.any().Open(k.ctx, id, replay.Position{})
			if err == nil {
				r.Close()
			}
			return err
		},
	}
}

func expires(k *kit) {
	ttl := k.subject.TTL
	k.inTime(Config{TTL: ttl, Linger: time.Hour}, func() bool {
		began := map[string]time.Time{} // before the last activity began
		for what := range k.activities() {
			began[what] = time.Now()
			k.create(what)
		}
		k.until(began["nothing"], k.nearly(ttl))
		for what, do := range k.activities() {
			if !k.alive(what, shard.Active, began[what].Add(ttl)) {
				return false
			}
			if do == nil {
				continue
			}
			start := time.Now()
			if err := do(what); err != nil {
				if time.Since(began[what]) > ttl {
					return false
				}
				k.Fatalf("%s: %v", what, err)
			}
			began[what] = start
		}
		ended := time.Now() // all activities
		for what, start := range began {
			if what == "nothing" {
				continue
			}
			k.until(start, k.nearly(ttl))
			if !k.alive(what, shard.Active, start.Add(ttl)) {
				return false
			}
		}
		k.until(ended, ttl+k.subject.Late)
		for what := range began {
			k.wantRefused(what)
			k.equal("status of "+what, k.info(what).Status, shard.Expired)
			k.equal("log of "+what, k.info(what).Log, ring.Stats{})
		}
		return true
	})
}

func readerHoldsExpiryOff(k *kit) {
	ttl := k.subject.TTL
	k.inTime(Config{TTL: ttl}, func() bool {
		began := time.Now()
		k.create("s")
		k.add("s", "1")
		r, another := k.open("s", replay.Position{}), k.open("s", replay.Position{})
		if time.Since(began) > ttl {
			return false
		}
		another.Close()
		for range 3 {
			k.sleep(ttl)
			k.equal("status while a reader is open", k.info("s").Status, shard.Active)
		}
		k.add("s", "2")
		k.sleep(ttl)
		k.expect(r, "1", "2")
		closing := time.Now()
		r.Close()
		k.until(closing, k.nearly(ttl))
		if !k.alive("s", shard.Active, closing.Add(ttl)) {
			return false
		}
		k.eventually("the session expires after its last reader", func() bool { return k.info("s").Status == shard.Expired })
		// eventually looks once in a twentieth of the TTL
		if late := time.Since(closing) - ttl; k.subject.FakeTime && late > k.subject.Late+k.subject.TTL/20 {
			k.Errorf("it expired %v late", late)
		}
		k.wantRefused("s")
		return true
	})
}

func lingers(k *kit) {
	ttl, linger := k.subject.TTL, k.subject.TTL/2
	k.inTime(Config{TTL: ttl, Linger: linger}, func() bool {
		created := time.Now()
		k.create("expires")
		k.create("terminated")
		latest := time.Now()
		terminated := time.Now()
		k.terminate("terminated")
		k.until(terminated, k.nearly(linger))
		if !k.alive("terminated", shard.Terminated, terminated.Add(linger)) {
			return false
		}
		_, err := k.any().Create(k.ctx, "terminated", shard.Metadata{})
		if time.Since(terminated) > linger {
			return false
		}
		k.wantErr("Create while it lingers", err, shard.ErrExists)
		k.until(latest, ttl+k.subject.Late)
		if !k.alive("expires", shard.Expired, created.Add(ttl+linger)) {
			return false
		}
		k.until(latest, ttl+linger+2*k.subject.Late)
		for _, id := range []string{"expires", "terminated"} {
			_, err := k.any().Info(k.ctx, id)
			k.wantErr("Info of one that was "+id, err, shard.ErrNotFound)
			k.create(id)
			k.equal("events of a new session", len(k.stored(id)), 0)
		}
		return true
	})
}

func finishedLingers(k *kit) {
	linger := k.subject.TTL / 2
	k.inTime(Config{Linger: linger}, func() bool {
		k.create("s")
		k.add("s", "1")
		finishing := time.Now()
		k.finish("s")
		finished := time.Now()
		k.until(finishing, k.nearly(linger))
		events, err := k.drain("s", replay.Position{})
		if time.Since(finishing) > linger {
			return false
		}
		if err != nil || len(events) != 1 {
			k.Fatalf("finished session: %d events, error %v", len(events), err)
		}
		k.until(finished, linger+k.subject.Late)
		k.wantRefused("s")
		return true
	})
}

func neverExpires(k *kit) {
	k.start(Config{TTL: -1})
	k.create("s")
	k.sleep(k.subject.TTL)
	k.equal("status", k.info("s").Status, shard.Active)
	k.add("s", "1")
	k.equal("events", len(k.stored("s")), 1)
}
