package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

func overtaking() []test {
	return []test{
		{name: "tells a reader that was overtaken, for good", run: overtaken},
		{name: "goes on behind a gap from the oldest event, on its streams and in its place", run: skipsGaps},
		{name: "drains all events or none and an error when overtaken", run: drainOvertaken},
		{name: "replays all or one error while events are evicted", run: replayUnderEviction},
	}
}

// A Store may read ahead of its readers, so that they see more than is retained. What none may do
// is leave something out.

func overtaken(k *kit) {
	const limit, stored = 4, 50
	for _, at := range []replay.Position{{}, {Streams: []string{""}}, {Streams: []string{"", "a"}}, {Live: true}} {
		k.start(Config{Ring: ring.Config{MaxEvents: limit}})
		k.create("s")
		k.add("s", "0")
		r := k.open("s", at)
		seq := k.expectFirst(r, at)
		for i := range stored {
			k.add("s", fmt.Sprint(i+1))
		}
		for {
			e, err := k.nextOrEnd(r)
			if err != nil {
				k.expectEnd(r, ring.ErrEvicted)
				break
			}
			if e.Seq != seq+1 {
				k.Fatalf("at %+v event %d follows on %d", at, e.Seq, seq)
			}
			if seq = e.Seq; seq == stored+1 {
				break
			}
		}
	}
}

// expectFirst reads the event that was stored before the reader opened, if the reader is to see it.
func (k *kit) expectFirst(r replay.Reader, at replay.Position) uint64 {
	k.Helper()
	if !at.Live {
		k.expect(r, "0")
	}
	return 1
}

func drainOvertaken(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 4}})
	k.create("s")
	k.add("s", "0", "1")
	r := k.open("s", replay.Position{})
	k.add("s", "2", "3", "4", "5", "6", "7")
	events, err := replay.Drain(r)
	if err != nil {
		k.wantErr("Drain", err, ring.ErrEvicted)
		k.equal("events beside the error", len(events), 0)
		return
	}
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			k.Fatalf("event %d at place %d", e.Seq, i)
		}
	}
	if len(events) < 2 {
		k.Errorf("%d events without an error, and 2 were stored when the reader opened", len(events))
	}
}

func replayUnderEviction(k *kit) {
	const limit, rounds = 16, 60
	k.start(Config{Ring: ring.Config{MaxEvents: limit}})
	k.create("s")
	var stop atomic.Bool
	var newest atomic.Uint64 // acknowledged
	var writing sync.WaitGroup
	for range 2 {
		writing.Go(func() {
			for !stop.Load() {
				e, err := k.any().Append(k.ctx, "s", ring.Event{})
				if err != nil {
					k.Errorf("Append: %v", err)
					return
				}
				for seen := newest.Load(); seen < e.Seq && !newest.CompareAndSwap(seen, e.Seq); seen = newest.Load() {
				}
			}
		})
	}
	defer writing.Wait()
	defer stop.Store(true)
	last := ""
	complete := 0
	for i := 0; i < rounds && !k.Failed(); i++ {
		at, before := replay.Position{}, newest.Load()
		if i%2 == 1 {
			at.LastEventID = last
		}
		events, err := k.drain("s", at)
		if err != nil {
			if !errors.Is(err, ring.ErrEvicted) || len(events) > 0 {
				k.Errorf("%d events and error %v", len(events), err)
			}
			continue
		}
		complete++
		for n := 1; n < len(events); n++ {
			if events[n].Seq != events[n-1].Seq+1 {
				k.Errorf("event %d follows on %d", events[n].Seq, events[n-1].Seq)
			}
		}
		if len(events) == 0 {
			if before > 0 && at.LastEventID == "" {
				k.Errorf("nothing, and event %d was stored before", before)
			}
			continue
		}
		if end := events[len(events)-1]; end.Seq < before {
			k.Errorf("ends with event %d, and %d was stored before", end.Seq, before)
		} else {
			last = end.ID
		}
	}
	k.Logf("%d of %d complete", complete, rounds)
}

// skipsGaps is for readers that are a replay.GapSkipper. One place is all that there is, and the
// session ends before the gap is skipped.
func skipsGaps(k *kit) {
	for _, end := range []func(*kit, string){func(*kit, string) {}, (*kit).terminate} {
		limits := Config{Ring: ring.Config{MaxEvents: 4}}
		if k.subject.Lacks&Attachments == 0 {
			limits.MaxAttached = 1
		}
		k.start(limits)
		k.create("s")
		r := k.open("s", replay.Position{Streams: []string{"a"}})
		skipper, ok := r.(replay.GapSkipper)
		if !ok {
			k.Skip("left out: the Store's readers are no replay.GapSkipper")
		}
		for n := range 200 {
			k.add("s", fmt.Sprintf("%c:%d", 'a'+n%2, n))
		}
		for err := error(nil); !errors.Is(err, ring.ErrEvicted); { // a Store may have read some events ahead
			if _, err = k.nextOrEnd(r); err != nil && !errors.Is(err, ring.ErrEvicted) {
				k.Fatalf("the reader ended: %v", err)
			}
		}
		end(k, "s")
		if first, err := skipper.SkipGap(); err != nil || first != 197 {
			k.Errorf("SkipGap: the oldest event is %d, error %v; want 197", first, err)
		}
		k.expect(r, "196", "198")
	}
}
