package storetest

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func creating() []test {
	return []test{
		{name: "mints session IDs that differ and that a header can carry", run: mintsIDs},
		{name: "takes any session ID of 1 to 128 visible characters and keeps such sessions apart", run: takesIDs},
		{name: "refuses other session IDs", run: refusesIDs},
		{name: "refuses a session ID that is taken", run: refusesTakenIDs},
		{name: "lets exactly one of racing creates win", run: racingCreates},
		{name: "keeps events of sessions apart", run: keepsApart},
	}
}

func describing() []test {
	return []test{
		{name: "describes a session", run: describes},
		{name: "copies metadata in and out", run: copiesMetadata},
		{name: "updates metadata but never the principal", run: updates},
		{name: "loses none of concurrent updates", run: concurrentUpdates},
		{name: "knows no session that was never created", run: unknownSession},
	}
}

func mintsIDs(k *kit) {
	k.start(Config{})
	seen := map[string]bool{}
	for range 50 {
		id := k.create("")
		if seen[id] || len(id) < 16 || len(id) > 128 ||
			strings.ContainsFunc(id, func(c rune) bool { return c < 0x21 || c > 0x7E }) {
			t := "minted %q, want 16 to 128 visible characters that were not minted before"
			k.Fatalf(t, id)
		}
		seen[id] = true
		if info := k.info(id); info.ID != id {
			k.Fatalf("Info of %q has ID %q", id, info.ID)
		}
	}
}

// oddIDs are valid session IDs that a store may mistake for something else: patterns, hash tags,
// separators, another's prefix.
var oddIDs = []string{
	"!", "~", "s", "S", "s:", "s:s", "s:events", "{s}", "{}", "}s{", "{s}s", "*", "?", "[s]", `\`, `"`, "'", "0",
	"-1", "%00", "../s", "s/s", "null",
	strings.Repeat("x", 127), strings.Repeat("x", 128),
}

func takesIDs(k *kit) {
	k.start(Config{})
	for _, id := range oddIDs {
		k.create(id)
		k.append(id, ring.Event{Data: []byte("of " + id)})
	}
	for _, id := range oddIDs {
		if events := k.stored(id); len(events) != 1 || string(events[0].Data) != "of "+id || events[0].Seq != 1 {
			k.Errorf("session %q holds %d events: %.80q", id, len(events), fmt.Sprint(events))
		}
		k.terminate(id)
		k.wantRefused(id)
	}
}

func refusesIDs(k *kit) {
	k.start(Config{})
	for _, id := range []string{strings.Repeat("x", 129), " ", "a b", "a\n", "a\x00", "\t", "é", "\x7f", "a\xff"} {
		_, err := k.any().Create(k.ctx, id, shard.Metadata{})
		k.wantErr(fmt.Sprintf("Create %.20q", id), err, shard.ErrInvalidID)
		_, err = k.any().Append(k.ctx, id, ring.Event{})
		k.wantErr(fmt.Sprintf("Append to %.20q", id), err, shard.ErrNotFound)
	}
}

func refusesTakenIDs(k *kit) {
	k.start(Config{})
	k.createWith("s", shard.Metadata{Transport: "first"})
	k.add("s", "1")
	_, err := k.any().Create(k.ctx, "s", shard.Metadata{Transport: "second"})
	k.wantErr("Create", err, shard.ErrExists)
	k.equal("transport", k.info("s").Transport, "first")
	k.equal("events", len(k.stored("s")), 1)
}

func racingCreates(k *kit) {
	k.start(Config{})
	for round := range 10 {
		id := fmt.Sprint("s", round)
		var won atomic.Int64
		together(8, func(int) {
			_, err := k.any().Create(k.ctx, id, shard.Metadata{})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, shard.ErrExists):
				k.Errorf("Create: %v", err)
			}
		})
		k.equal("winners", won.Load(), 1)
	}
}

func keepsApart(k *kit) {
	k.start(Config{})
	k.create("a")
	k.create("b")
	k.append("a", ring.Event{ID: "x", Data: []byte("of a")})
	k.append("b", ring.Event{ID: "x", Data: []byte("of b")})
	k.terminate("a")
	k.wantRefused("a")
	if events := k.stored("b"); len(events) != 1 || string(events[0].Data) != "of b" {
		k.Errorf("session b holds %v", events)
	}
}

