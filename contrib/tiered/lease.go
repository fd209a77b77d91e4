package tiered

import "time"

// renewAll renews the leases of all sessions, each on its own: none waits for another. One that
// fails is tried again a little later.
func (s *Store) renewAll() {
	ticker := time.NewTicker(s.cfg.Term / 12)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-s.ctx.Done():
			return
		}
		now := time.Now().UnixNano()
		s.held.Range(func(_, v any) bool {
			h := v.(*session)
			if h.renewAt.Load() <= now && !h.isOver() && !h.renewing.Swap(true) {
				s.spawn(h.renew)
			}
			return s.ctx.Err() == nil
		})
	}
}

// renew keeps the session, and lets it live on here when somebody reads it elsewhere. One that has
// finished is not written to any more, and needs no lease: it is only looked at.
func (h *session) renew() {
	defer h.renewing.Store(false)
	ctx, began := h.store.ctx, time.Now() // the Store behind counts from later than that
	if h.finished.Load() {
		h.doubt()
		h.renewAt.Store(began.Add(h.store.cfg.Term / 3).UnixNano())
		return
	}
	err := h.call(ctx, h.writer().Renew)
	if isLost(err) {
		h.doubt()
		return
	}
	if err != nil {
		return // at the next tick again
	}
	h.renewAt.Store(began.Add(h.store.cfg.Term / 3).UnixNano())
	if !h.isIdle() {
		return
	}
	info, err := h.store.infoBehind(ctx, h.id)
	if err == nil && info.Attached > 0 {
		h.front.Touch()
	}
}

// isIdle reports whether the session may soon expire here: whoever reads it elsewhere keeps it
// alive.
func (h *session) isIdle() bool {
	info := h.front.Info()
	return info.Attached == 0 && time.Since(info.LastActivity) > h.store.cfg.Term/2
}

// wasAway reports whether the Store behind could not be reached for so long that the copy may have
// expired.
func (h *session) wasAway() bool {
	renewed := time.Unix(0, h.renewAt.Load()).Add(-h.store.cfg.Term / 3)
	ttl := h.writer().Held().Options.TTL
	if ttl == 0 {
		ttl = h.store.cfg.Shard.TTL
	}
	return ttl > 0 && time.Since(renewed) >= ttl
}
