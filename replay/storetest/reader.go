package storetest

import (
	"context"
	"fmt"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

func reading() []test {
	return []test{
		{name: "has everything that was stored ready when Open returns", run: drainsEverything},
		{name: "drains what is ready and then nothing", run: drainsOnce},
		{name: "wakes a waiting reader for events of its streams alone", run: waitIgnoresOtherStreams},
		{name: "waits no longer than the context, and not at all when something is ready", run: waitEndsWithContext},
		{name: "serves any number of readers of one session, each from its own position", run: manyReaders},
		{name: "counts a reader as attached until it is closed", run: attaches},
		{name: "keeps events valid that were read long ago", run: eventsStayValid},
	}
}

// Drain right after Open is how an adapter replays, so more must be ready then than a Store reads
// at a time.
func drainsEverything(k *kit) {
	const writers, each = 8, 300
	k.start(Config{Ring: ring.Config{MaxEvents: writers * each}})
	k.create("s")
	together(writers, func(int) {
		for range each {
			if _, err := k.any().Append(k.ctx, "s", ring.Event{Stream: "a", Data: []byte("0123456789")}); err != nil {
				k.Errorf("Append: %v", err)
				return
			}
		}
	})
	events := k.stored("s")
	if len(events) != writers*each {
		k.Fatalf("%d events ready, want %d", len(events), writers*each)
	}
	for i, e := range events {
		if e.Seq != uint64(i+1) {
			k.Fatalf("event %d at place %d", e.Seq, i)
		}
	}
	for _, i := range []int{0, 1, 99, 100, 127, 128, 499, 500, 999, 1000, writers*each - 2, writers*each - 1} {
		if rest, err := k.drain("s", replay.Position{LastEventID: events[i].ID}); err != nil ||
			len(rest) != len(events)-i-1 {
			k.Errorf("after event %d are %d ready, error %v", i+1, len(rest), err)
		}
	}
	if none, err := k.drain("s", replay.Position{Streams: []string{"b"}}); err != nil || len(none) != 0 {
		k.Errorf("%d events of another stream, error %v", len(none), err)
	}
}

func drainsOnce(k *kit) {
	k.start(Config{})
	k.create("s")
	k.add("s", "1", "2")
	r := k.open("s", replay.Position{})
	for _, want := range []int{2, 0, 0} {
		events, err := replay.Drain(r)
		if err != nil || len(events) != want {
			k.Errorf("%d events, error %v; want %d", len(events), err, want)
		}
	}
	k.add("s", "3")
	k.expect(r, "3")
}

func waitIgnoresOtherStreams(k *kit) {
	for _, streams := range [][]string{{"a"}, {"a", "c"}} {
		k.start(Config{})
		k.create("s")
		r := k.open("s", replay.Position{Streams: streams})
		k.add("s", "b:1", "2")
		short, cancel := context.WithTimeout(k.ctx, 50*time.Millisecond)
		k.wantErr("Wait with nothing to see", r.Wait(short), context.DeadlineExceeded)
		cancel()
		woken := k.waiting(r)
		k.add("s", "b:3")
		k.sleep(20 * time.Millisecond)
		select {
		case err := <-woken:
			k.Fatalf("Wait returned %v without an event to see", err)
		default:
		}
		k.add("s", "a:4")
		k.wantErr("Wait", <-woken, nil)
		k.wantErr("Wait, a second time", r.Wait(k.ctx), nil)
		var e ring.Event
		if !r.Next(&e) || string(e.Data) != "4" {
			k.Errorf("after Wait Next has %q, error %v", e.Data, r.Err())
		}
	}
}

func waitEndsWithContext(k *kit) {
	k.start(Config{})
	k.create("s")
	r := k.open("s", replay.Position{})
	for range 3 {
		short, cancel := context.WithTimeout(k.ctx, 10*time.Millisecond)
		k.wantErr("Wait", r.Wait(short), context.DeadlineExceeded)
		cancel()
		k.wantErr("Err", r.Err(), nil)
	}
	ended, cancel := context.WithCancel(k.ctx)
	cancel()
	k.wantErr("Wait with a context that has ended", r.Wait(ended), context.Canceled)
	k.add("s", "1")
	k.wantErr("Wait", r.Wait(k.ctx), nil)
	k.wantErr("Wait with an ended context and an event", r.Wait(ended), nil)
	k.expect(r, "1")
}

func manyReaders(k *kit) {
	k.start(Config{})
	k.create("s")
	var ids []string
	for i := range 6 {
		ids = append(ids, k.add("s", fmt.Sprint(i))[0].ID)
	}
	var readers []replay.Reader
	for _, id := range ids {
		readers = append(readers, k.open("s", replay.Position{LastEventID: id}),
			k.open("s", replay.Position{LastEventID: id}))
	}
	k.add("s", "6", "7")
	for i, r := range readers {
		var want []string
		for n := i/2 + 1; n < 8; n++ {
			want = append(want, fmt.Sprint(n))
		}
		k.expect(r, want...)
		if i%3 == 0 {
			r.Close()
		}
	}
	k.add("s", "8")
	for i, r := range readers {
		if i%3 != 0 {
			k.expect(r, "8")
		}
	}
}

func attaches(k *kit) {
	k.start(Config{})
	k.create("s")
	attached := func(n int) {
		k.Helper()
		k.eventually(fmt.Sprint(n, " readers are attached"), func() bool { return k.info("s").Attached == n })
	}
	first, second := k.open("s", replay.Position{}), k.open("s", replay.Position{Live: true})
	attached(2)
	k.add("s", "1")
	first.Close()
	first.Close()
	attached(1)
	var e ring.Event
	if first.Next(&e) {
		k.Errorf("read event %d after Close", e.Seq)
	}
	if first.Err() == nil {
		k.Errorf("no error after Close")
	}
	if err := first.Wait(k.ctx); err != nil && k.ctx.Err() != nil {
		k.Errorf("Wait hangs after Close")
	}
	if events, err := replay.Drain(first); err == nil {
		k.Errorf("Drain returned %d events after Close", len(events))
	}
	k.expect(second, "1")
	second.Close()
	attached(0)
}

func eventsStayValid(k *kit) {
	k.start(Config{Ring: ring.Config{MaxEvents: 4}})
	k.create("s")
	r := k.open("s", replay.Position{})
	var read, stored []ring.Event
	for i := range 100 {
		stored = append(stored, k.append("s", ring.Event{Type: fmt.Sprint("t", i), Data: fmt.Appendf(nil, "%0100d",
			i)}))
		read = append(read, k.next(r))
	}
	for i := range read {
		k.same("read before", read[i], stored[i])
		k.equal("data", string(read[i].Data), fmt.Sprintf("%0100d", i))
	}
}
