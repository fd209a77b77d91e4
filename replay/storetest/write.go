package storetest

import (
	"errors"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// writing are cases about what a replay.Writer stores.
func writing() []test {
	return []test{
		{name: "stores a writer's events once, in sequence", run: writesInSequence},
		{name: "stores nothing of a writer's batch with a fault", run: writesNothing},
		{name: "gives an ID to the newer of two events of a writer", run: writesDuplicates},
		{name: "restarts a log behind what is stored", run: writesRestart},
	}
}

func writesInSequence(k *kit) {
	k.start(Config{})
	leaser := has[replay.Leaser](k)
	w := k.hold(leaser(), shard.Options{ID: "s"}, longTerm("a"))
	k.write(w, leased(1, 3, "x"))
	k.write(w, leased(1, 3, "again"))
	k.write(w, leased(2, 5, "x"))
	if err := w.Append(k.ctx, nil); err != nil {
		k.Errorf("no events: %v", err)
	}
	batch := leased(6, 6, "mine")
	k.write(w, batch)
	batch[0].Data[0] = 'X' // the caller's again
	all := k.stored("s")
	k.equal("events", len(all), 6)
	for i, want := range append(leased(1, 5, "x"), leased(6, 6, "mine")...) {
		k.same("stored", all[i], want)
	}
	missing := (*replay.MissingError)(nil)
	if err := w.Append(k.ctx, leased(8, 9, "x")); !errors.Is(err, replay.ErrMissing) || !errors.As(err, &missing) ||
		missing.Last != 6 || missing.Next != 8 {
		k.Errorf("Append of event 8 after event 6: %v, want a *MissingError that says so", err)
	}
	k.equal("events", len(k.stored("s")), 6)
	k.write(w, leased(7, 7, "x"))
}

func timeless(e *ring.Event) { *e = ring.Event{Seq: e.Seq, ID: e.ID} }

func tooLarge(e *ring.Event) { e.Data = make([]byte, 101) }

func writesNothing(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 5, MaxEventBytes: 100}})
	leaser := has[replay.Leaser](k)
	w := k.hold(leaser(), shard.Options{ID: "s"}, longTerm("a"))
	k.write(w, leased(1, 1, "x"))
	faulty := func(change func(*ring.Event)) []ring.Event {
		es := leased(2, 4, "x")
		change(&es[2])
		return es
	}
	for what, c := range map[string]struct {
		es   []ring.Event
		want error
	}{
		"an event without a sequence": {faulty(func(e *ring.Event) { e.Seq = 0 }), ring.ErrInvalidEvent},
		"an event out of sequence":    {faulty(func(e *ring.Event) { e.Seq = 9 }), ring.ErrInvalidEvent},
		"an event without an ID":      {faulty(func(e *ring.Event) { e.ID = "" }), ring.ErrInvalidEvent},
		"an event without a time":     {faulty(timeless), ring.ErrInvalidEvent},
		"an invalid event":            {faulty(func(e *ring.Event) { e.Type = "a\nb" }), ring.ErrInvalidEvent},
		"an event too large":          {faulty(tooLarge), ring.ErrEventTooLarge},
		"more than can be retained":   {leased(2, 7, "x"), ring.ErrEventTooLarge},
	} {
		k.wantErr(what, w.Append(k.ctx, c.es), c.want)
	}
	k.equal("events", len(k.stored("s")), 1)
	k.write(w, leased(2, 6, "x"))
	k.equal("the oldest of five", k.stored("s")[0].Seq, 2)
}

func writesDuplicates(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 3}})
	leaser := has[replay.Leaser](k)
	w := k.hold(leaser(), shard.Options{ID: "s"}, longTerm("a"))
	for seq := uint64(1); seq <= 8; seq++ {
		es := leased(seq, seq, "x")
		es[0].ID = []string{"even", "odd"}[seq%2]
		k.write(w, es)
		after, err := k.drain("s", replay.Position{LastEventID: es[0].ID, All: true})
		if err != nil || len(after) != 0 {
			k.Errorf("after the ID of event %d, the newest, come %d events, error %v", seq, len(after), err)
		}
	}
	after, err := k.drain("s", replay.Position{LastEventID: "odd", All: true})
	if err != nil || len(after) != 1 || after[0].Seq != 8 {
		k.Errorf("after the ID of event 7 come %d events, error %v; want event 8", len(after), err)
	}
}

func writesRestart(k *kit) {
	k.start(Config{})
	leaser := has[replay.Leaser](k)
	w := k.hold(leaser(), shard.Options{ID: "s"}, longTerm("a"))
	k.write(w, leased(1, 3, "old"))
	behind := k.open("s", replay.Position{LastEventID: "front-1", All: true})
	asleep := k.open("s", replay.Position{Live: true})
	for _, next := range []uint64{0, 1, 3} {
		if err := w.Restart(k.ctx, next); err == nil {
			k.Errorf("Restart at %d, when event 3 is stored: no error", next)
		}
	}
	k.equal("events", len(k.stored("s")), 3)
	if err := w.Restart(k.ctx, 10); err != nil {
		k.Fatalf("Restart: %v", err)
	}
	k.equal("log", k.info("s").Log, ring.Stats{Last: 9, Evicted: 9})
	k.overtaken("a reader that was behind", behind)
	skipper, skips := behind.(replay.GapSkipper)
	if skips {
		if first, err := skipper.SkipGap(); first != 0 || err != nil {
			k.Errorf("SkipGap in an empty log: the oldest event is %d, error %v; want 0", first, err)
		}
	}
	k.write(w, leased(10, 11, "new"))
	if skips {
		k.expect(behind, "new", "new")
	}
	k.overtaken("a reader that was at the end", asleep)
	all := k.stored("s")
	k.equal("events", len(all), 2)
	k.same("the first", all[0], leased(10, 10, "new")[0])
	_, err := k.drain("s", replay.Position{LastEventID: "front-2", All: true})
	k.wantErr("after an ID from before", err, ring.ErrEvicted, ring.ErrUnknownID)
}

// overtaken reads what r has read ahead, and wants it to be overtaken then.
func (k *kit) overtaken(what string, r replay.Reader) {
	k.Helper()
	err := error(nil)
	for err == nil {
		_, err = k.nextOrEnd(r)
	}
	k.wantErr(what, err, ring.ErrEvicted)
}
