// Package storetest checks that a replay.Store keeps its contract: the same suite for every
// implementation, in this process or beyond it.
//
// A Store passes by what can be seen through the interface alone: errors and their precedence,
// duplicates, eviction, positions, replay that becomes live without gap or duplicate, expiry,
// limits, and all of it under concurrency. What a store does when its servers fail is for its own
// tests.
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, storetest.Subject{
//			Open: func(t testing.TB, cfg storetest.Config) replay.Store {
//				return newStore(t, cfg)
//			},
//		})
//	}
package storetest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

// Config is what a case wants of the Store that it opens: of shard.Config the fields Ring,
// MaxSessions, MaxPerPrincipal, MaxAttached, MaxBytes, TTL and Linger. A zero field is the Store's
// own default, which must be at least the one of shard.Config.
type Config = shard.Config

// A Feature is something that a Store may do without.
type Feature uint

const (
	Sessions     Feature = 1 << iota // Config.MaxSessions
	PerPrincipal                     // Config.MaxPerPrincipal
	Attachments                      // Config.MaxAttached
	Budget                           // Config.MaxBytes
	Finishing                        // sessions that finish; Run sees by itself who is a replay.Finisher
)

// String names the features, as in "MaxSessions, Finish".
func (f Feature) String() string {
	var names []string
	for i, name := range []string{"MaxSessions", "MaxPerPrincipal", "MaxAttached", "MaxBytes", "Finish"} {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// A Subject is a Store to be tested, and what the suite must know of it.
type Subject struct {
	// Open returns a Store that holds no sessions, with the limits of cfg. It ends the Store with
	// t.Cleanup. Open is called concurrently, as cases run in parallel.
	Open func(t testing.TB, cfg Config) replay.Store

	// Beside returns another Store with the sessions of one that Open returned, as another process
	// would have it. Calls then go to the two in turn. nil: there is one Store only.
	Beside func(t testing.TB, first replay.Store) replay.Store

	// Finish makes a session take no more events, where the Store can do that and is no
	// replay.Finisher. nil: replay.Finish.
	Finish func(ctx context.Context, s replay.Store, id string) error

	ownFinish bool // Finish was set by the caller

	// FakeTime runs every case under testing/synctest. The Store must then work in this process
	// alone, and Open must start whatever runs.
	FakeTime bool

	// TTL is what cases about expiry set as TTL, and half of it as Linger. In real time they take
	// up to six times as long, and try again with twice the TTL where the machine was too slow to
	// tell. Default: 2 s, or 1 minute with FakeTime.
	TTL time.Duration

	// Late is how long after its time a session may still be there. Default: 100 ms. In real time
	// it may be there for longer, as on a busy machine nothing is in time; but not for good.
	Late time.Duration

	// Lacks are the features that the Store does without; cases about them are skipped, each with
	// the reason.
	Lacks Feature
}

// Run runs every case that applies to s as a parallel subtest of t.
func Run(t *testing.T, s Subject) {
	s = s.withDefaults()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			if lacks := c.needs & s.Lacks; lacks != 0 {
				t.Skipf("left out: the Store does without %v", lacks)
			}
			t.Parallel()
			run := func(t *testing.T) {
				k := newKit(t, s)
				k.needs = c.needs
				c.run(k)
			}
			if s.FakeTime {
				synctest.Test(t, run)
				return
			}
			run(t)
		})
	}
}

func (s Subject) withDefaults() Subject {
	if s.TTL == 0 {
		s.TTL = 2 * time.Second
		if s.FakeTime {
			s.TTL = time.Minute
		}
	}
	if s.ownFinish = s.Finish != nil; !s.ownFinish {
		s.Finish = replay.Finish
	}
	if s.Late == 0 {
		s.Late = 100 * time.Millisecond
	}
	return s
}

// A test is one case: a behaviour that every Store has unless it lacks what the case needs.
type test struct {
	name  string
	needs Feature
	run   func(k *kit)
}

func cases() []test {
	var all []test
	for _, group := range [][]test{
		creating(), describing(), appending(), refusing(), duplicating(), evicting(), positioning(), reading(),
		overtaking(), placing(), ending(), finishing(), expiring(), limiting(), racing(), modelling(),
		serving(), extending(), leasing(), writing(),
	} {
		all = append(all, group...)
	}
	return all
}