func describes(k *kit) {
	k.start(Config{})
	before := time.Now()
	id := k.createWith("s", shard.Metadata{Transport: "sse", Principal: "me"})
	info := k.info(id)
	k.equal("ID", info.ID, id)
	k.equal("status", info.Status, shard.Active)
	k.equal("transport", info.Transport, "sse")
	k.equal("principal", info.Principal, "me")
	k.equal("attached", info.Attached, 0)
	k.equal("log", info.Log, ring.Stats{})
	const skew = time.Minute // the Store's clock need not be ours
	if d := info.Created.Sub(before); d < -skew || d > skew {
		k.Errorf("created %v, asked for at %v", info.Created, before)
	}
	if info.LastActivity.Before(info.Created) {
		k.Errorf("last activity %v, created %v", info.LastActivity, info.Created)
	}
	k.sleep(50 * time.Millisecond)
	e := k.append(id, ring.Event{ID: "own", Stream: "st", Type: "ty", Data: []byte("data")})
	after := k.info(id)
	k.equal("log", after.Log, ring.Stats{Events: 1, Bytes: int64(e.Size() + ring.Overhead), First: 1, Last: 1})
	if !after.LastActivity.After(info.LastActivity) {
		k.Errorf("last activity %v, and before an Append %v", after.LastActivity, info.LastActivity)
	}
}

func copiesMetadata(k *kit) {
	k.start(Config{})
	fresh := func() map[string]any {
		return map[string]any{"name": "é\x00\"", "deep": map[string]any{"list": []any{"a", "b"}, "yes": true,
			"half": 0.5}, "empty": ""}
	}
	spoil := func(m map[string]any) {
		m["name"] = "spoilt"
		m["deep"].(map[string]any)["list"].([]any)[0] = "spoilt"
	}
	given := fresh()
	k.createWith("s", shard.Metadata{ClientInfo: given})
	spoil(given)
	for _, from := range []string{"Create", "Info", "Update"} {
		got := k.info("s").ClientInfo
		if !reflect.DeepEqual(got, fresh()) {
			k.Fatalf("after changing what %s was given or gave: %v, want %v", from, got, fresh())
		}
		if spoil(got); from == "Info" {
			var leaked map[string]any
			leak := func(md *shard.Metadata) {
				md.ClientInfo = maps.Clone(md.ClientInfo)
				leaked = md.ClientInfo
			}
			if err := k.any().Update(k.ctx, "s", leak); err != nil {
				k.Fatal(err)
			}
			spoil(leaked)
		}
	}
}

func updates(k *kit) {
	k.start(Config{})
	k.createWith("mine", shard.Metadata{Principal: "me"})
	k.create("nobody's")
	err := k.any().Update(k.ctx, "mine", func(md *shard.Metadata) {
		md.Transport, md.ClientInfo = "http", map[string]any{"v": "2"}
	})
	k.wantErr("Update", err, nil)
	for id, principal := range map[string]string{"mine": "them", "nobody's": "me"} {
		err := k.any().Update(k.ctx, id, func(md *shard.Metadata) { md.Principal, md.Transport = principal, "changed" })
		k.wantErr("Update of the principal of "+id, err, shard.ErrPrincipal)
	}
	err = k.any().Update(k.ctx, "mine", func(md *shard.Metadata) { md.Principal = "" })
	k.wantErr("Update that takes the principal away", err, shard.ErrPrincipal)
	k.equal("metadata", k.info("mine").Metadata,
		shard.Metadata{Transport: "http", Principal: "me", ClientInfo: map[string]any{"v": "2"}})
	k.equal("metadata", k.info("nobody's").Metadata, shard.Metadata{})
}

func concurrentUpdates(k *kit) {
	const updaters, each = 4, 5
	k.start(Config{})
	k.create("s")
	together(updaters, func(i int) {
		for n := range each {
			if err := k.any().Update(k.ctx, "s", func(md *shard.Metadata) {
				if md.ClientInfo == nil {
					md.ClientInfo = map[string]any{}
				}
				md.ClientInfo[fmt.Sprint(i, "-", n)] = true
			}); err != nil {
				k.Errorf("Update: %v", err)
			}
		}
	})
	k.equal("updates that are there", len(k.info("s").ClientInfo), updaters*each)
}

func unknownSession(k *kit) {
	k.start(Config{})
	k.wantRefused("unknown")
	k.wantErr("Terminate", k.any().Terminate(k.ctx, "unknown"), nil)
	_, err := k.any().Info(k.ctx, "unknown")
	k.wantErr("Info", err, shard.ErrNotFound)
	k.create("unknown") // which none of these calls has created
	k.equal("events", len(k.stored("unknown")), 0)
}
