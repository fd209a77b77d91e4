package storetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

func racing() []test {
	return []test{
		{name: "hands over from replay to live exactly once and in order, while readers come and go", run: handsOver},
		{name: "follows one stream without missing an event of it", run: followsOneStream},
		{name: "shows a live reader everything stored after it opened and nothing before", run: liveIsExact},
	}
}

// sealed makes a payload that carries its writer, its number and a checksum.
func sealed(writer, n uint32, rnd *rand.Rand) []byte {
	b := make([]byte, 8+rnd.IntN(100), 128)
	binary.LittleEndian.PutUint32(b, writer)
	binary.LittleEndian.PutUint32(b[4:], n)
	for i := 8; i < len(b); i++ {
		b[i] = byte(rnd.Uint32())
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// A witness checks that events come whole, in order, each once, from every writer.
type witness struct {
	seq  uint64
	next map[uint32]uint32
	seen int
}

// see checks the next event; dense says that no sequence number may be left out.
func (w *witness) see(e ring.Event, dense bool) error {
	if len(e.Data) < 12 {
		return fmt.Errorf("event %d has %d bytes", e.Seq, len(e.Data))
	}
	body, sum := e.Data[:len(e.Data)-4], e.Data[len(e.Data)-4:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return fmt.Errorf("event %d is torn", e.Seq)
	}
	if dense && e.Seq != w.seq+1 || e.Seq <= w.seq {
		return fmt.Errorf("event %d follows on %d", e.Seq, w.seq)
	}
	writer, n := binary.LittleEndian.Uint32(body), binary.LittleEndian.Uint32(body[4:])
	if n != w.next[writer] {
		return fmt.Errorf("event %d of writer %d, want its %d", n, writer, w.next[writer])
	}
	w.seq, w.next[writer] = e.Seq, n+1
	w.seen++
	return nil
}

// load is writers that write to session s, each through the Stores in turn.
type load struct {
	writers, each int
	stream        func(writer int) string
}

func (l load) run(k *kit) {
	together(l.writers, func(w int) {
		rnd := rand.New(rand.NewPCG(uint64(w), 1))
		last := uint64(0)
		for n := range l.each {
			e, err := k.any().Append(k.ctx, "s", ring.Event{Stream: l.stream(w), Data: sealed(uint32(w), uint32(n),
				rnd)})
			if err != nil {
				k.Errorf("Append: %v", err)
				return
			}
			if e.Seq <= last {
				k.Errorf("event %d was stored after %d", e.Seq, last)
			}
			last = e.Seq
		}
	})
}

func handsOver(k *kit) {
	const writers, readers, each = 4, 4, 250
	k.start(Config{Ring: ring.Config{MaxEvents: writers * each}})
	k.create("s")
	var reading sync.WaitGroup
	var cuts atomic.Int64
	for i := range readers {
		reading.Go(func() {
			w := witness{next: map[uint32]uint32{}}
			rnd := rand.New(rand.NewPCG(uint64(i), 2))
			for last := ""; w.seen < writers*each; cuts.Add(1) {
				err := k.readSome(&w, &last, 1+rnd.IntN(writers*each/4), writers*each)
				if err != nil {
					k.Errorf("reader %d after %d events: %v", i, w.seen, err)
					return
				}
			}
		})
	}
	load{writers, each, func(int) string { return "" }}.run(k)
	reading.Wait()
	k.Logf("%d readers were opened", cuts.Load())
	k.eventually("no reader is left attached", func() bool { return k.info("s").Attached == 0 })
}

// readSome opens a reader after the event last, reads n events, but no more than all, and closes
// it.
func (k *kit) readSome(w *witness, last *string, n, all int) error {
	r, err := k.any().Open(k.ctx, "s", replay.Position{LastEventID: *last})
	if err != nil {
		return fmt.Errorf("opening after %q: %w", *last, err)
	}
	ctx, cancel := context.WithCancel(k.ctx)
	defer cancel()
	for e, err := range replay.All(ctx, r) {
		if err == nil {
			err = w.see(e, true)
		}
		if err != nil {
			return err
		}
		if *last, n = e.ID, n-1; n == 0 || w.seen == all {
			break
		}
	}
	return nil
}

func followsOneStream(k *kit) {
	const writers, each = 4, 100
	k.start(Config{Ring: ring.Config{MaxEvents: writers * each}})
	k.create("s")
	var reading sync.WaitGroup
	for i := range writers {
		r := k.open("s", replay.Position{Streams: []string{fmt.Sprint(i)}})
		reading.Go(func() {
			w := witness{next: map[uint32]uint32{}}
			for e, err := range replay.All(k.ctx, r) {
				if err == nil {
					err = w.see(e, false)
				}
				if err != nil {
					k.Errorf("stream %d after %d events: %v", i, w.seen, err)
					return
				}
				if w.seen == each {
					return
				}
			}
		})
	}
	load{writers, each, func(w int) string { return fmt.Sprint(w) }}.run(k)
	reading.Wait()
}

func liveIsExact(k *kit) {
	const most = 2000
	k.start(Config{Ring: ring.Config{MaxEvents: 2 * most}})
	k.create("s")
	var writing sync.WaitGroup
	var stop atomic.Bool
	var newest atomic.Uint64 // acknowledged
	writing.Go(func() {
		for n := 0; n < most && !stop.Load(); n++ {
			e, err := k.any().Append(k.ctx, "s", ring.Event{})
			if err != nil {
				k.Errorf("Append: %v", err)
				return
			}
			newest.Store(e.Seq)
		}
	})
	defer writing.Wait()
	defer stop.Store(true)
	for range 20 {
		before := newest.Load()
		r := k.open("s", replay.Position{Live: true})
		own := k.append("s", ring.Event{Type: "own"})
		for last := uint64(0); last < own.Seq; {
			e := k.next(r)
			if e.Seq <= before || e.Seq > own.Seq || last != 0 && e.Seq != last+1 {
				k.Fatalf("event %d follows on %d; %d was stored before Open and %d after", e.Seq, last, before, own.Seq)
			}
			last = e.Seq
		}
		r.Close()
	}
}
