package shard_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// manySessions makes n sessions of ten events, with a reader each.
func manySessions(b *testing.B, n int) *shard.Manager {
	b.Helper()
	m := newManager(b, shard.Config{MaxSessions: -1, MaxClaims: -1})
	for i := range n {
		s := create(b, m, fmt.Sprint("session-", i))
		if _, err := s.AttachReader(); err != nil {
			b.Fatal(err)
		}
		for range 10 {
			s.Append(ring.Event{Data: make([]byte, 256)})
		}
	}
	return m
}

// per reports what a part of an op takes.
func per(b *testing.B, what string, n int) {
	b.Helper()
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/"+what)
}

// One op looks at 100,000 sessions.
func BenchmarkCensus(b *testing.B) {
	const sessions = 100_000
	m := manySessions(b, sessions)
	b.ReportAllocs()
	for b.Loop() {
		m.Census()
	}
	per(b, "session", sessions)
}

// One op claims a new key.
func BenchmarkClaim(b *testing.B) {
	m := manySessions(b, 1000)
	var sessions []*shard.Session
	for s := range m.Sessions() {
		sessions = append(sessions, s)
	}
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("request ", i)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if err := sessions[i/len(keys)%len(sessions)].Claim(keys[i%len(keys)]); err != nil &&
			i < len(keys)*len(sessions) {
			b.Fatal(err)
		}
	}
}

// One op saves 10,000 sessions of ten events of 256 bytes.
func BenchmarkSave(b *testing.B) {
	m := manySessions(b, 10_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Save(context.Background(), io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	per(b, "event", 100_000)
}

// One op loads the same, and closes the Manager.
func BenchmarkLoad(b *testing.B) {
	snapshot := save(b, manySessions(b, 10_000))
	b.ReportAllocs()
	for b.Loop() {
		m, err := shard.Load(context.Background(), bytes.NewReader(snapshot), shard.Config{MaxSessions: -1})
		if err != nil {
			b.Fatal(err)
		}
		m.Close()
	}
	per(b, "event", 100_000)
}

// One op looks for a session that is not there, by an ID of 15,000 bytes.
func BenchmarkUnknownID(b *testing.B) {
	m := manySessions(b, 1)
	id := string(bytes.Repeat([]byte("x"), 15_000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Get(id); err == nil {
			b.Fatal("found")
		}
	}
}
