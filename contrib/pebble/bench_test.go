package pebble

import (
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	engine "github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// BenchmarkTable measures appends of 256 bytes beside bare Pebble batches that write the same keys
// and as many bytes, each with Sync, by turns on the same disk. One op is the whole table.
func BenchmarkTable(b *testing.B) {
	const rounds, took = 5, 2 * time.Second
	for b.Loop() {
		fmt.Printf("\n%8s %14s %14s %8s\n", "writers", "bare a second", "Append", "ratio")
		for _, writers := range []int{1, 8, 64, 512} {
			var bare, ours, ratios []float64
			for range rounds {
				bare = append(bare, rateOf(writers, took, bareBatches(b)))
				ours = append(ours, rateOf(writers, took, appends(b)))
				ratios = append(ratios, ours[len(ours)-1]/bare[len(bare)-1])
			}
			fmt.Printf("%8d %14.0f %14.0f %8.2f\n", writers, median(bare), median(ours), median(ratios))
		}
	}
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// rateOf returns how many ops a second writers get through, each waiting for its own.
func rateOf(writers int, took time.Duration, op func(writer, n int)) float64 {
	var all sync.WaitGroup
	var mu sync.Mutex
	total, start := 0, time.Now()
	for w := range writers {
		all.Go(func() {
			n := 0
			for ; time.Since(start) < took; n++ {
				op(w, n)
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
	}
	all.Wait()
	return float64(total) / time.Since(start).Seconds()
}

const benchSessions = 512

// appends returns an Append to a Store of its own; each writer has a session.
func appends(b *testing.B) func(writer, n int) {
	s := openStore(b, filepath.Join(b.TempDir(), "d"), Config{})
	for w := range benchSessions {
		create(b, s, shard.Options{ID: fmt.Sprint(w)})
	}
	data := make([]byte, 256)
	return func(w, _ int) {
		if _, err := s.Append(bg, fmt.Sprint(w), ring.Event{Data: data}); err != nil {
			b.Error(err)
		}
	}
}

// bareBatches returns what writes the event of an append to an engine with the same options, as one
// batch: an append writes no more.
func bareBatches(b *testing.B) func(writer, n int) {
	dir := filepath.Join(b.TempDir(), "d")
	if err := vfs.Default.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	o := engineOptions(vfs.Default, nil, &reporter{}, 0)
	db, err := engine.Open(dir, o)
	if err != nil {
		b.Fatal(err)
	}
	o.Cache.Unref()
	b.Cleanup(func() { db.Close() })
	e := ring.Event{Time: time.Now(), Data: make([]byte, 256)}
	r := record{&e, hasTally, tally{e.Time.UnixNano(), 1000, 350_000}}
	value := r.append(nil)
	return func(w, n int) {
		batch := db.NewBatch()
		batch.Set(eventKey(uint64(w), uint64(n)), value, nil)
		if err := batch.Commit(engine.Sync); err != nil {
			b.Error(err)
		}
		batch.Close()
	}
}
