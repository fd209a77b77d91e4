package storetest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func evicting() []test {
	return []test{
		{name: "evicts the oldest events above MaxEvents", run: evictsByCount},
		{name: "evicts as many of the oldest events as a new one needs", run: evictsByBytes},
		{name: "charges empty events for their overhead", run: chargesEmpty},
		{name: "refuses to begin after an event that is not there", run: refusesPositions},
		{name: "lets the appending session pay when all sessions together are at the limit", needs: Budget,
			run: budget},
	}
}

// wantLog wants the session to hold exactly these events, and Info to say so. Evicted is how many
// there were before them.
func (k *kit) wantLog(id string, want []ring.Event) {
	k.Helper()
	got := k.stored(id)
	if len(got) != len(want) {
		k.Fatalf("%d events are retained, want %d", len(got), len(want))
	}
	log := ring.Stats{Events: len(want)}
	for i := range want {
		k.same("retained", got[i], want[i])
		log.Bytes += int64(want[i].Size() + ring.Overhead)
		log.Last = want[i].Seq
	}
	if len(want) > 0 {
		log.First = want[0].Seq
		log.Evicted = log.First - 1
	}
	k.equal("log", k.info(id).Log, log)
}

func evictsByCount(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 5}})
	k.create("s")
	var all []ring.Event
	for i := range 23 {
		all = append(all, k.append("s", ring.Event{Stream: fmt.Sprint(i % 2), Data: fmt.Append(nil, i)}))
		if i%3 == 0 {
			k.wantLog("s", all[max(0, len(all)-5):])
		}
	}
}

func evictsByBytes(k *kit) {
	const limit = 2000
	k.start(Config{Ring: ring.Config{MaxBytes: limit}})
	k.create("s")
	var all []ring.Event
	for i, size := range []int{100, 0, 500, 300, 700, 1, 1900, 3, 900, 900, 30, 1934, 0, 0} {
		e := k.append("s", ring.Event{ID: fmt.Sprintf("%02d", i), Data: make([]byte, size)})
		all = append(all, e)
		bytes := 0
		for _, e := range all {
			bytes += e.Size() + ring.Overhead
		}
		for ; bytes > limit; all = all[1:] {
			bytes -= all[0].Size() + ring.Overhead
		}
		k.wantLog("s", all)
	}
}

func chargesEmpty(k *kit) {
	k.start(Config{Ring: ring.Config{MaxBytes: 10 * (ring.Overhead + 2)}})
	k.create("s")
	for i := range 30 {
		k.append("s", ring.Event{ID: fmt.Sprintf("%02d", i)})
	}
	k.equal("log", k.info("s").Log, ring.Stats{Events: 10, Bytes: 10 * (ring.Overhead + 2), First: 21, Last: 30,
		Evicted: 20})
}

func refusesPositions(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 3}})
	k.create("other")
	foreign := k.add("other", "x")[0].ID
	k.append("other", ring.Event{ID: "foreign"})
	k.create("s")
	evicted := k.add("s", "1")[0].ID
	k.append("s", ring.Event{ID: "evicted"})
	retained := k.add("s", "3", "4", "5")
	newest := retained[2].ID
	for _, c := range []struct {
		name, id string
		want     []error
	}{
		{"an assigned ID that was evicted", evicted, []error{ring.ErrEvicted}},
		{"an own ID that was evicted", "evicted", []error{ring.ErrUnknownID, ring.ErrEvicted}},
		// a Store may remember it
		{"an assigned ID of another session", foreign, []error{ring.ErrUnknownID}},
		{"an own ID of another session", "foreign", []error{ring.ErrUnknownID}},
		{"an ID from the future", newest + "9", []error{ring.ErrUnknownID}},
		{"nonsense", "nonsense", []error{ring.ErrUnknownID}},
		{"a number", "0", []error{ring.ErrUnknownID}},
		{"a sign", "-", []error{ring.ErrUnknownID}},
		{"an assigned ID with a space", newest + " ", []error{ring.ErrUnknownID}},
		{"the evicted ID with a zero", strings.Replace(evicted, "-", "-0", 1),
			[]error{ring.ErrUnknownID, ring.ErrEvicted}},
		{"a malformed ID", "a\x00\xff\r\n", []error{ring.ErrUnknownID}},
		{"a long ID", strings.Repeat("x", 100_000), []error{ring.ErrUnknownID}},
	} {
		for _, at := range []replay.Position{{}, {All: true}, {Live: true}, {Streams: []string{"", "a"}}} {
			at.LastEventID = c.id
			r, err := k.any().Open(k.ctx, "s", at)
			k.wantErr(fmt.Sprintf("Open after %s", c.name), err, c.want...)
			if err == nil {
				r.Close()
			}
		}
	}
	for i, e := range retained {
		events, err := k.drain("s", replay.Position{LastEventID: e.ID})
		if err != nil || len(events) != 2-i {
			k.Errorf("after %q come %d events, error %v", e.ID, len(events), err)
		}
	}
	k.eventually("no reader is left attached", func() bool { return k.info("s").Attached == 0 })
}

// budget knows no more of how MaxBytes is divided than that an event which takes more than all of
// it fits nowhere.
func budget(k *kit) {
	const limit = 20_000
	k.start(Config{MaxBytes: limit, MaxSessions: 2})
	k.create("a")
	k.create("b")
	held := func() int64 { return k.info("a").Log.Bytes + k.info("b").Log.Bytes }
	k.append("b", ring.Event{Data: make([]byte, 100)})
	for range 60 {
		k.append("a", ring.Event{Data: make([]byte, 1000)})
		if held() > limit {
			k.Fatalf("sessions hold %d bytes, want at most %d", held(), limit)
		}
	}
	k.equal("events of the session that appends nothing", len(k.stored("b")), 1)
	if a := k.info("a").Log; a.Evicted == 0 || a.First != a.Evicted+1 || a.Last != 60 {
		k.Errorf("the session that appends: %+v", a)
	}
	before := fmt.Sprint(k.info("a").Log, k.info("b").Log)
	for _, id := range []string{"a", "b"} {
		_, err := k.any().Append(k.ctx, id, ring.Event{Data: make([]byte, limit)})
		k.wantErr("Append of more than fits", err, shard.ErrOverBudget)
		if errors.Is(err, ring.ErrEventTooLarge) {
			k.Errorf("%v", err)
		}
	}
	k.equal("logs", fmt.Sprint(k.info("a").Log, k.info("b").Log), before)
	k.terminate("a")
	k.append("b", ring.Event{Data: make([]byte, limit/4)})
}
