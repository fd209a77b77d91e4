package redis

import (
	"sync"
	"time"

	"github.com/redis/rueidis"
)

// renewals is how many leases are renewed at a time; the client pipelines them.
const renewals = 64

// held are the readers of one session, which a tag tells from others that had its ID.
type held struct{ id, tag string }

// beat renews all leases every third of a Lease, until there are neither readers nor subscriptions.
func (h *hub) beat() {
	ticker := time.NewTicker(h.store.cfg.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-h.ctx.Done():
			return
		}
		all, more := h.survey()
		if !more {
			return
		}
		h.renewAll(all)
	}
}

// survey lists the readers and gives up subscriptions that have been idle since the survey before. It reports whether any are left.
func (h *hub) survey() (all map[held][]*reader, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all = map[held][]*reader{}
	for bucket, c := range h.channels {
		if len(c.sessions) == 0 && c.idle {
			c.stop()
			delete(h.channels, bucket)
		}
		c.idle = len(c.sessions) == 0
		for id, readers := range c.sessions {
			for r := range readers {
				if r.tag != "" { // else Open has not attached it yet
					k := held{id, r.tag}
					all[k] = append(all[k], r)
				}
			}
		}
	}
	h.beating = len(h.channels) > 0
	return all, h.beating
}

func (h *hub) renewAll(all map[held][]*reader) {
	var renewing sync.WaitGroup
	slots := make(chan struct{}, renewals)
	for k, readers := range all {
		slots <- struct{}{}
		renewing.Go(func() {
			defer func() { <-slots }()
			h.renew(k, readers)
		})
	}
	renewing.Wait()
}

// renew holds a session for its readers, and wakes those that have not seen what is newest.
func (h *hub) renew(k held, readers []*reader) {
	s := h.store
	args := []string{s.limits, k.tag}
	names := make([]string, len(readers))
	for i, r := range readers {
		if names[i] = r.name; r.lapsed.Swap(false) {
			names[i] = "+" + r.name
		}
	}
	m, err := s.run(h.ctx, s.scripts.renew, s.buckets.keys(k.id), append(args, names...), nil)
	if err != nil {
		return // the next beat tries again, and a subscription that comes back wakes all
	}
	var list []rueidis.RedisMessage
	if !m.IsInt64() {
		list, _ = m.ToArray()
	}
	for i, r := range readers {
		if i+2 < len(list) && number(list[i+2]) == 0 {
			r.lapsed.Store(true)
		}
		if len(list) < 2 || number(list[0]) != 0 || uint64(number(list[1])) != r.read.Load() {
			r.notify(0)
		}
	}
}
