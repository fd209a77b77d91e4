package mcpgo

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/shard"
)

// BenchmarkStoreEvent stores one message of 200 bytes in one of 100 sessions. The SDK's own store,
// which keeps everything, is the floor.
func BenchmarkStoreEvent(b *testing.B) {
	b.Run("reprise", func(b *testing.B) { benchmarkStoreEvent(b, newStore(b, shard.Config{})) })
	b.Run("sdk", func(b *testing.B) { benchmarkStoreEvent(b, server.NewInMemoryEventStore()) })
}

func benchmarkStoreEvent(b *testing.B, s server.EventStore) {
	b.ReportAllocs()
	message := json.RawMessage(strings.Repeat("m", 200))
	sessions := make([]string, 100)
	ids := newMinter(nil)
	for i := range sessions {
		sessions[i] = ids.mint(time.Now())
	}
	for i := 0; b.Loop(); i++ {
		if _, err := s.StoreEvent(b.Context(), sessions[i%len(sessions)], "b6f1f6a2-7d8e-4a55-9f3c-0e4b3e6f2f10",
			message); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReplay replays the ten newest of the 1000 events that a session retains.
func BenchmarkReplay(b *testing.B) {
	b.Run("reprise", func(b *testing.B) { benchmarkReplay(b, newStore(b, shard.Config{})) })
	b.Run("sdk", func(b *testing.B) { benchmarkReplay(b, server.NewInMemoryEventStore()) })
}

func benchmarkReplay(b *testing.B, s server.EventStore) {
	b.ReportAllocs()
	last := mustStoreN(b, s, "S", "stream", 1000)[989]
	n := 0
	for b.Loop() {
		if _, err := s.ReplayEventsAfter(b.Context(), "S", last,
			func(string, json.RawMessage) error { n++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
	if n%10 != 0 {
		b.Fatal(n)
	}
}

// BenchmarkValidate validates an ID whose session the Store knows, and one that has stored nothing.
func BenchmarkValidate(b *testing.B) {
	es := newStore(b, shard.Config{})
	s := es.Sessions()
	stored, minted := s.Generate(), s.Generate()
	mustStore(b, es, stored, "a", "m")
	for _, c := range []struct{ name, id string }{{"stored", stored}, {"minted", minted}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Validate(c.id); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
