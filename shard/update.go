package shard

import "github.com/reprise-go/reprise/internal/callers"

// Update lets change modify a copy of the session's metadata, and then puts that in place. It is
// activity. It fails with [ErrNotFound], with [ErrPrincipal] when change touches the principal,
// with [ErrMetadataTooLarge], [ErrInvalidMetadata] or [ErrNestedUpdate]; then nothing is changed.
//
// Concurrent updates lose nothing of each other: change is called again, on the newer metadata,
// when another one came first. So change must have no effects beside its argument. It may call
// anything but Update, of this session or another: each call would undo what the other has seen,
// without end. No lock is held while it runs.
func (s *Session) Update(change func(*Metadata)) error {
	if callers.Include(callers.Entry(applyChange)) {
		return about(ErrNestedUpdate, s.ID())
	}
	if st := s.stateNow(); st.isEnded() {
		return s.refusal(st)
	}
	for {
		old := s.metadata.Load()
		if old != nil && old.final {
			return s.refusal(state(s.state.Load()))
		}
		md := old.public()
		if change != nil {
			applyChange(change, &md)
		}
		if md.Principal != old.principal() {
			return about(ErrPrincipal, s.ID())
		}
		replacement, err := newMetadata(md)
		if err != nil {
			return err
		}
		if s.metadata.CompareAndSwap(old, replacement) {
			s.home.extras.Add(replacement.bytes() - old.bytes())
			s.touch()
			return nil
		}
	}
}

// applyChange calls an Update's function. A goroutine that has it on its stack runs inside one.
//
//go:noinline
func applyChange(change func(*Metadata), md *Metadata) { change(md) }

// finalMetadata makes the session's metadata final, so that no Update changes it any more, and
// returns it. It is for sessions that have ended.
func (s *Session) finalMetadata() *metadata {
	for {
		old := s.metadata.Load()
		if old != nil && old.final {
			return old
		}
		final := &s.home.m.noMetadata
		if old != nil {
			final = &metadata{old.Metadata, old.size, true}
		}
		if s.metadata.CompareAndSwap(old, final) {
			return final
		}
	}
}
