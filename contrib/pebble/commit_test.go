package pebble

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Pebble reports at any moment that something has failed in the background, also while the writer
// works on the writes that it has taken: each of them is told, and once.
func TestFailureInTheMiddleOfAFlightIsToldToEveryWrite(t *testing.T) {
	const sessions = 64
	for range 20 {
		s := openStore(t, "d", Config{fs: vfs.NewMem()})
		for i := range sessions {
			create(t, s, shard.Options{ID: fmt.Sprint(i)})
		}
		var writing sync.WaitGroup
		go failInFlight(s.commits)
		for i := range sessions {
			writing.Go(func() {
				for {
					if _, err := s.Append(bg, fmt.Sprint(sessions-1-i), ring.Event{}); err != nil {
						wantErr(t, "Append", err, ErrFailed)
						return
					}
				}
			})
		}
		writing.Wait()
		wantErr(t, "Close", s.Close(), ErrFailed)
	}
}

// failInFlight reports a failure as soon as the writer has taken several writes.
func failInFlight(c *committer) {
	for several := false; !several; runtime.Gosched() {
		c.mu.Lock()
		n := len(c.taken)
		several = n > 0 && len(c.taken[n-1].writes) > 8
		c.mu.Unlock()
	}
	c.fail(errors.New("in the background"))
}

// With SyncEvery the log is synced in time also while there is always something to write.
func TestSyncEveryHoldsWhileAppendsNeverPause(t *testing.T) {
	const every = 10 * time.Millisecond
	var syncs atomic.Int64
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if strings.HasSuffix(op.Path, ".log") {
				syncs.Add(1)
			}
		}
		return nil
	}))
	s := openStore(t, "d", Config{fs: fs, MinFree: -1, SyncEvery: every})
	const writers = 64
	for i := range writers {
		create(t, s, shard.Options{ID: fmt.Sprint(i)})
	}
	before, start := syncs.Load(), time.Now()
	var writing sync.WaitGroup
	for i := range writers {
		writing.Go(func() {
			for n := 0; n < 100 || time.Since(start) < 40*every; n++ {
				if _, err := s.Append(bg, fmt.Sprint(i), ring.Event{}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	if syncs.Load()-before < 2 {
		t.Errorf("%d syncs of the log in %v of appends, SyncEvery is %v", syncs.Load()-before, time.Since(start), every)
	}
}

// An ID is free once what removes its session is queued, and not before: else that could come after
// the new session under the ID, and remove it.
func TestIDIsFreeOnceTheRemovalIsQueued(t *testing.T) {
	s := openStore(t, "d", Config{fs: vfs.NewMem(), Linger: -1})
	create(t, s, shard.Options{ID: "s"})
	sess, err := s.get("s")
	if err != nil {
		t.Fatal(err)
	}
	sess.mu.Lock()
	defer sess.mu.Unlock()
	e := sess.edit()
	e.end(shard.Terminated, s.now())
	e.forget()
	if _, err := s.get("s"); err != nil {
		t.Errorf("before it is queued: %v", err)
	}
	if _, err := e.send(); err != nil {
		t.Fatal(err)
	}
	_, err = s.get("s")
	wantErr(t, "once it is queued: get", err, shard.ErrNotFound)
}
