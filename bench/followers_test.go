package bench

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// One op is one event of 256 bytes appended to one session and read by all of its followers, each a
// sleeping goroutine that is woken; ns/delivery and allocs/delivery are by follower. p50-ns and
// p99-ns are the time from before Append until a follower has the event: the last of 10,000 waits
// for the 9999 before it. The floor is the ring by hand.
func BenchmarkFollowers(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("followers=%d/floor=byhand-copy", n), func(b *testing.B) {
			l, stop := NewByHand(retain), make(chan struct{})
			fanOut(b, n, 1, func(_ int, seen func()) { followByHand(l, stop, func(ByHandEvent) { seen() }) },
				func(_ int, data []byte) { l.AppendCopy(data) }, func() { close(stop) })
		})
		b.Run(fmt.Sprintf("followers=%d/follow", n), func(b *testing.B) {
			s := newSession(b, newManager(b, 1, retain), "followed")
			fanOut(b, n, 1, func(_ int, seen func()) { follow(s, seen) },
				func(_ int, data []byte) { must(s.Append(ring.Event{Data: data})) }, s.Terminate)
		})
	}
}

// One op is one event of 256 bytes appended to each of 10,000 sessions (-sessions) and read by its
// one follower.
func BenchmarkFollowedSessions(b *testing.B) {
	n := *fleetSize
	b.Run("floor=byhand-copy", func(b *testing.B) {
		logs, stop := make([]*ByHand, n), make(chan struct{})
		for s := range logs {
			logs[s] = NewByHand(retain)
		}
		fanOut(b, 1, n, func(s int, seen func()) { followByHand(logs[s], stop, func(ByHandEvent) { seen() }) },
			func(s int, data []byte) { logs[s].AppendCopy(data) }, func() { close(stop) })
	})
	b.Run("follow", func(b *testing.B) {
		m, sessions := emptySessions(b, n, NewIDs(n, 2))
		fanOut(b, 1, n, func(s int, seen func()) { follow(sessions[s], seen) },
			func(s int, data []byte) { must(sessions[s].Append(ring.Event{Data: data})) }, func() { m.Close() })
	})
}

// fanOut runs followers of each of so many sessions, appends one event to each session in an op,
// and waits until all followers have it.
func fanOut(
	b *testing.B,
	followers, sessions int,
	follower func(session int, seen func()),
	appendTo func(session int, data []byte),
	stop func(),
) {
	var wg sync.WaitGroup
	d := deliveries{sent: make([]int64, sessions), base: time.Now(), all: make(chan struct{})}
	for f := range followers * sessions {
		wg.Go(func() { follower(f%sessions, func() { d.seen(f % sessions) }) })
	}
	data := Payload(256)
	send := func() {
		d.missing.Store(int64(followers * sessions))
		for s := range sessions {
			d.sent[s] = int64(time.Since(d.base))
			appendTo(s, data)
		}
		<-d.all
	}
	send() // all followers are there
	d.times = Histogram{}
	mallocs := Mallocs()
	for b.Loop() {
		send()
	}
	n := float64(b.N * followers * sessions)
	b.ReportMetric(float64(Mallocs()-mallocs)/n, "allocs/delivery")
	b.ReportMetric(float64(b.Elapsed())/n, "ns/delivery")
	b.ReportMetric(float64(d.times.Quantile(0.5)), "p50-ns")
	b.ReportMetric(float64(d.times.Quantile(0.99)), "p99-ns")
	stop()
	wg.Wait()
}

// deliveries are the events on their way from one producer to many followers.
type deliveries struct {
	base    time.Time
	sent    []int64      // by session, since base; written before the event is appended
	missing atomic.Int64 // deliveries to come
	all     chan struct{}
	mu      sync.Mutex
	times   Histogram // of each 64th delivery and the last
}

func (d *deliveries) seen(session int) {
	left := d.missing.Add(-1)
	if left%64 == 0 {
		t := time.Since(d.base) - time.Duration(d.sent[session])
		d.mu.Lock()
		d.times.Record(t)
		d.mu.Unlock()
	}
	if left == 0 {
		d.all <- struct{}{}
	}
}
