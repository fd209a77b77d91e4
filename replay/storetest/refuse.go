package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func refusing() []test {
	return []test{
		{name: "refuses malformed events and names the field", run: refusesMalformed},
		{name: "takes IDs as long and as plain as the Config says", run: idRules},
		{name: "refuses an event above a limit and takes one at the limit", run: exactSizes},
		{name: "decides between reasons to refuse in the order of the contract", run: precedence},
		{name: "never creates a session by a late append", run: lateAppend},
	}
}

func duplicating() []test {
	return []test{
		{name: "answers a duplicate with the event that is retained", run: answersDuplicates},
		{name: "lets exactly one of racing appends of one ID win", run: racingDuplicates},
		{name: "takes an ID again once its event was evicted", run: evictedIDIsFree},
	}
}

func refusesMalformed(k *kit) {
	k.start(Config{})
	k.create("s")
	long := strings.Repeat("x", ring.MaxIDBytes+1)
	bad := []string{"a\x00", "a\rb", "\n", "\xff", "a\xc3", long, strings.Repeat("é", 129)}
	for field, set := range map[string]func(*ring.Event, string){
		"ID":     func(e *ring.Event, v string) { e.ID = v },
		"Stream": func(e *ring.Event, v string) { e.Stream = v },
		"Type":   func(e *ring.Event, v string) { e.Type = v },
	} {
		values := bad
		if field == "ID" {
			values = append([]string{" x", "x ", "\tx", "x\t", "a\x01b", "a\x7fb", "a\u0085b", "a\tb", " "}, bad...)
		}
		for _, v := range values {
			var e ring.Event
			set(&e, v)
			_, err := k.any().Append(k.ctx, "s", e)
			k.wantErr(fmt.Sprintf("%s %.20q", field, v), err, ring.ErrInvalidEvent)
			if err != nil && !strings.Contains(err.Error(), field) {
				k.Errorf("%s %.20q: the error does not name the field: %v", field, v, err)
			}
		}
	}
	k.equal("log", k.info("s").Log, ring.Stats{})
}

func idRules(k *kit) {
	for _, c := range []struct {
		limit ring.Config
		good  []string
		bad   []string
	}{
		{ring.Config{}, []string{strings.Repeat("x", 256), "é"}, []string{strings.Repeat("x", 257)}},
		{ring.Config{MaxIDBytes: 1024}, []string{strings.Repeat("é", 512)}, []string{strings.Repeat("x", 1025)}},
		{ring.Config{MaxIDBytes: 30}, []string{strings.Repeat("x", 30)}, []string{strings.Repeat("x", 31)}},
		{ring.Config{MaxIDBytes: 1}, []string{"x"}, []string{"xx", "é"}},
		{ring.Config{StrictIDs: true}, []string{"a b", "!~"}, []string{"é", "12345678é", "a\u00a0b"}},
		{
			ring.Config{MaxIDBytes: 1024, StrictIDs: true},
			[]string{strings.Repeat("x", 1024)}, []string{strings.Repeat("é", 512)},
		},
	} {
		k.start(Config{Ring: c.limit})
		k.create("s")
		place := k.append("s", ring.Event{}).ID // an assigned ID is taken whatever the rules
		for i, id := range c.good {
			k.equal("sequence", k.append("s", ring.Event{ID: id}).Seq, uint64(i+2))
			if rest, err := k.drain("s", replay.Position{LastEventID: id}); err != nil || len(rest) != 0 {
				k.Errorf("%+v: after %.40q come %d events, error %v", c.limit, id, len(rest), err)
			}
		}
		for _, id := range c.bad {
			wantRefusedID(k, "s", id)
		}
		rest, err := k.drain("s", replay.Position{LastEventID: place})
		if err != nil || len(rest) != len(c.good) {
			k.Errorf("%+v: after an assigned ID come %d events, error %v", c.limit, len(rest), err)
		}
	}
	_, err := k.drain("s", replay.Position{LastEventID: strings.Repeat("x", 2000)})
	k.wantErr("after an ID that no event can have", err, ring.ErrUnknownID)
}

// wantRefusedID wants an event with that ID to be refused, alone and in a batch, by an error that
// names the field.
func wantRefusedID(k *kit, session, id string) {
	k.Helper()
	before := k.info(session).Log
	_, err := k.any().Append(k.ctx, session, ring.Event{ID: id})
	k.wantErr(fmt.Sprintf("ID %.40q", id), err, ring.ErrInvalidEvent)
	var field *ring.FieldError
	if !errors.As(err, &field) || field.Field != "ID" || field.Value != id {
		k.Errorf("ID %.40q: the error does not tell field and value: %v", id, err)
	}
	if b, ok := k.any().(replay.Batcher); ok {
		_, err := b.AppendAll(k.ctx, session, []ring.Event{{}, {ID: id}})
		k.wantErr(fmt.Sprintf("a batch with ID %.40q", id), err, ring.ErrInvalidEvent)
	}
	k.equal("log", k.info(session).Log, before)
}

