package main

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	reprise = "Reprise"
	byHand  = "by hand"
)

func collectorVariants(sizes) []string { return []string{reprise, byHand} }

// collector measures sessions of a thousand events each, of Reprise or of the ring by hand that
// copies its payload:
//
//	collect: ns of a full collection
//	objects: on the heap, bytes: beyond what was there before
//	p50, p99.9, p99.99: ns of an append to a session at random, found by its ID, each timed for
//	    itself, while the collector works (cycles)
func collector(z sizes, variant string) figures {
	sessions := max(z.Retained/retain, 1)
	ids, data, before := bench.NewIDs(sessions, 2), bench.Payload(payload), bench.HeapNow()
	appendTo, done := contestant(variant, ids, data)
	defer done()
	bench.Fill(sessions, retain, appendTo)
	grown := before.Since()
	f := figures{"objects": float64(grown.Objects), "bytes": float64(grown.Bytes), "sessions": float64(sessions)}
	var took []float64
	for range 5 {
		took = append(took, float64(bench.Collect()))
	}
	f["collect"] = median(took)

	// The collector works ten times as often as it normally would, so that it works while appends
	// are timed, on a heap that has been as large as it becomes.
	const percent = 10
	bench.Warm(grown.Bytes * 2 * percent / 100)
	defer debug.SetGCPercent(debug.SetGCPercent(percent))
	order, cycles := bench.Random(sessions, 1), bench.Cycles()
	var h bench.Histogram
	for rounds := 0; rounds < 2 || rounds < 8 && bench.Cycles() < cycles+2; rounds++ {
		for i := range z.Timed {
			s := int(order[i%len(order)])
			start := time.Now()
			appendTo(s)
			h.Record(time.Since(start))
		}
	}
	f["p50"], f["p99.9"], f["p99.99"] = float64(
		h.Quantile(0.5),
	), float64(
		h.Quantile(0.999),
	), float64(
		h.Quantile(0.9999),
	)
	f["cycles"] = float64(bench.Cycles() - cycles)
	return f
}

// contestant returns a store with a session for each ID.
func contestant(variant string, ids bench.IDs, data []byte) (appendTo func(session int), done func()) {
	if variant == byHand {
		store := bench.NewByHandStore()
		for i := range ids.Len() {
			store.Create(ids.At(i), retain)
		}
		return func(s int) { store.Get(ids.At(s)).AppendCopy(data) }, func() {}
	}
	m := open(ids.Len(), retain)
	for i := range ids.Len() {
		must(m.CreateWithID(ids.At(i), shard.Metadata{}))
	}
	return func(s int) { must(must(m.Get(ids.At(s))).Append(ring.Event{Data: data})) }, func() { m.Close() }
}

func collectorRows(z sizes, r results) []row {
	both := func(name string, unit float64) string {
		return number(r.of(reprise, name)/unit) + ", " + number(r.of(byHand, name)/unit)
	}
	events := fmt.Sprintf("%s events retained, Reprise and the ring by hand: ", short(z.Retained))
	return []row{
		figure(events+"full collection", both("collect", 1e6)+" ms"),
		atMost("ratio", r.ratio(reprise, byHand, "collect"), 0.6, ""),
		figure(events+"heap objects", both("objects", 1)),
		atMost("ratio", r.ratio(reprise, byHand, "objects"), 1.0/30, ""),
		figure(events+"heap", both("bytes", 1<<20)+" MiB"),
		figure("append while the collector works: p50", both("p50", 1)+" ns"),
		figure("p99.9", both("p99.9", 1e3)+" µs"),
		figure("p99.99", both("p99.99", 1e3)+" µs"),
		atMost("ratio of p99.99", r.ratio(reprise, byHand, "p99.99"), 1, ""),
	}
}
