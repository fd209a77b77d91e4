package bench

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// One op is an event of 256 bytes appended while a follower sleeps, read by the follower, and
// confirmed to the producer over a channel; p50-ns and p99-ns are the time from before Append until
// the follower has the event. The floors: channel passes a number over a channel instead, byhand is
// the ring by hand, whose followers wait for a channel to be closed.
func BenchmarkFollowWake(b *testing.B) {
	b.Run("floor=channel", func(b *testing.B) {
		events := make(chan int)
		wake(b, func(seen func()) {
			for range events {
				seen()
			}
		}, func([]byte) { events <- 1 }, func() { close(events) })
	})
	b.Run("floor=byhand-copy", func(b *testing.B) {
		l, stop := NewByHand(retain), make(chan struct{})
		wake(b, func(seen func()) { followByHand(l, stop, func(ByHandEvent) { seen() }) },
			func(data []byte) { l.AppendCopy(data) }, func() { close(stop) })
	})
	b.Run("follow", func(b *testing.B) {
		s := newSession(b, newManager(b, 1, retain), "followed")
		wake(b, func(seen func()) { follow(s, seen) },
			func(data []byte) { must(s.Append(ring.Event{Data: data})) }, s.Terminate)
	})
}

// wake runs follower, which calls seen for each event, beside a producer that waits for it to sleep
// again.
func wake(b *testing.B, follower func(seen func()), appendTo func(data []byte), stop func()) {
	var sent atomic.Int64 // nanoseconds since base
	var h Histogram
	base, ack, done := time.Now(), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		follower(func() {
			h.Record(time.Since(base) - time.Duration(sent.Load()))
			ack <- struct{}{}
		})
	}()
	data := Payload(256)
	b.ReportAllocs()
	for b.Loop() {
		sent.Store(int64(time.Since(base)))
		appendTo(data)
		<-ack
	}
	stop()
	<-done
	reportQuantiles(b, &h)
}

func follow(s *shard.Session, seen func()) {
	for _, err := range replay.Follow(context.Background(), s, "") {
		if err != nil {
			return
		}
		seen()
	}
}

func followByHand(l *ByHand, stop <-chan struct{}, seen func(ByHandEvent)) {
	var events []ByHandEvent
	for last := uint64(0); ; {
		changed := l.Changed(last)
		if changed != nil {
			select {
			case <-changed:
			case <-stop:
				return
			}
		}
		events, _ = l.After(events[:0], last)
		for _, e := range events {
			seen(e)
			last = e.ID
		}
	}
}
