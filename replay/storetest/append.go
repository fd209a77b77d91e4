package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func appending() []test {
	return []test{
		{name: "stores what was appended and returns it", run: storesAndReturns},
		{name: "keeps every byte of the data", run: keepsBytes},
		{name: "keeps a time that is set, to the nanosecond, and assigns one otherwise", run: keepsTime},
		{name: "takes any valid event ID and finds the event by it", run: takesEventIDs},
		{name: "assigns IDs that no retained event has", run: assignsFreeIDs},
		{name: "answers a context that has ended with its error or does the work", run: endedContext},
		{name: "shows an event to every reader that opens once Append has returned", run: readsItsWrites},
	}
}

func storesAndReturns(k *kit) {
	k.start(Config{})
	k.create("s")
	data := []byte("data")
	var want []ring.Event
	for i, e := range []ring.Event{
		{ID: "own", Stream: "stream", Type: "type", Data: data},
		{Data: data, Seq: 99},
		{Stream: "a b", Type: "é\t", Data: nil},
		{},
	} {
		before := e
		stored := k.append("s", e)
		k.equal("sequence", stored.Seq, i+1)
		if stored.ID == "" || e.ID != "" && stored.ID != e.ID {
			k.Errorf("event with ID %q got %q", e.ID, stored.ID)
		}
		before.Seq, before.ID, before.Time = stored.Seq, stored.ID, stored.Time
		k.same("returned by Append", stored, before)
		stored.Data = bytes.Clone(stored.Data)
		want = append(want, stored)
	}
	copy(data, "soil")
	got := k.stored("s")
	if len(got) != len(want) {
		k.Fatalf("%d events stored, want %d", len(got), len(want))
	}
	for i := range want {
		k.same("read again", got[i], want[i])
	}
}

func keepsBytes(k *kit) {
	k.start(Config{})
	k.create("s")
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	datas := [][]byte{nil, {}, every, []byte("\r\n\r\n"), []byte("data: x\n\n"), {0}, bytes.Repeat(every, 400)}
	for _, d := range datas {
		stored := k.append("s", ring.Event{Data: d})
		if !bytes.Equal(stored.Data, d) {
			k.Errorf("Append of %.20q returned %.20q", d, stored.Data)
		}
	}
	for i, e := range k.stored("s") {
		if !bytes.Equal(e.Data, datas[i]) {
			k.Errorf("%d bytes %.20q, want %d bytes %.20q", len(e.Data), e.Data, len(datas[i]), datas[i])
		}
	}
}

func keepsTime(k *kit) {
	k.start(Config{})
	k.create("s")
	set := []time.Time{time.Unix(1234567890, 987654321), time.Unix(0, 1), time.Unix(-1, 0),
		time.Date(2261, 1, 1, 0, 0, 0, 999, time.UTC)}
	for _, at := range set {
		if stored := k.append("s", ring.Event{Time: at}); !stored.Time.Equal(at) {
			k.Errorf("Append at %v returned %v", at, stored.Time)
		}
	}
	now := time.Now()
	assigned := k.append("s", ring.Event{}).Time
	if d := assigned.Sub(now); d < -time.Minute || d > time.Minute {
		k.Errorf("assigned %v at %v", assigned, now)
	}
	for i, e := range k.stored("s") {
		if want := append(set, assigned)[i]; !e.Time.Equal(want) {
			k.Errorf("read at %v, stored at %v", e.Time, want)
		}
	}
}

