package storetest

import (
	"errors"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// Cases are exact about time where it is fake. Where it is real, they wait for what a busy machine
// is late with, and try again, with more time, what it was too slow to see.

// eventually polls until ok.
func (k *kit) eventually(what string, ok func() bool) {
	k.Helper()
	for pause := time.Millisecond; !ok(); pause = min(2*pause, k.subject.TTL/20) {
		if k.ctx.Err() != nil {
			k.Fatalf("does not come true: %s", what)
		}
		k.sleep(pause)
	}
}

// byNow wants ok with fake time. In real time it polls until ok: when a busy machine gets round to
// it nobody can say.
func (k *kit) byNow(what string, ok func() bool) {
	k.Helper()
	if !k.subject.FakeTime {
		k.eventually(what, ok)
	} else if !ok() {
		k.Fatalf("is not true in time: %s", what)
	}
}

// sleep lets d pass on the Store's clock.
func (k *kit) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// inTime runs attempt with a TTL until it was fast enough to tell: what a session does before its
// time is over can be seen only by one who looks before. An attempt that was too slow returns false
// before it has failed, and the next one has twice the time. With fake time the first one is fast
// enough.
func (k *kit) inTime(attempt func(ttl time.Duration) bool) {
	k.Helper()
	ttl := k.subject.TTL
	for range 4 {
		if attempt(ttl) {
			return
		}
		ttl *= 2
	}
	k.Fatalf("attempts with a TTL of up to %v were too slow", ttl/2)
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

// over sleeps until d after since, when the session's time is over, and as long as the Store may be
// late. Then the Store is to have noticed.
func (k *kit) over(id string, since time.Time, d time.Duration, noticed func(shard.Info, error) bool) {
	k.Helper()
	k.until(since, d+k.subject.Late)
	k.byNow("the time of "+id+" is over", func() bool { return noticed(k.any().Info(k.ctx, id)) })
}

func isExpired(info shard.Info, err error) bool { return err != nil || info.Status == shard.Expired }

func isForgotten(_ shard.Info, err error) bool { return errors.Is(err, shard.ErrNotFound) }
