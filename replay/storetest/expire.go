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
	k.inTime(func(ttl time.Duration) bool {
		k.start(Config{TTL: ttl, Linger: time.Hour})
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
		for what := range began {
			k.over(what, ended, ttl, isExpired)
			k.wantRefused(what)
			k.equal("status of "+what, k.info(what).Status, shard.Expired)
			k.equal("log of "+what, k.info(what).Log, ring.Stats{})
		}
		return true
	})
}

func readerHoldsExpiryOff(k *kit) {
	k.inTime(func(ttl time.Duration) bool {
		k.start(Config{TTL: ttl})
		began := time.Now()
		k.create("s")
		r, err := k.any().Open(k.ctx, "s", replay.Position{})
		if err == nil {
			k.Cleanup(r.Close)
		}
		if time.Since(began) > ttl {
			return false
		}
		k.wantErr("Open", err, nil)
		k.add("s", "1")
		k.open("s", replay.Position{}).Close()
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
		k.over("s", closing, ttl, isExpired)
		k.equal("status after the last reader", k.info("s").Status, shard.Expired)
		k.wantRefused("s")
		return true
	})
}

func lingers(k *kit) {
	k.inTime(func(ttl time.Duration) bool {
		linger := ttl / 2
		k.start(Config{TTL: ttl, Linger: linger})
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
		k.over("expires", latest, ttl, isExpired)
		if !k.alive("expires", shard.Expired, created.Add(ttl+linger)) {
			return false
		}
		for _, id := range []string{"expires", "terminated"} {
			k.over(id, latest, ttl+k.subject.Late+linger, isForgotten)
			_, err := k.any().Info(k.ctx, id)
			k.wantErr("Info of one that was "+id, err, shard.ErrNotFound)
			k.create(id)
			k.equal("events of a new session", len(k.stored(id)), 0)
		}
		return true
	})
}

func finishedLingers(k *kit) {
	k.inTime(func(ttl time.Duration) bool {
		linger := ttl / 2
		k.start(Config{Linger: linger})
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
		k.over("s", finished, linger, isForgotten)
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
