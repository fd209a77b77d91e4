package soak_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A sample is taken when no session of a mass expiry is there.
type sample struct {
	heap, goroutines int64
	p50              time.Duration // of appends since the last sample
}

type samples []sample

// massExpiries has sessions expire together, again and again until the run ends, and takes a sample
// after each time.
func (s *soak) massExpiries(d time.Duration) (taken samples) {
	period, crowd := max(d/100, time.Second/2), min(20_000, int(500*d/time.Second))
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return taken
		case <-next.C:
			s.expire(crowd)
			taken = append(taken, s.sample())
			next.Reset(period)
		}
	}
}

// progress prints a line each second.
func (s *soak) progress() {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	began := time.Now()
	before, last := began, int64(0)
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-second.C:
		}
		now, appended, st := time.Now(), s.counts.appended.Load(), s.manager.Stats()
		s.Logf("%v: %.0f events/s, %d sessions with %d MiB, %d goroutines, append %v",
			now.Sub(began).Round(time.Second),
			float64(appended-last)/now.Sub(before).Seconds(), st.Active, st.Bytes>>20, runtime.NumGoroutine(),
			s.latencies())
		before, last = now, appended
	}
}

// expire creates sessions and wants them gone by themselves, soon after their TTL.
func (s *soak) expire(n int) {
	var crowd []*shard.Session
	for range n {
		session, err := s.manager.CreateWith(shard.Options{Metadata: shard.Metadata{Transport: "mass"}, TTL: massTTL})
		if err != nil {
			s.fail(err)
			return
		}
		if _, err := session.Append(ring.Event{Data: []byte("x")}); err == nil {
			s.counts.appended.Add(1)
		}
		crowd = append(crowd, session)
	}
	due := time.Now().Add(massTTL + tick)
	patience := time.NewTimer(time.Until(due) + 10*time.Second)
	defer patience.Stop()
	for i, session := range crowd {
		select {
		case <-session.Done():
		case <-s.ctx.Done():
			return
		case <-patience.C:
			s.fail(fmt.Errorf("%d of %d sessions are there 10 s after they were to expire", n-i, n))
			return
		}
	}
	s.late.Store(max(s.late.Load(), int64(time.Since(due))))
}

func (s *soak) sample() sample {
	var h bench.Histogram
	for _, w := range s.writers {
		h.Merge(w.take())
	}
	return sample{bench.HeapNow().Bytes, int64(runtime.NumGoroutine()), h.Quantile(0.5)}
}

// latencies returns quantiles of all appends that have been timed so far.
func (s *soak) latencies() string {
	var h bench.Histogram
	for _, w := range s.writers {
		w.mu.Lock()
		h.Merge(&w.all)
		h.Merge(&w.latency)
		w.mu.Unlock()
	}
	return fmt.Sprintf("p50 %v, p99 %v, p99.9 %v, max %v", h.Quantile(0.5), h.Quantile(0.99), h.Quantile(0.999),
		h.Max())
}

// judge compares the second quarter of a run with the last one: by then everything has its size.
// Short runs have too few samples.
func (all samples) judge(t *testing.T) {
	t.Helper()
	if len(all) < 16 {
		t.Logf("%d samples: too few to tell a trend", len(all))
		return
	}
	early, late := all[len(all)/4:len(all)/2], all[len(all)*3/4:]
	for _, m := range []struct {
		what  string
		of    func(sample) int64
		slack func(int64) int64
	}{
		{"bytes of heap", func(s sample) int64 { return s.heap }, func(n int64) int64 { return n/10 + 4<<20 }},
		{"goroutines", func(s sample) int64 { return s.goroutines }, func(n int64) int64 { return 10 + n/4 }},
		{"ns for half of the appends", func(s sample) int64 { return int64(s.p50) },
			func(n int64) int64 { return n/2 + 1000 }},
	} {
		from, to := median(early, m.of), median(late, m.of)
		t.Logf("%s: %d in the second quarter, %d in the last", m.what, from, to)
		if to > from+m.slack(from) {
			t.Errorf("%s have grown from %d to %d", m.what, from, to)
		}
	}
}

func median(s samples, of func(sample) int64) int64 {
	var values []int64
	for _, one := range s {
		values = append(values, of(one))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
