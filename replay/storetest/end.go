package storetest

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func ending() []test {
	return []test{
		{name: "terminates a session for good, as often as it is asked to", run: terminates},
		{name: "ends readers of a terminated session after the last event that was stored", run: endsReaders},
		{name: "wakes a waiting reader when its session is terminated", run: wakesAtEnd},
		{name: "lets nothing succeed after Terminate has returned and loses nothing before", run: terminateIsExact},
		{name: "mixes a session up with no other one that had its ID", run: sameIDAgain},
	}
}

func finishing() []test {
	tests := []test{
		{name: "takes no event for a finished session and lets it be read", run: finishes},
		{name: "ends readers of a finished session after the last event", run: endsReadersOfFinished},
		{name: "loses no event that was stored before the session finished", run: finishIsExact},
	}
	for i := range tests {
		tests[i].needs = Finishing
	}
	return tests
}

func terminates(k *kit) {
	k.start(Config{})
	k.createWith("s", shard.Metadata{Principal: "me"})
	k.add("s", "1")
	for range 3 {
		k.terminate("s")
		k.wantRefused("s")
	}
	info := k.info("s")
	k.equal("status", info.Status, shard.Terminated)
	k.equal("principal", info.Principal, "me")
	k.equal("log", info.Log, ring.Stats{})
	_, err := k.any().Create(k.ctx, "s", shard.Metadata{})
	k.wantErr("Create while it lingers", err, shard.ErrExists)
}

func endsReaders(k *kit) {
	k.start(Config{})
	k.create("s")
	id := k.add("s", "a:1")[0].ID
	unread, read := k.open("s", replay.Position{}), k.open("s", replay.Position{})
	stream, live := k.open("s", replay.Position{LastEventID: id}), k.open("s", replay.Position{Live: true})
	k.expect(read, "1")
	k.add("s", "b:2", "a:3", "b:4")
	k.terminate("s")
	for r, want := range map[replay.Reader][]string{unread: {"1", "2", "3", "4"}, read: {"2", "3", "4"},
		stream: {"3"}, live: {"2", "3", "4"}} {
		k.expect(r, want...)
		k.expectEnd(r, shard.ErrNotFound)
		if events, err := replay.Drain(r); err == nil {
			k.Errorf("Drain at the end: %d events and no error", len(events))
		}
		r.Close()
	}
}

func wakesAtEnd(k *kit) {
	k.start(Config{})
	k.create("s")
	r := k.open("s", replay.Position{Streams: []string{"a"}})
	k.add("s", "b:1")
	woken := k.waiting(r)
	k.sleep(20 * time.Millisecond)
	k.terminate("s")
	k.wantErr("Wait", <-woken, nil)
	k.expectEnd(r, shard.ErrNotFound)
}

func terminateIsExact(k *kit) { k.endsExactly(k.terminate, shard.ErrNotFound) }

func finishIsExact(k *kit) { k.endsExactly(k.finish, shard.ErrFinished) }

// endsExactly ends sessions that writers write to, and wants a reader to see what Append
// acknowledged and nothing else.
func (k *kit) endsExactly(end func(string), want error) {
	const rounds, writers, most = 10, 4, 500
	k.start(Config{Ring: ring.Config{MaxEvents: writers * most}})
	for round := range rounds {
		id := fmt.Sprint("s", round)
		k.create(id)
		r := k.open(id, replay.Position{})
		w := endWriters{k: k, id: id, want: want, most: most, begun: make(chan struct{}, writers),
			ended: make(chan struct{})}
		stored := make([]int, writers)
		var writing sync.WaitGroup
		for i := range stored {
			writing.Go(func() { stored[i] = w.write(byte(i)) })
		}
		for range writers {
			<-w.begun
		}
		end(id)
		close(w.ended)
		writing.Wait()
		seen := make([]int, writers)
		for last := uint64(0); ; last++ {
			e, err := k.nextOrEnd(r)
			if err != nil {
				k.wantErr("the reader's end", err, want)
				break
			}
			if e.Seq != last+1 {
				k.Fatalf("event %d follows on %d", e.Seq, last)
			}
			seen[e.Data[0]]++
		}
		k.equal("events seen, by writer", seen, stored)
		r.Close()
	}
}

