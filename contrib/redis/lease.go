package redis

import (
	"context"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// held are the readers of one session, which a tag tells from others that had its ID.
type held struct{ id, tag string }

// beat renews the leases of one bucket every third of a Lease, until it has neither readers nor a
// subscription. It has one command on its way at a time, and pauses after one that failed, longer
// each time: that is all that a server which hangs gets, or costs. Other buckets do not wait for
// it.
func (h *hub) beat(ctx context.Context, bucket int) {
	every := h.store.cfg.Lease / 3
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for wait := time.Duration(0); ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		all, more := h.survey(bucket)
		if !more {
			return
		}
		for k, readers := range all {
			if h.renew(ctx, k, readers) == nil {
				wait = 0
				continue
			}
			wait = min(max(50*time.Millisecond, 2*wait), every)
			select {
			case <-time.After(wait/2 + rand.N(wait)):
			case <-ctx.Done():
				return
			}
		}
	}
}

// survey lists the readers of a bucket, or gives up its subscription when it has been idle since
// the survey before.
func (h *hub) survey(bucket int) (all map[held][]*reader, more bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.channels[bucket]
	if c == nil {
		return nil, false
	}
	if len(c.sessions) == 0 && c.idle {
		c.stop()
		delete(h.channels, bucket)
		return nil, false
	}
	c.idle = len(c.sessions) == 0
	all = map[held][]*reader{}
	for id, readers := range c.sessions {
		for r := range readers {
			if r.tag != "" { // else Open has not attached it yet
				k := held{id, r.tag}
				all[k] = append(all[k], r)
			}
		}
	}
	return all, true
}

// renew holds a session for its readers, and wakes those that have not seen what is newest. The
// error is one of the server or of the way there.
func (h *hub) renew(ctx context.Context, k held, readers []*reader) error {
	s := h.store
	ctx, cancel := context.WithTimeout(ctx, min(s.cfg.Timeout, s.cfg.Lease/3))
	defer cancel()
	args := []string{s.head, k.tag, strconv.Itoa(max(0, s.cfg.MaxAttached))}
	for _, r := range readers {
		name := r.name
		if r.lapsed.Load() {
			name = "+" + name
		}
		args = append(args, name)
	}
	m, err := s.scripts.renew.Exec(ctx, s.client, s.buckets.keys(k.id), args).ToMessage()
	if err != nil {
		return err // the next beat tries again, and a subscription that comes back wakes all
	}
	var list []rueidis.RedisMessage
	if !m.IsInt64() {
		list, _ = m.ToArray()
	}
	if len(list) > 2 {
		s.hinted(k.id, number(list[2]))
	}
	for i, r := range readers {
		answer := int64(1)
		if i+3 < len(list) {
			answer = number(list[i+3])
		}
		r.lapsed.Store(answer == 0)
		if answer == 2 {
			r.full.Store(true)
		}
		if answer == 2 || len(list) < 3 || number(list[0]) != 0 || uint64(number(list[1])) != r.read.Load() {
			r.notify(0)
		}
	}
	return nil
}
