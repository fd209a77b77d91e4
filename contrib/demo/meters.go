package main

import (
	"runtime"
	"runtime/metrics"
)

// heap is what the garbage-collected heap holds.
type heap struct{ bytes, objects int64 }

// readHeap collects first, so that it counts what is reachable.
func readHeap() heap {
	runtime.GC()
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/objects:objects"}}
	metrics.Read(samples)
	return heap{int64(samples[0].Value.Uint64()), int64(samples[1].Value.Uint64())}
}

func (h heap) since(before heap) heap {
	return heap{h.bytes - before.bytes, h.objects - before.objects}
}

// cpu is CPU time in seconds, as of the last collection.
type cpu struct{ collector, total float64 }

func readCPU() cpu {
	samples := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/cpu/classes/total:cpu-seconds"}}
	metrics.Read(samples)
	return cpu{samples[0].Value.Float64(), samples[1].Value.Float64()}
}

// collectorSince returns the collector's share, 0 when there has been no collection since.
func (c cpu) collectorSince(before cpu) float64 {
	if c.total <= before.total {
		return 0
	}
	return (c.collector - before.collector) / (c.total - before.total)
}
