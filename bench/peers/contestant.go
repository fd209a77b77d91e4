// Package peers holds Reprise, the ring by hand and the released alternatives behind one small
// interface, so that the same work can be measured on each of them. cmd/compare runs the
// measurements and prints the comparison.
//
// What is fair: a server encodes each event into a buffer. A store that copies leaves the buffer to
// the next event; one that keeps what it is given forces the server to allocate another. Append
// therefore hands over a fresh copy of the payload wherever the store keeps it ("owned payload"),
// and the payload itself where the store copies. Where a library leaves something open, a lock
// around a type that is not safe for concurrent use for instance, the contestant does what is
// cheapest for the library.
package peers

import (
	"sync"

	"github.com/reprise-go/reprise/bench"
)

// A Store is one contestant at work, with sessions 0 to Config.Sessions-1. Its methods are safe for
// concurrent use. What cannot fail in a comparison that compares anything panics.
type Store interface {
	// Append stores payload as the newest event of the session, which is found by its ID. Only
	// stores of producers' own event IDs look at eventID. The caller goes on using payload.
	Append(session int, eventID string, payload []byte)
	// AppendID does the same, at any cost, and returns the event's ID as a client would send it in
	// Last-Event-ID.
	AppendID(session int, eventID string, payload []byte) string
	// Replay goes through the events after lastEventID and returns how many they are.
	Replay(session int, lastEventID string) int
	// Events returns the payloads that Replay goes through, at any cost.
	Events(session int, lastEventID string) []string
	Close()
}

// A Holder also appends to a session that the caller holds, without looking it up.
type Holder interface {
	AppendHeld(session int, eventID string, payload []byte)
}

// A Batcher also appends many events at once to a session that the caller holds.
type Batcher interface {
	// Batch returns a function that appends n events with that payload, for one goroutine; nil
	// where the session cannot: an older Reprise.
	Batch(session, n int, payload []byte) func()
}

// Config is the size of a Store.
type Config struct {
	Sessions int
	Retain   int // events that each session retains, where a store has such a bound
	Most     int // unless it is 0, sessions retain different numbers of events: Retain to Most
	Payload  int // bytes of each event, for stores whose bound is in bytes
}

// kinds is how many different numbers of events sessions retain, where they differ.
const kinds = 9

// RetainOf returns how many events the session retains.
func (c Config) RetainOf(session int) int {
	if c.Most == 0 {
		return c.Retain
	}
	return c.Retain + session%kinds*(c.Most-c.Retain)/(kinds-1)
}

// sessionIDs are the IDs of a store's sessions: 36 bytes, the same for all contestants.
func (c Config) sessionIDs() bench.IDs { return bench.NewIDs(c.Sessions, 2) }

// A Contestant is a kind of Store.
type Contestant struct {
	Name      string
	Module    string // where it comes from; "" for Reprise and the ring by hand
	OwnIDs    bool   // its events have the producers' IDs
	Unbounded bool   // it retains whatever it is given
	Control   bool   // another contestant under a second name, which shows how far apart the same thing measures
	Old       bool   // Reprise as it was, which is measured by a program of its own
	Open      func(Config) Store
}

// Released reports whether it is a library that others have published.
func (c Contestant) Released() bool { return c.Module != "" }

// Charted reports whether it has a place in charts, which show what a server can choose between.
func (c Contestant) Charted() bool {
	return !c.Control && !c.Old && c.Name != ByHandRef && c.Name != RingAlone
}

// Names of the contestants that the targets name.
const (
	Reprise    = "Reprise"
	RepriseOwn = "Reprise, own IDs"
	RingAlone  = "Reprise, the ring alone"
	Old        = "old Reprise"
	OldOwn     = "old Reprise, own IDs"
	ByHandCopy = "by hand, copied payload"
	ByHandRef  = "by hand, shared payload"
	GoSDK      = "go-sdk MemoryEventStore"
	GoSSE      = "go-sse FiniteReplayer, auto IDs"
	R3Labs     = "r3labs/sse EventLog"
)

// All lists the contestants.
func All() []Contestant {
	return []Contestant{
		{Name: Reprise, Open: openReprise},
		{Name: ByHandCopy, Open: openByHandCopy},
		{Name: RepriseOwn, OwnIDs: true, Open: openRepriseOwn},
		{Name: RingAlone, Open: openRing},
		{Name: Old, Old: true, Open: openReprise},
		{Name: OldOwn, Old: true, OwnIDs: true, Open: openRepriseOwn},
		{Name: "by hand again (control)", Control: true, Open: openByHandCopy},
		{Name: ByHandRef, Open: openByHandRef},
		{Name: GoSDK, Module: "github.com/modelcontextprotocol/go-sdk", Open: openGoSDK},
		{Name: "mcp-go InMemoryEventStore", Module: "github.com/mark3labs/mcp-go", Unbounded: true, Open: openMCPGo},
		{Name: GoSSE, Module: "github.com/tmaxmax/go-sse", Open: openGoSSEAuto},
		{Name: "go-sse FiniteReplayer, own IDs", Module: "github.com/tmaxmax/go-sse", OwnIDs: true, Open: openGoSSEOwn},
		{Name: R3Labs, Module: "github.com/r3labs/sse/v2", Unbounded: true, Open: openR3Labs},
		{Name: "centrifuge memory broker", Module: "github.com/centrifugal/centrifuge", Open: openCentrifuge},
	}
}

// Find returns the contestant of that name.
func Find(name string) (Contestant, bool) {
	for _, c := range All() {
		if c.Name == name {
			return c, true
		}
	}
	return Contestant{}, false
}

// A table finds sessions by their IDs for libraries that know one session only.
type table[S any] struct {
	ids      bench.IDs
	mu       sync.RWMutex
	sessions map[string]*S
}

func newTable[S any](cfg Config, open func(retain int) *S) *table[S] {
	t := &table[S]{ids: cfg.sessionIDs(), sessions: make(map[string]*S, cfg.Sessions)}
	for s := range cfg.Sessions {
		t.sessions[t.ids.At(s)] = open(cfg.RetainOf(s))
	}
	return t
}

func (t *table[S]) get(session int) *S {
	t.mu.RLock()
	s := t.sessions[t.ids.At(session)]
	t.mu.RUnlock()
	return s
}

// Close of a table has nothing to do.
func (t *table[S]) Close() {}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
