package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func limiting() []test {
	return []test{
		{name: "holds no more than MaxSessions", needs: Sessions, run: maxSessions},
		{name: "holds exactly MaxSessions under racing creates", needs: Sessions, run: racingSessions},
		{name: "counts no expired session against MaxSessions", needs: Sessions, run: expiredFreesPlace},
		{name: "holds no more than MaxPerPrincipal of one principal", needs: PerPrincipal, run: maxPerPrincipal},
		{name: "attaches exactly MaxAttached readers", needs: Attachments, run: maxAttached},
	}
}

func (k *kit) wantLimit(what, id string, md shard.Metadata) {
	k.Helper()
	_, err := k.any().Create(k.ctx, id, md)
	k.wantErr(what, err, shard.ErrSessionLimit)
}

func maxSessions(k *kit) {
	k.start(Config{MaxSessions: 3})
	for _, id := range []string{"a", "b", "c"} {
		k.create(id)
	}
	k.wantLimit("the fourth session", "d", shard.Metadata{})
	k.wantLimit("the fourth session, with a minted ID", "", shard.Metadata{})
	_, err := k.any().Info(k.ctx, "d")
	k.wantErr("Info of a session that was refused", err, shard.ErrNotFound)
	for range 3 {
		k.terminate("b")
		k.terminate("never there")
	}
	k.create("d")
	k.wantLimit("once the place is taken again", "e", shard.Metadata{})
	if k.canFinish() {
		k.finish("a")
		k.wantLimit("a finished session holds its place", "e", shard.Metadata{})
		k.terminate("a")
		k.create("e")
	}
}

func racingSessions(k *kit) {
	const limit, racers, rounds = 5, 16, 4
	k.start(Config{MaxSessions: limit})
	for range rounds {
		var mu sync.Mutex
		var made []string
		together(racers, func(int) {
			id, err := k.any().Create(k.ctx, "", shard.Metadata{})
			switch {
			case err == nil:
				mu.Lock()
				made = append(made, id)
				mu.Unlock()
			case !errors.Is(err, shard.ErrSessionLimit):
				k.Errorf("Create: %v", err)
			}
		})
		k.equal("sessions", len(made), limit)
		together(len(made), func(i int) {
			for range 2 {
				if err := k.any().Terminate(k.ctx, made[i]); err != nil {
					k.Errorf("Terminate: %v", err)
				}
			}
		})
	}
}

func expiredFreesPlace(k *kit) {
	k.inTime(func(ttl time.Duration) bool {
		k.start(Config{MaxSessions: 2, TTL: ttl / 2})
		k.create("a")
		k.create("b")
		k.sleep(ttl/2 + k.subject.Late)
		k.sleep(time.Second) // until the Store has noticed, whoever asks
		var began []time.Time
		for i, id := range []string{"c", "d"} {
			k.byNow("there is a place for "+id, func() bool {
				began = append(began[:i], time.Now())
				_, err := k.any().Create(k.ctx, id, shard.Metadata{})
				if err != nil && !errors.Is(err, shard.ErrSessionLimit) {
					k.Fatalf("Create: %v", err)
				}
				return err == nil
			})
		}
		_, err := k.any().Create(k.ctx, "e", shard.Metadata{})
		if time.Since(began[0]) > ttl/2 {
			return false
		}
		k.wantErr("the third", err, shard.ErrSessionLimit)
		return true
	})
}

func maxPerPrincipal(k *kit) {
	k.start(Config{MaxPerPrincipal: 2})
	me, them := shard.Metadata{Principal: "me"}, shard.Metadata{Principal: "them"}
	var made atomic.Int64
	together(8, func(i int) {
		_, err := k.any().Create(k.ctx, fmt.Sprint("mine", i), me)
		if err == nil {
			made.Add(1)
		} else if !errors.Is(err, shard.ErrSessionLimit) {
			k.Errorf("Create: %v", err)
		}
	})
	k.equal("my sessions", made.Load(), 2)
	k.createWith("theirs", them)
	for i := range 5 {
		k.create(fmt.Sprint("nobody's", i))
	}
	k.wantLimit("my third session", "mine", me)
	for i := range 8 {
		k.terminate(fmt.Sprint("mine", i))
	}
	k.createWith("mine-again", me)
}

func maxAttached(k *kit) {
	const limit = 3
	k.start(Config{MaxAttached: limit})
	k.create("s")
	k.create("other")
	var mu sync.Mutex
	var readers []replay.Reader
	together(4*limit, func(int) {
		r, err := k.any().Open(k.ctx, "s", replay.Position{})
		if err == nil {
			mu.Lock()
			readers = append(readers, r)
			mu.Unlock()
		} else if !errors.Is(err, shard.ErrAttachLimit) {
			k.Errorf("Open: %v", err)
		}
	})
	k.equal("readers", len(readers), limit)
	k.open("other", replay.Position{}).Close()
	for _, r := range readers {
		r.Close()
	}
	k.eventually("a place is free", func() bool {
		r, err := k.any().Open(k.ctx, "s", replay.Position{})
		if err == nil {
			r.Close()
		} else if !errors.Is(err, shard.ErrAttachLimit) {
			k.Fatalf("Open: %v", err)
		}
		return err == nil
	})
}
