package main

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/shard"
)

// storm has sessions created and terminated, first by as many goroutines as there are places and
// processors, then by three times as many:
//
//	refused: creations that failed though there was a place
//	over, under: how far the sessions held at once by the larger number were above MaxSessions,
//	    and their peak below it
//	growth: the most bytes by which the collected heap was larger during the storm than before,
//	    and after it
//	pair: ns for a pair, by one goroutine of the first storm
func storm(z sizes, _ string) figures {
	places := runtime.GOMAXPROCS(0)
	m := must(shard.New(shard.Config{MaxSessions: places, Linger: -1}))
	defer m.Close()
	goroutines, before := runtime.NumGoroutine(), bench.HeapNow()
	var refused atomic.Int64
	start, over := time.Now(), make(chan struct{})
	var wg sync.WaitGroup
	for range places {
		wg.Go(func() {
			for range z.Pairs {
				s, err := m.Create(shard.Metadata{})
				if err != nil {
					refused.Add(1)
					continue
				}
				s.Terminate()
			}
		})
	}
	var took time.Duration
	go func() {
		wg.Wait()
		took = time.Since(start)
		close(over)
	}()
	most := weighUntil(over, before)
	f := figures{"refused": float64(refused.Load()), "growth": float64(most), "pair": float64(took) / float64(z.Pairs)}

	held := crowdedStorm(m, 3*places, z.Pairs/4)
	f["over"], f["under"] = float64(max(0, held-places)), float64(max(0, places-held))
	time.Sleep(2 * expiryTick) // for the wheels to let go of what has ended
	f["after"] = float64(before.Since().Bytes)
	st := m.Stats()
	f["left"] = float64(st.Total + st.Active + runtime.NumGoroutine() - goroutines)
	return f
}

// weighUntil returns by how many bytes the collected heap has grown at most until over is closed.
func weighUntil(over <-chan struct{}, before bench.Heap) (most int64) {
	for {
		select {
		case <-over:
			return most
		case <-time.After(100 * time.Millisecond):
			most = max(most, before.Since().Bytes)
		}
	}
}

// crowdedStorm returns the most sessions that so many goroutines had at once.
func crowdedStorm(m *shard.Manager, goroutines, pairs int) int {
	var held, most atomic.Int64
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range pairs {
				s, err := m.Create(shard.Metadata{})
				if err != nil {
					if !errors.Is(err, shard.ErrSessionLimit) {
						panic(err)
					}
					continue
				}
				raise(&most, held.Add(1))
				if i%8 == 0 {
					runtime.Gosched() // others find all places taken
				}
				held.Add(-1)
				s.Terminate()
			}
		})
	}
	wg.Wait()
	return int(most.Load())
}

func raise(most *atomic.Int64, n int64) {
	for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
	}
}

func stormRows(z sizes, r results) []row {
	of := func(name string) float64 { return r.of("", name) }
	const mib = 1 << 20
	return []row{
		figure(
			"create/terminate pair, "+number(float64(z.Pairs))+" by each of as many goroutines as processors",
			nanoseconds(of("pair")),
		),
		exactly("creations refused though a place was free", of("refused"), 0),
		exactly("sessions beyond MaxSessions at any time, under three times the goroutines", of("over"), 0),
		exactly("places not used at the peak", of("under"), 0),
		atMost("growth of the collected heap during the storm", of("growth")/mib, 64, " MiB"),
		atMost("and after it", of("after")/mib, 1, " MiB"),
		exactly("sessions and goroutines left", of("left"), 0),
	}
}
