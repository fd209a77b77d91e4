package main

import (
	"fmt"
	"runtime"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// What a session may cost, in bytes.
const (
	idleLimit     = 512
	tenLimit      = 3 << 10
	overheadLimit = 75
	overheadAim   = 50
)

const (
	retain  = 1000 // events in a full ring
	payload = 256  // bytes of an event, where nothing else is said
)

func memoryVariants(z sizes) (v []string) {
	for _, n := range z.Weighed {
		v = append(v, numbered("sessions", n))
	}
	for _, n := range z.Rings {
		v = append(v, numbered("assigned", n), numbered("own", n))
	}
	return v
}

// memory weighs a manager with its sessions, on the collected heap:
//
//	idle, ten: by session, when there are no events, and ten of 100 bytes in each
//	overhead: by event, beyond payload and event ID, in full rings that have dropped 0 to 500
//	    events already
func memory(z sizes, variant string) figures {
	n := count(variant)
	if variant == numbered("sessions", n) {
		return weighSessions(n)
	}
	own := variant == numbered("own", n)
	data, ids := bench.Payload(payload), bench.NewOwnIDs(n, retain)
	before := bench.HeapNow()
	m := open(n, retain)
	defer m.Close()
	var content int64
	for i := range n {
		s := must(m.Create(shard.Metadata{}))
		dropped := i * 7919 % (retain / 2)
		for k := range retain + dropped {
			e := ring.Event{Data: data}
			if own {
				e.ID = ids.Next(i)
			}
			if e := must(s.Append(e)); k >= dropped {
				content += int64(len(e.ID) + len(e.Data))
			}
		}
	}
	f := figures{"overhead": float64(before.Since().Bytes-content) / float64(n*retain)}
	runtime.KeepAlive(ids)
	return f
}

func weighSessions(n int) figures {
	f, data := make(figures), bench.Payload(100)
	before := bench.HeapNow()
	m := open(n, retain)
	defer m.Close()
	for range n {
		must(m.Create(shard.Metadata{}))
	}
	f["idle"] = float64(before.Since().Bytes) / float64(n)
	for s := range m.Sessions() {
		for range 10 {
			must(s.Append(ring.Event{Data: data}))
		}
	}
	f["ten"] = float64(before.Since().Bytes) / float64(n)
	return f
}

// open returns a manager with room for n sessions of so many events. Its limits are high but they
// are there, so that what they cost is counted.
func open(n, events int) *shard.Manager {
	return must(shard.New(shard.Config{
		MaxSessions: n,
		MaxBytes:    64 << 30,
		Ring:        ring.Config{MaxEvents: events},
	}))
}

func memoryRows(z sizes, r results) (rows []row) {
	for _, n := range z.Weighed {
		rows = append(
			rows,
			atMost(
				fmt.Sprintf("memory of an idle session among %s", short(n)),
				r.of(numbered("sessions", n), "idle"),
				idleLimit,
				" B",
			),
		)
	}
	for _, n := range z.Weighed {
		rows = append(rows, atMost(fmt.Sprintf("memory of a session with ten events of 100 B, among %s", short(n)),
			r.of(numbered("sessions", n), "ten"), tenLimit, " B"))
	}
	for _, kind := range []string{"assigned", "own"} {
		for _, n := range z.Rings {
			rows = append(
				rows,
				aim(
					fmt.Sprintf(
						"overhead per event in %s full rings of %d × %d B, %s IDs",
						short(n),
						retain,
						payload,
						kind,
					),
					r.of(numbered(kind, n), "overhead"),
					overheadLimit,
					overheadAim,
					" B",
				),
			)
		}
	}
	return rows
}