func exactSizes(k *kit) {
	for _, c := range []struct {
		name  string
		limit ring.Config
		size  int // of the largest event that is taken
	}{
		{"MaxEventBytes", ring.Config{MaxEventBytes: 100}, 100},
		{"MaxBytes", ring.Config{MaxBytes: 300}, 300 - ring.Overhead},
	} {
		k.start(Config{Ring: c.limit})
		k.create("s")
		e := ring.Event{ID: "id", Stream: "é", Type: "type"}
		e.Data = make([]byte, c.size-e.Size())
		k.append("s", e)
		e.ID, e.Data = "in", append(e.Data, 0)
		_, err := k.any().Append(k.ctx, "s", e)
		k.wantErr(fmt.Sprintf("%s: an event one byte larger", c.name), err, ring.ErrEventTooLarge)
		for _, number := range []int{c.size + 1, max(c.limit.MaxEventBytes, c.limit.MaxBytes)} {
			if err != nil && !strings.Contains(err.Error(), fmt.Sprint(number)) {
				k.Errorf("%s: %d is not in the error: %v", c.name, number, err)
			}
		}
		k.equal(c.name+": events", k.info("s").Log.Last, 1)
	}
	k.start(Config{Ring: ring.Config{MaxEventBytes: 100}})
	k.create("s")
	assigned := k.append("s", ring.Event{Data: make([]byte, 100)})
	k.equal("bytes with an assigned ID", k.info("s").Log.Bytes, 100+len(assigned.ID)+ring.Overhead)
	k.start(Config{Ring: ring.Config{MaxBytes: 300}})
	k.create("s")
	for range 3 { // an assigned ID may exceed the limit: such an event is retained alone
		assigned = k.append("s", ring.Event{Data: make([]byte, 300-ring.Overhead)})
		k.wantLog("s", []ring.Event{assigned})
	}
	k.wantLog("s", []ring.Event{k.append("s", ring.Event{Data: make([]byte, 1)})})
}

func precedence(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEventBytes: 10}})
	huge := make([]byte, 11)
	k.create("s")
	k.append("s", ring.Event{ID: "taken"})
	refuse := func(what, id string, e ring.Event, want error) {
		k.Helper()
		stored, err := k.any().Append(k.ctx, id, e)
		k.wantErr(what, err, want)
		if want != ring.ErrDuplicateID && stored.Seq != 0 {
			k.Errorf("%s: refused, and yet event %d is returned", what, stored.Seq)
		}
	}
	refuse("invalid, too large", "s", ring.Event{Type: "\n", Data: huge}, ring.ErrInvalidEvent)
	refuse("too large, duplicate", "s", ring.Event{ID: "taken", Data: huge}, ring.ErrEventTooLarge)
	refuse("unknown session, invalid", "none", ring.Event{Type: "\n", Data: huge}, shard.ErrNotFound)
	refuse("unknown session, too large", "none", ring.Event{Data: huge}, shard.ErrNotFound)
	if k.canFinish() {
		k.finish("s")
		refuse("finished, invalid", "s", ring.Event{Type: "\n", Data: huge}, shard.ErrFinished)
		refuse("finished, too large", "s", ring.Event{Data: huge}, shard.ErrFinished)
		refuse("finished, duplicate", "s", ring.Event{ID: "taken"}, shard.ErrFinished)
	}
	k.terminate("s")
	refuse("ended, invalid", "s", ring.Event{Type: "\n", Data: huge}, shard.ErrNotFound)
	refuse("ended, duplicate", "s", ring.Event{ID: "taken"}, shard.ErrNotFound)
}

func lateAppend(k *kit) {
	k.start(Config{Linger: -1})
	k.create("s")
	k.add("s", "1")
	k.terminate("s")
	for _, id := range []string{"s", "never"} {
		_, err := k.any().Append(k.ctx, id, ring.Event{ID: "late"})
		k.wantErr("Append", err, shard.ErrNotFound)
		_, err = k.any().Info(k.ctx, id)
		k.wantErr("Info", err, shard.ErrNotFound)
		k.create(id)
		k.equal("events of a new session", len(k.stored(id)), 0)
	}
}

func answersDuplicates(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 3}})
	k.create("s")
	first := k.append("s", ring.Event{ID: "own", Stream: "st", Type: "ty", Data: []byte("first")})
	assigned := k.add("s", "2")[0]
	k.add("s", "3")
	before := k.info("s").Log
	for _, original := range []ring.Event{first, assigned} {
		for _, data := range []string{"first", "other, and longer"} {
			again, err := k.any().Append(k.ctx, "s", ring.Event{ID: original.ID, Data: []byte(data)})
			k.wantErr("Append", err, ring.ErrDuplicateID)
			k.same("returned", again, original)
		}
	}
	k.equal("log", k.info("s").Log, before)
}

func racingDuplicates(k *kit) {
	const racers, rounds = 8, 10
	k.start(Config{Ring: ring.Config{MaxEvents: 4}})
	k.create("s")
	for round := range rounds {
		var mu sync.Mutex
		var won []ring.Event
		var lost []ring.Event
		id := fmt.Sprint("id", round)
		together(racers, func(i int) {
			e, err := k.any().Append(k.ctx, "s", ring.Event{ID: id, Data: fmt.Append(nil, i)})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won = append(won, e)
			case errors.Is(err, ring.ErrDuplicateID):
				lost = append(lost, e)
			default:
				k.Errorf("Append: %v", err)
			}
		})
		if len(won) != 1 || len(lost) != racers-1 {
			k.Fatalf("%d of %d racing appends won, %d were duplicates", len(won), racers, len(lost))
		}
		for _, e := range lost {
			k.same("what a loser is told", e, won[0])
		}
		k.equal("sequence", won[0].Seq, round+1)
	}
}

func evictedIDIsFree(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 2}})
	k.create("s")
	for i := range 12 {
		id := []string{"a", "b", "c"}[i%3]
		e := k.append("s", ring.Event{ID: id, Data: fmt.Append(nil, i)})
		k.equal("sequence of "+id, e.Seq, i+1)
		again, err := k.any().Append(k.ctx, "s", ring.Event{ID: id})
		k.wantErr("Append of "+id+" again", err, ring.ErrDuplicateID)
		k.same("returned", again, e)
	}
	events, err := k.drain("s", replay.Position{LastEventID: "b"})
	if err != nil || len(events) != 1 || events[0].ID != "c" || string(events[0].Data) != "11" {
		k.Errorf("after b comes %v, error %v; want the newest c", events, err)
	}
}
