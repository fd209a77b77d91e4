package main

import (
	"time"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// release terminates all sessions of a large manager: left are those that Stats still counts Linger
// and Tick after the last call, empty, peak and after the heap's bytes.
func release(z sizes, _ string) figures {
	linger := z.TTL / 10
	m := must(shard.New(shard.Config{MaxSessions: -1, Linger: linger}))
	defer m.Close()
	f, data := figures{"empty": float64(bench.HeapNow().Bytes)}, bench.Payload(100)
	for range z.Expiring {
		s := must(m.Create(shard.Metadata{}))
		for range 3 {
			must(s.Append(ring.Event{Data: data}))
		}
	}
	f["peak"] = float64(bench.HeapNow().Bytes)
	for s := range m.Sessions() {
		s.Terminate()
	}
	st := m.Stats()
	f["active"], f["events"] = float64(st.Active), float64(st.Events)
	time.Sleep(linger + expiryTick)
	f["left"] = float64(m.Stats().Total)
	f["after"] = float64(bench.HeapNow().Bytes)
	return f
}

func releaseRows(z sizes, r results) []row {
	of := func(name string) float64 { return r.of("", name) }
	const mib = 1 << 20
	return []row{
		exactly(
			short(z.Expiring)+" sessions terminated: active, and events counted, at once",
			of("active")+of("events"),
			0,
		),
		atMost("sessions left at Linger + Tick", of("left"), 0, ""),
		figure("heap of the empty manager, at the peak, at Linger + Tick",
			number(of("empty")/mib)+", "+number(of("peak")/mib)+", "+number(of("after")/mib)+" MiB"),
		atMost("heap beyond the empty manager's", (of("after")-of("empty"))/mib, 0.05*of("peak")/mib+1, " MiB"),
	}
}
