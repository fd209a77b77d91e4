package main

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/shard"
)

// limits has eight goroutines create sessions for two principals, and open streams on one session.
// most is what was held at once; the limits are three and three.
func limits(z sizes, _ string) figures {
	const perPrincipal, attached, workers = 3, 3, 8
	m := must(shard.New(shard.Config{MaxPerPrincipal: perPrincipal, MaxAttached: attached, Linger: -1}))
	defer m.Close()
	one := must(m.Create(shard.Metadata{}))
	var mine, streams held
	var wg sync.WaitGroup
	for g := range workers {
		wg.Go(func() {
			for range z.Ops {
				if s, err := m.Create(shard.Metadata{Principal: string(rune('a' + g%2))}); err == nil {
					if g%2 == 0 {
						mine.during(runtime.Gosched)
					}
					s.Terminate()
				}
				if detach, err := one.Attach(); err == nil {
					streams.during(runtime.Gosched)
					detach()
				}
			}
		})
	}
	wg.Wait()
	_, fits := m.Create(shard.Metadata{Principal: string(make([]byte, shard.MaxMetadataBytes))})
	_, exceeds := m.Create(shard.Metadata{Principal: string(make([]byte, shard.MaxMetadataBytes+1))})
	f := figures{
		"principal": float64(mine.most.Load()),
		"attached":  float64(streams.most.Load()),
		"metadata":  shard.MaxMetadataBytes,
	}
	if fits != nil || exceeds == nil {
		f["metadata"] = -1
	}
	return f
}

// held counts how many goroutines have something at once.
type held struct{ now, most atomic.Int64 }

func (h *held) during(f func()) {
	raise(&h.most, h.now.Add(1))
	f()
	h.now.Add(-1)
}

func limitsRows(_ sizes, r results) []row {
	return []row{
		exactly(
			"sessions of one principal at once, under four goroutines of its own and four of another's",
			r.of("", "principal"),
			3,
		),
		exactly("streams attached to one session at once, under eight goroutines", r.of("", "attached"), 3),
		exactly("bytes of metadata that are accepted, one more being refused", r.of("", "metadata"), 16<<10),
	}
}
