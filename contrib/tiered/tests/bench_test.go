package tests

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// BenchmarkTable measures appends of 256 bytes a second, each writer to a session of its own or
// several to one, by turns: in memory alone, in memory with a Store behind, in that Store alone,
// and in its engine with one event a batch. One op is the whole table. make bench-tiered runs it.
func BenchmarkTable(b *testing.B) {
	for name, behind := range map[string]func(b *testing.B) engine{"pebble": pebbleEngine, "redis": redisEngine} {
		b.Run(name, func(b *testing.B) { table(b, name, behind) })
	}
}

// An engine is what stands behind: Stores on new ground, and appends without a Store.
type engine struct {
	open func(b *testing.B) whole
	bare func(b *testing.B) func(writer, n int) error
}

const benchRounds, benchTook, benchBytes, benchWriters = 5, time.Second, 256, 512

// A contender is a way to append one event. settle, if not nil, is called after each round and
// waits until what was appended is behind; copied counts what has come there.
type contender struct {
	name   string
	append func(writer, n int) error
	settle func()
	copied *atomic.Int64
}

func table(b *testing.B, name string, behind func(b *testing.B) engine) {
	fmt.Printf("\n| writers, sessions | %s | appends/s | of memory | of bare | of these copied |\n", name)
	fmt.Println("|---:|---|---:|---:|---:|---:|")
	for _, load := range []struct{ writers, sessions int }{{1, 1}, {64, 64}, {512, 512}, {512, 64}} {
		writers := load.writers
		b.Run(fmt.Sprint(load), func(b *testing.B) {
			all := contenders(b, behind(b), load.sessions)
			rates := make([][]float64, len(all))
			ofMemory, ofBare := make([][]float64, len(all)), make([][]float64, len(all))
			appended := make([]float64, len(all))
			for range benchRounds {
				for i, c := range all {
					n, rate := c.run(b, writers)
					appended[i] += n
					rates[i] = append(rates[i], rate)
				}
				for i := range all {
					r := rates[i][len(rates[i])-1]
					ofMemory[i] = append(ofMemory[i], r/rates[0][len(rates[0])-1])
					ofBare[i] = append(ofBare[i], r/rates[len(all)-1][len(rates[i])-1])
				}
			}
			for i, c := range all {
				share := ""
				if c.copied != nil {
					share = fmt.Sprintf("%.0f %%", 100*float64(c.copied.Load())/appended[i])
				}
				fmt.Printf("| %d, %d | %s | %.0f | %.2f | %.2f | %s |\n",
					writers, load.sessions, c.name, median(rates[i]),
					median(ofMemory[i]), median(ofBare[i]), share)
			}
		})
	}
}

// contenders begin with memory and end with the engine.
func contenders(b *testing.B, e engine, sessions int) []contender {
	manager, err := shard.New(shard.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { manager.Close() })
	all := []contender{{name: "memory alone", append: appends(b, replay.Local(manager), sessions)}}
	for _, sync := range []bool{false, true} {
		back := counted{e.open(b), new(atomic.Int64)}
		s := newTiered(b, back, tiered.Config{Sync: sync})
		all = append(all, contender{
			fmt.Sprintf("tiered, Sync: %v", sync),
			appends(b, s, sessions), func() { settle(b, s, sessions) }, back.events,
		})
	}
	return append(all,
		contender{name: "the Store behind alone", append: appends(b, e.open(b), sessions)},
		contender{name: "bare, an event a batch", append: e.bare(b)})
}

// appends returns an Append to a Store on which the writers have so many sessions.
func appends(b *testing.B, s replay.Store, sessions int) func(writer, n int) error {
	ids, data := make([]string, sessions), make([]byte, benchBytes)
	for w := range ids {
		ids[w] = fmt.Sprint("session-", w)
		if _, err := s.Create(b.Context(), ids[w], shard.Metadata{}); err != nil {
			b.Fatal(err)
		}
	}
	contexts := make([]context.Context, benchWriters) // each writer has its own, as a request has
	for w := range contexts {
		ctx, cancel := context.WithCancel(b.Context())
		b.Cleanup(cancel)
		contexts[w] = ctx
	}
	return func(w, _ int) error {
		_, err := s.Append(contexts[w], ids[w%sessions], ring.Event{Data: data})
		return err
	}
}

func settle(b *testing.B, s *tiered.Store, sessions int) {
	for w := range sessions {
		for s.Lag(fmt.Sprint("session-", w)) > 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// run lets the writers append for a round, and returns how many events it was, and how many a
// second.
func (c contender) run(b *testing.B, writers int) (n, rate float64) {
	var all sync.WaitGroup
	var total atomic.Int64
	start := time.Now()
	end := start.Add(benchTook)
	for w := range writers {
		all.Go(func() {
			n := 0
			for ; n%16 != 0 || time.Now().Before(end); n++ { // a look at the clock costs half an append
				if err := c.append(w, n); err != nil {
					b.Error(err)
					break
				}
			}
			total.Add(int64(n))
		})
	}
	all.Wait()
	n = float64(total.Load())
	rate = n / time.Since(start).Seconds()
	if c.settle != nil {
		c.settle()
	}
	return n, rate
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

// counted counts the events that are copied.
type counted struct {
	whole
	events *atomic.Int64
}