// oddEventIDs are valid event IDs that a store may mistake for something else.
var oddEventIDs = []string{
	"0", "1", "-", "+", "$", "*", ">", "<", "0-0", "0-1", "1-1", "1-*", "(1-1",
	"18446744073709551615-18446744073709551615", "a b", "a\u00a0b",
	"é", "\U0001F600", `"`, "'", `\`, "%0A", "{a}", "seq", "id", "false", "-1", "1e3", "0x10", " x"[1:], "x:y", "X:Y",
	strings.Repeat("i", 255), strings.Repeat("i", 256), strings.Repeat("é", 128),
}

func takesEventIDs(k *kit) {
	k.start(Config{})
	k.create("s")
	for _, id := range oddEventIDs {
		k.append("s", ring.Event{ID: id, Data: []byte(id)})
	}
	for i, id := range oddEventIDs {
		events, err := k.drain("s", replay.Position{LastEventID: id})
		if err != nil || len(events) != len(oddEventIDs)-i-1 || len(events) > 0 && events[0].ID != oddEventIDs[i+1] {
			k.Errorf("after %q come %d events, error %v", id, len(events), err)
		}
	}
}

// An event that takes an ID which the Store would assign later must be respected when its turn
// comes.
func assignsFreeIDs(k *kit) {
	k.start(Config{})
	k.create("s")
	seen := map[string]uint64{}
	store := func(id string) {
		e := k.append("s", ring.Event{ID: id})
		if before := seen[e.ID]; before != 0 {
			k.Errorf("events %d and %d both have ID %q", before, e.Seq, e.ID)
		}
		seen[e.ID] = e.Seq
	}
	for range 20 {
		e := k.append("s", ring.Event{})
		seen[e.ID] = e.Seq
		if prefix, ok := strings.CutSuffix(e.ID, strconv.FormatUint(e.Seq, 10)); ok {
			store(fmt.Sprint(prefix, e.Seq+2))
		}
		store("")
		store("")
	}
	for id, seq := range seen {
		if err := k.follows("s", id, seq); err != nil {
			k.Errorf("event %d: %v", seq, err)
		}
	}
}

// follows wants the first event after the one with this ID to be the one after seq.
func (k *kit) follows(session, id string, seq uint64) error {
	events, err := k.drain(session, replay.Position{LastEventID: id, All: true})
	if err == nil && len(events) > 0 && events[0].Seq != seq+1 {
		err = fmt.Errorf("event %d follows on %q", events[0].Seq, id)
	}
	return err
}

func endedContext(k *kit) {
	k.start(Config{})
	k.create("s")
	r := k.open("s", replay.Position{})
	ended, cancel := context.WithCancel(k.ctx)
	cancel()
	store := k.any()
	_, created := store.Create(ended, "", shard.Metadata{})
	_, info := store.Info(ended, "s")
	_, appended := store.Append(ended, "s", ring.Event{ID: "1"})
	late, opened := store.Open(ended, "s", replay.Position{})
	if opened == nil {
		late.Close()
	}
	for what, err := range map[string]error{
		"Create": created, "Info": info, "Append": appended, "Open": opened,
		"Touch": store.Touch(ended, "s"), "Update": store.Update(ended, "s", func(*shard.Metadata) {}),
	} {
		if err != nil && !errors.Is(err, context.Canceled) {
			k.Errorf("%s: error %v, want context.Canceled or none", what, err)
		}
	}
	_, err := k.any().Append(k.ctx, "s", ring.Event{ID: "1", Data: []byte("again")})
	if appended == nil {
		k.wantErr("Append of an event that was stored", err, ring.ErrDuplicateID)
	} else {
		k.wantErr("Append of an event that may have been stored", err, nil, ring.ErrDuplicateID)
	}
	if e := k.next(r); e.ID != "1" {
		k.Errorf("read %q", e.ID)
	}
	k.wantErr("Wait", r.Wait(ended), context.Canceled)
	k.wantErr("Err", r.Err(), nil)
}

func readsItsWrites(k *kit) {
	k.start(Config{})
	k.create("s")
	last := ""
	for i := range 50 {
		e := k.append("s", ring.Event{})
		events, err := k.drain("s", replay.Position{LastEventID: last})
		if err != nil || len(events) != 1 || events[0].Seq != e.Seq {
			k.Fatalf("append %d: then %d events, error %v", i, len(events), err)
		}
		if log := k.info("s").Log; log.Last != e.Seq {
			k.Fatalf("append %d: Info says %+v", i, log)
		}
		last = e.ID
	}
}
