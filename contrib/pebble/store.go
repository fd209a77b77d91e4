package pebble

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	engine "github.com/cockroachdb/pebble/v2"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// A Store keeps sessions in a directory. It is safe for concurrent use, and the only one that has
// the directory open.
//
// Whatever changes a session is on disk when the call returns, or within Config.SyncEvery. A call
// whose context ends before that returns the context's error, and may or may not have taken place.
// After a write that failed, every call that changes something is [ErrFailed]; reading goes on.
type Store struct {
	cfg     Config // with defaults
	db      *engine.DB
	lock    *engine.Lock
	commits *committer
	sweeper *sweeper
	disk    disk
	places  places
	opened  time.Time
	epoch   uint64        // how often the directory was opened
	number  atomic.Uint64 // of the last incarnation in this epoch
	tokens  atomic.Uint64 // the last token of a lease in this epoch

	creating sync.Mutex // held by Create from the look at the ID to the entry in the table
	sessions sync.Map   // session ID to *session

	gate   sync.RWMutex // held for reading by everyone who reads from the engine, see enter
	closed atomic.Bool
}

var _ interface {
	replay.Store
	replay.Finisher
	replay.Batcher
	replay.Creator
	replay.Claimer
	replay.Leaser
	replay.Limiter
} = (*Store)(nil)

// Close ends the readers, with shard.ErrClosed; they must still be closed. It waits for what is
// being written, and then gives the directory back. Later calls return shard.ErrClosed. The error
// is [ErrFailed] if something that Config.SyncEvery allowed to wait did not reach the disk. If the
// engine is stuck in a write that failed, the directory stays locked until the process ends, which
// the error says too. It is idempotent.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.sweeper.close()
	for _, v := range s.sessions.Range {
		v.(*session).close()
	}
	s.commits.close()
	s.gate.Lock() // until nobody reads
	defer s.gate.Unlock()
	err := s.commits.err()
	if s.commits.wedged.Load() {
		return fmt.Errorf("%w: the directory stays locked", err)
	}
	return errors.Join(err, closeEngine(s.db), s.lock.Close())
}

// closeEngine turns a panic of Pebble's into an error.
func closeEngine(db *engine.DB) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrFailed, p)
		}
	}()
	if err := db.Close(); err != nil {
		return failure(err)
	}
	return nil
}

// close writes down that readers were open until now, and wakes them.
func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readers > 0 && !s.decided.isEnded() {
		s.touch(s.store.now())
		readers := s.readers
		s.readers = 0
		s.edit().queue()
		s.readers = readers
	}
	s.wake()
}

// places counts active sessions.
type places struct {
	max, maxPerPrincipal int

	mu           sync.Mutex
	taken        int
	perPrincipal map[string]int
}

func (p *places) take(principal string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.max > 0 && p.taken >= p.max {
		return fmt.Errorf("%w: %d, Config.MaxSessions is %d", shard.ErrSessionLimit, p.taken, p.max)
	}
	if n := p.perPrincipal[principal]; principal != "" && p.maxPerPrincipal > 0 && n >= p.maxPerPrincipal {
		return fmt.Errorf("%w: %d of one principal, Config.MaxPerPrincipal is %d", shard.ErrSessionLimit, n,
			p.maxPerPrincipal)
	}
	p.add(principal)
	return nil
}

// restore takes a place whatever the limits: for a session that is there already.
func (p *places) restore(principal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(principal)
}

func (p *places) add(principal string) {
	p.taken++
	if principal != "" {
		p.perPrincipal[principal]++
	}
}

func (p *places) free(principal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	if principal == "" {
		return
	}
	if p.perPrincipal[principal]--; p.perPrincipal[principal] == 0 {
		delete(p.perPrincipal, principal)
	}
}
