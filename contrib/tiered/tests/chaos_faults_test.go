package tests

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// errFault is what a call to the Store behind fails with on purpose.
var errFault = errors.New("a fault of the test's")

// A store is what stands behind: a Store that can be written to by leases.
type store interface {
	replay.Store
	replay.Leaser
	replay.Claimer
}

// faults make calls fail. All methods are safe for concurrent use.
type faults struct {
	made atomic.Int64

	mu   sync.Mutex
	rnd  *rand.Rand
	rate int            // of a thousand calls so many fail
	away bool           // no call gets through
	late map[string]int // by session: calls that are still to land
	all  int            // the same, of all sessions

	overTheWire bool            // what was sent before a connection broke may land later
	strays      map[string]bool // IDs that a CreateHeld may have made after its caller had given up
}

func newFaults(seed uint64) *faults {
	return &faults{rnd: rand.New(rand.NewPCG(seed, 1)), late: map[string]int{}, strays: map[string]bool{}}
}

// set says how many of a thousand calls fail, and whether the Store can be reached at all.
func (f *faults) set(rate int, away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rate, f.away = rate, away
}

// settled reports whether no late call about a session is under way.
func (f *faults) settled(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.late[id] == 0
}

// quiet reports whether no late call is under way.
func (f *faults) quiet() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all == 0
}

// stray notes that a CreateHeld may have landed late.
func (f *faults) stray(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.strays[id] = true
}

// isStray reports whether there may be a session with that ID which nobody has made. A Store that
// has given a call up cannot know whether it is still to land, and no call that it makes before can
// undo it.
func (f *faults) isStray(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.strays[id]
}

// What becomes of a call.
const (
	fine   = iota
	failed // nothing was done
	lost   // it was done, and the answer is lost
	hung   // nothing was done, and no answer comes
	tardy  // it is done after the caller has given up
	kinds
)

func (f *faults) draw(may int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	kind := fine
	switch {
	case f.away:
		kind = []int{failed, hung}[f.rnd.IntN(2)]
	case f.rnd.IntN(1000) < f.rate:
		kind = 1 + f.rnd.IntN(may)
	}
	if kind != fine {
		f.made.Add(1)
	}
	return kind
}

// call makes a call about a session, or a fault of the kinds up to may of it.
func (f *faults) call(ctx context.Context, id string, may int, do func(context.Context) error) error {
	switch f.draw(may) {
	case failed:
		return errFault
	case lost:
		do(ctx)
		return errFault
	case hung:
		<-ctx.Done()
		return ctx.Err()
	case tardy:
		f.land(ctx, id, do)
		<-ctx.Done()
		return ctx.Err()
	}
	return do(ctx)
}

// land makes a call once its caller has given up.
func (f *faults) land(given context.Context, id string, do func(context.Context) error) {
	f.mu.Lock()
	f.late[id]++
	f.all++
	pause := time.Duration(f.rnd.IntN(50)) * time.Millisecond
	f.mu.Unlock()
	go func() {
		<-given.Done()
		<-time.After(pause)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		do(ctx)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.late[id]--
		f.all--
	}()
}

// faulty is a Store behind whose calls fail.
type faulty struct {
	store
	*faults
}

func (s faulty) Info(ctx context.Context, id string) (info shard.Info, err error) {
	err = s.call(ctx, id, hung, func(ctx context.Context) (err error) {
		info, err = s.store.Info(ctx, id)
		return err
	})
	return info, err
}

func (s faulty) Touch(ctx context.Context, id string) error {
	return s.call(ctx, id, tardy, func(ctx context.Context) error { return s.store.Touch(ctx, id) })
}

func (s faulty) Claim(ctx context.Context, id, key string) error {
	return s.call(ctx, id, hung, func(ctx context.Context) error { return s.store.Claim(ctx, id, key) })
}

// Terminate goes by the ID, so that one that is late could end a later session.
func (s faulty) Terminate(ctx context.Context, id string) error {
	return s.call(ctx, id, hung, func(ctx context.Context) error { return s.store.Terminate(ctx, id) })
}

func (s faulty) Open(ctx context.Context, id string, at replay.Position) (r replay.Reader, err error) {
	err = s.call(ctx, id, hung, func(ctx context.Context) (err error) {
		if r != nil {
			r.Close()
		}
		r, err = s.store.Open(ctx, id, at)
		return err
	})
	if err != nil && r != nil { // its answer is lost
		r.Close()
		r = nil
	}
	return r, err
}

// Acquire that is late would take the session from the same process.
func (s faulty) Acquire(ctx context.Context, id string, l replay.Lease) (w replay.Writer, err error) {
	err = s.call(ctx, id, hung, func(ctx context.Context) (err error) {
		w, err = s.store.Acquire(ctx, id, l)
		return err
	})
	return s.writer(w, err)
}

func (s faulty) CreateHeld(ctx context.Context, o shard.Options, l replay.Lease) (replay.Writer, error) {
	made := make(chan replay.Writer, 1)
	given := ctx
	err := s.call(ctx, o.ID, tardy, func(ctx context.Context) error {
		w, err := s.store.CreateHeld(ctx, o, l)
		if ctx != given && err == nil {
			s.stray(o.ID)
		}
		made <- w
		return err
	})
	if err != nil {
		if s.overTheWire && kind(err) == unclear {
			s.stray(o.ID)
		}
		return nil, err
	}
	return s.writer(<-made, nil)
}

func (s faulty) writer(w replay.Writer, err error) (replay.Writer, error) {
	if err != nil {
		return nil, err
	}
	return faultyWriter{w, s.faults, w.Held().Options.ID}, nil
}

type faultyWriter struct {
	replay.Writer
	*faults
	id string
}

func (w faultyWriter) Append(ctx context.Context, es []ring.Event) error {
	es = append([]ring.Event(nil), es...) // the caller uses its own again when it has given up
	return w.call(ctx, w.id, tardy, func(ctx context.Context) error { return w.Writer.Append(ctx, es) })
}

func (w faultyWriter) Restart(ctx context.Context, next uint64) error {
	return w.call(ctx, w.id, tardy, func(ctx context.Context) error { return w.Writer.Restart(ctx, next) })
}

// Update that is late would have read what it changes when it lands: no server does that.
func (w faultyWriter) Update(ctx context.Context, change func(*shard.Metadata)) error {
	return w.call(ctx, w.id, hung, func(ctx context.Context) error { return w.Writer.Update(ctx, change) })
}

func (w faultyWriter) Finish(ctx context.Context) error {
	return w.call(ctx, w.id, tardy, w.Writer.Finish)
}

func (w faultyWriter) Terminate(ctx context.Context) error {
	return w.call(ctx, w.id, tardy, w.Writer.Terminate)
}

func (w faultyWriter) Renew(ctx context.Context) error {
	return w.call(ctx, w.id, tardy, w.Writer.Renew)
}