// endWriters write to a session until its end.
type endWriters struct {
	k     *kit
	id    string
	want  error // of an Append after the end
	most  int   // events that each stores before the end
	begun chan struct{}
	ended chan struct{} // closed once the call that ends the session has returned
}

// write appends until it is refused, and returns how often it was not.
func (w *endWriters) write(data byte) (stored int) {
	defer func() {
		if stored < 3 {
			w.begun <- struct{}{}
		}
	}()
	for {
		if stored == w.most {
			<-w.ended
		}
		late := false
		select {
		case <-w.ended:
			late = true
		default:
		}
		e, err := w.k.any().Append(w.k.ctx, w.id, ring.Event{Data: []byte{data}})
		if err != nil {
			if !errors.Is(err, w.want) {
				w.k.Errorf("Append: %v, want %v", err, w.want)
			}
			return stored
		}
		if late {
			w.k.Errorf("event %d was stored after the end", e.Seq)
			return stored + 1
		}
		if stored++; stored == 3 {
			w.begun <- struct{}{}
		}
		runtime.Gosched()
	}
}

func sameIDAgain(k *kit) {
	k.start(Config{Linger: -1})
	k.createWith("s", shard.Metadata{Principal: "first"})
	old := k.add("s", "old 1", "old 2")
	k.append("s", ring.Event{ID: "own", Data: []byte("old")})
	r := k.open("s", replay.Position{})
	k.expect(r, "old 1")
	k.terminate("s")
	k.createWith("s", shard.Metadata{Principal: "second"})
	k.equal("events of the new session", len(k.stored("s")), 0)
	for range 5 {
		k.add("s", "new")
	}
	if e := k.append("s", ring.Event{ID: "own", Data: []byte("new")}); e.Seq != 6 {
		k.Errorf("event 6 has sequence %d", e.Seq)
	}
	for _, e := range old {
		_, err := k.drain("s", replay.Position{LastEventID: e.ID})
		k.wantErr("Open after an event of the old session", err, ring.ErrUnknownID)
	}
	k.expect(r, "old 2", "old")
	k.expectEnd(r, shard.ErrNotFound)
	r.Close()
	k.equal("principal", k.info("s").Principal, "second")
}

func finishes(k *kit) {
	k.start(Config{})
	k.create("s")
	first := k.add("s", "1", "2", "3")[0]
	k.finish("s")
	k.finish("s")
	k.equal("status", k.info("s").Status, shard.Finished)
	k.equal("events", k.info("s").Log.Events, 3)
	_, err := k.any().Append(k.ctx, "s", ring.Event{})
	k.wantErr("Append", err, shard.ErrFinished)
	r := k.open("s", replay.Position{LastEventID: first.ID})
	k.expect(r, "2", "3")
	k.expectEnd(r, shard.ErrFinished)
	_, err = k.any().Open(k.ctx, "s", replay.Position{LastEventID: "unknown"})
	k.wantErr("Open after an unknown event", err, ring.ErrUnknownID)
	k.terminate("s")
	k.wantRefused("s")
	k.equal("status", k.info("s").Status, shard.Terminated)
	k.wantErr("Finish of an ended session", k.subject.Finish(k.ctx, k.any(), "s"), shard.ErrNotFound)
	k.wantErr("Finish of an unknown session", k.subject.Finish(k.ctx, k.any(), "unknown"), shard.ErrNotFound)
}

func endsReadersOfFinished(k *kit) {
	k.start(Config{})
	k.create("s")
	r, idle := k.open("s", replay.Position{}), k.open("s", replay.Position{Streams: []string{"a"}})
	woken := k.waiting(idle)
	k.add("s", "1")
	k.finish("s")
	k.wantErr("Wait", <-woken, nil)
	k.expectEnd(idle, shard.ErrFinished)
	events, err := replay.Drain(r)
	for err == nil && len(events) == 0 {
		if err = r.Wait(k.ctx); err == nil {
			events, err = replay.Drain(r)
		}
	}
	if err != nil || len(events) != 1 {
		k.Errorf("Drain has %d events, error %v; the end comes after them", len(events), err)
	}
	k.expectEnd(r, shard.ErrFinished)
	_, err = replay.Drain(r)
	k.wantErr("Drain", err, shard.ErrFinished)
}
