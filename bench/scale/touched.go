package main

import (
	"runtime"
	"sync"
	"time"

	"github.com/reprise-go/reprise/internal/shardaccess"
	"github.com/reprise-go/reprise/shard"
)

// touched has sessions touched all the time, on every processor, for three TTLs: visits is how
// often the wheels look at one of them in a TTL, and between.touches the average time in ns between
// two touches of the same session.
func touched(z sizes, _ string) figures {
	ttl := z.TTL / 10
	m := must(shard.New(shard.Config{MaxSessions: -1, TTL: ttl}))
	defer m.Close()
	sessions := make([]*shard.Session, z.Touched)
	for i := range sessions {
		sessions[i] = must(m.Create(shard.Metadata{}))
	}
	time.Sleep(ttl / 10) // for the wheels to have taken in the new sessions
	before, start := shardaccess.Visits(m), time.Now()
	rounds := make([]int, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for w := range rounds {
		wg.Go(func() {
			for time.Since(start) < 3*ttl {
				for i := w; i < len(sessions); i += len(rounds) {
					must(0, sessions[i].Touch())
				}
				rounds[w]++
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	ttls := float64(took) / float64(ttl)
	return figures{
		"visits":          float64(shardaccess.Visits(m)-before) / float64(z.Touched) / ttls,
		"between.touches": float64(took) / float64(rounds[0]),
		"expired":         float64(m.Stats().Expired),
	}
}

func touchedRows(z sizes, r results) []row {
	return []row{
		atMost(
			short(
				z.Touched,
			)+" sessions touched every "+nanoseconds(
				r.of("", "between.touches"),
			)+": relinked in the wheel, times per TTL",
			r.of("", "visits"),
			1,
			"",
		),
		exactly("of these expired", r.of("", "expired"), 0),
	}
}
