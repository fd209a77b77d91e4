package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func batchWhole(k *kit) {
	k.start(Config{})
	batcher := has[replay.Batcher](k)
	k.create("s")
	k.add("s", "before")
	batch := []ring.Event{
		{Stream: "a", Type: "t", Data: []byte("1")}, {ID: "own", Data: []byte("2")}, {Data: []byte{}}, {Stream: "b",
			Data: []byte("4")},
	}
	stored, err := batcher().AppendAll(k.ctx, "s", batch)
	if err != nil || len(stored) != len(batch) {
		k.Fatalf("AppendAll: %d events, %v", len(stored), err)
	}
	for i, e := range stored {
		k.equal("sequence", e.Seq, uint64(i+2))
		k.equal("data", string(e.Data), string(batch[i].Data))
	}
	k.equal("a producer's ID", stored[1].ID, "own")
	batch[0].Data[0] = 'X' // the caller's again
	all := k.stored("s")
	k.equal("events", len(all), 5)
	for i := range stored {
		k.same("stored", all[i+1], stored[i])
	}
	none, err := batcher().AppendAll(k.ctx, "s", nil)
	if err != nil || len(none) != 0 {
		k.Errorf("no events: %v, %v", none, err)
	}
}

func batchNothing(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 10, MaxEventBytes: 100}})
	batcher := has[replay.Batcher](k)
	k.create("s")
	k.append("s", ring.Event{ID: "there"})
	before := k.stored("s")
	good := ring.Event{Data: []byte("good")}
	for what, c := range map[string]struct {
		last ring.Event
		want error
	}{
		"an ID that is retained": {ring.Event{ID: "there"}, ring.ErrDuplicateID},
		"an invalid event":       {ring.Event{Type: "a\nb"}, ring.ErrInvalidEvent},
		"an event too large":     {ring.Event{Data: make([]byte, 101)}, ring.ErrEventTooLarge},
	} {
		stored, err := batcher().AppendAll(k.ctx, "s", []ring.Event{good, good, c.last})
		k.wantErr(what, err, c.want)
		if len(stored) != 0 {
			k.Errorf("%s: %d events are returned", what, len(stored))
		}
	}
	_, err := batcher().AppendAll(k.ctx, "s", []ring.Event{{ID: "x"}, {ID: "x"}})
	k.wantErr("an ID that comes twice", err, ring.ErrDuplicateID)
	_, err = batcher().AppendAll(k.ctx, "s", slices.Repeat([]ring.Event{good}, 11))
	k.wantErr("more than the session may retain", err, ring.ErrEventTooLarge)
	k.equal("events", len(k.stored("s")), len(before))
	k.equal("the next sequence", k.append("s", ring.Event{}).Seq, uint64(2))
	_, err = batcher().AppendAll(k.ctx, "nobody", []ring.Event{good})
	k.wantErr("an unknown session", err, shard.ErrNotFound)
}

// batchPrecedence wants what is wrong with an event by itself, the first such event of all, before
// what has to do with others.
func batchPrecedence(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 4, MaxBytes: 300, MaxEventBytes: 100}})
	batcher := has[replay.Batcher](k)
	k.create("s")
	k.append("s", ring.Event{ID: "there"})
	taken, invalid := ring.Event{ID: "there"}, ring.Event{Type: "a\nb"}
	huge, half := ring.Event{Data: make([]byte, 101)}, ring.Event{Data: make([]byte, 150-ring.Overhead)}
	for what, c := range map[string]struct {
		batch []ring.Event
		want  error
	}{
		"duplicate, too large": {[]ring.Event{taken, huge}, ring.ErrEventTooLarge},
		"duplicate, invalid":   {[]ring.Event{taken, invalid}, ring.ErrInvalidEvent},
		"twice, too large":     {[]ring.Event{{ID: "x"}, {ID: "x"}, huge}, ring.ErrEventTooLarge},
		"too large, invalid":   {[]ring.Event{huge, invalid}, ring.ErrEventTooLarge},
		"invalid, too large":   {[]ring.Event{invalid, huge}, ring.ErrInvalidEvent},
		"too many, duplicate":  {[]ring.Event{{}, {}, {}, {}, taken}, ring.ErrEventTooLarge},
		"too many, invalid":    {[]ring.Event{{}, {}, {}, {}, invalid}, ring.ErrInvalidEvent},
		"too many bytes, but only with the IDs that the events get": {[]ring.Event{half, half}, ring.ErrEventTooLarge},
	} {
		stored, err := batcher().AppendAll(k.ctx, "s", c.batch)
		k.wantErr(what, err, c.want)
		if len(stored) != 0 {
			k.Errorf("%s: %d events are returned", what, len(stored))
		}
	}
	_, err := batcher().AppendAll(k.ctx, "none", []ring.Event{huge, invalid})
	k.wantErr("unknown session, too large", err, shard.ErrNotFound)
	k.equal("events", k.info("s").Log.Last, 1)
}

func batchRacing(k *kit) {
	const writers, batches, size = 4, 10, 5
	k.start(Config{Ring: ring.Config{MaxEvents: writers * batches * size}})
	batcher := has[replay.Batcher](k)
	k.create("s")
	together(writers, func(g int) {
		for n := range batches {
			batch := make([]ring.Event, size)
			for i := range batch {
				batch[i].Data = fmt.Appendf(nil, "%d/%d/%d", g, n, i)
			}
			if _, err := batcher().AppendAll(k.ctx, "s", batch); err != nil {
				k.Errorf("AppendAll: %v", err)
				return
			}
		}
	})
	all := k.stored("s")
	k.equal("events", len(all), writers*batches*size)
	for i := 0; i+size <= len(all); i += size {
		head, _ := strings.CutSuffix(string(all[i].Data), "/0")
		for n := range size {
			k.equal("event of a batch", string(all[i+n].Data), fmt.Sprintf("%s/%d", head, n))
		}
	}
}
