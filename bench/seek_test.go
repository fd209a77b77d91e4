package bench

import (
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// One op is what a client costs that comes back having missed ten events of 256 bytes: Seek to the
// event before them and Next until there is nothing left, on a session that retains 1000 or 100,000
// events. The floor is the ring by hand, which copies the ten under its mutex.
func BenchmarkSeek10(b *testing.B) {
	for _, max := range []int{1000, 100_000} {
		b.Run(fmt.Sprintf("retain=%d", max), func(b *testing.B) {
			b.Run("floor=byhand", func(b *testing.B) {
				l := NewByHand(max)
				fillByHand(l, 5*max/4)
				missed := make([]ByHandEvent, 0, 10)
				b.ReportAllocs()
				for b.Loop() {
					var ok bool
					if missed, ok = l.After(missed[:0], l.last-10); !ok || len(missed) != 10 {
						b.Fatal(len(missed), ok)
					}
				}
			})
			for _, own := range []bool{false, true} {
				b.Run(idKind(own), func(b *testing.B) {
					s := filledSession(b, max, own)
					last := nthLast(b, s, 10).ID
					var e ring.Event
					b.ReportAllocs()
					for b.Loop() {
						cur, n := must(s.Seek(last)), 0
						for cur.Next(&e) {
							n++
						}
						if n != 10 {
							b.Fatal(n)
						}
					}
				})
			}
		})
	}
}

// One op is one event read by a cursor that goes through 1000 events of 256 bytes again and again.
// The floor reads the same from a slice.
func BenchmarkNext(b *testing.B) {
	b.Run("floor=slice", func(b *testing.B) {
		l := NewByHand(retain)
		fillByHand(l, retain)
		events, _ := l.After(nil, 0)
		n, at := 0, 0
		for b.Loop() {
			if at == len(events) {
				at = 0
			}
			n += len(events[at].Data)
			at++
		}
		sum = n
	})
	b.Run("cursor", func(b *testing.B) {
		s := filledSession(b, retain, false)
		cur, n := must(s.Seek("")), 0
		var e ring.Event
		b.ReportAllocs()
		for b.Loop() {
			if !cur.Next(&e) {
				cur = must(s.Seek(""))
				continue
			}
			n += len(e.Data)
		}
		sum = n
	})
}

// One op is the replay of 1000 events of 256 bytes. cursor calls Next, after collects first and
// then yields, send calls a function for each event. The floor is the ring by hand, which copies
// them to a fresh slice.
func BenchmarkReplay1000(b *testing.B) {
	b.Run("floor=byhand", func(b *testing.B) {
		l := NewByHand(retain)
		fillByHand(l, retain)
		b.ReportAllocs()
		for b.Loop() {
			events, _ := l.After(nil, 0)
			n := 0
			for _, e := range events {
				n += len(e.Data)
			}
			sum = n
		}
	})
	s := filledSession(b, retain, false)
	for _, way := range []struct {
		name   string
		replay func() (n int)
	}{
		{"cursor", func() (n int) {
			var e ring.Event
			for cur := must(s.Seek("")); cur.Next(&e); {
				n += len(e.Data)
			}
			return n
		}},
		{"after", func() (n int) {
			for e, err := range replay.After(s, "") {
				n += len(must(e, err).Data)
			}
			return n
		}},
		{"send", func() (n int) {
			if err := replay.Send(s, "", func(e ring.Event) error { n += len(e.Data); return nil }); err != nil {
				panic(err)
			}
			return n
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if n := way.replay(); n != retain*256 {
					b.Fatal(n)
				}
			}
		})
	}
}

var sum int

func idKind(own bool) string {
	if own {
		return "id=own"
	}
	return "id=assigned"
}

func fillByHand(l *ByHand, n int) {
	data := Payload(256)
	for range n {
		l.AppendCopy(data)
	}
}

// filledSession returns a session that retains max events of 256 bytes and has dropped a quarter as
// many.
func filledSession(b testing.TB, max int, own bool) *shard.Session {
	b.Helper()
	s, id, data := newSession(b, newManager(b, 1, max), "filled"), eventIDs(1, max, own), Payload(256)
	for range max + max/4 {
		must(s.Append(ring.Event{ID: id(0), Data: data}))
	}
	return s
}

// nthLast returns the event that n others follow.
func nthLast(b testing.TB, s *shard.Session, n int) (e ring.Event) {
	b.Helper()
	want, cur := s.Info().Log.Last-uint64(n), must(s.Seek(""))
	for e.Seq < want && cur.Next(&e) {
	}
	if e.Seq != want {
		b.Fatalf("read up to %d, want %d", e.Seq, want)
	}
	return e
}
