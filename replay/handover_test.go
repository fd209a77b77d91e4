package replay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// sealed makes a payload of random size that carries its writer, its number and a checksum.
func sealed(writer, n uint32, rnd *rand.Rand) []byte {
	b := make([]byte, 8+rnd.IntN(200), 256)
	binary.LittleEndian.PutUint32(b, writer)
	binary.LittleEndian.PutUint32(b[4:], n)
	for i := 8; i < len(b); i++ {
		b[i] = byte(rnd.Uint32())
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// A witness checks that events come whole, in order, each once, from every writer.
type witness struct {
	seq     uint64
	next    map[uint32]uint32
	checked int
}

func (w *witness) see(e ring.Event) error {
	body, sum := e.Data[:len(e.Data)-4], e.Data[len(e.Data)-4:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) {
		return fmt.Errorf("torn event %d", e.Seq)
	}
	if w.seq != 0 && e.Seq != w.seq+1 {
		return fmt.Errorf("sequence %d after %d", e.Seq, w.seq)
	}
	writer, n := binary.LittleEndian.Uint32(body), binary.LittleEndian.Uint32(body[4:])
	if next, ok := w.next[writer]; ok && n != next {
		return fmt.Errorf("event %d of writer %d, want %d", n, writer, next)
	}
	w.seq, w.next[writer] = e.Seq, n+1
	w.checked++
	return nil
}

// Readers come and go while writers write: each resumes after the last event it saw, and never
// misses, repeats or mixes up one.
func TestHandOverFromReplayToLiveIsExactlyOnce(t *testing.T) {
	const writers, readers, perWriter = 4, 4, 5000
	for _, procs := range []int{1, 2, 4} {
		t.Run(fmt.Sprint("GOMAXPROCS=", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: writers * perWriter, MaxBytes: 64 << 20}})
			s := create(t, m, "s", "")
			var writing, reading sync.WaitGroup
			for w := range uint32(writers) {
				writing.Go(func() {
					rnd := rand.New(rand.NewPCG(uint64(w), 1))
					for n := range uint32(perWriter) {
						if _, err := s.Append(ring.Event{Data: sealed(w, n, rnd)}); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			for i := range readers {
				reading.Go(func() {
					w := witness{next: map[uint32]uint32{}}
					rnd := rand.New(rand.NewPCG(uint64(i), 2))
					last, cuts := "", 0
					for {
						left := 1 + rnd.IntN(1000)
						for e, err := range Follow(t.Context(), s, last) {
							if errors.Is(err, shard.ErrFinished) {
								equal(t, "events seen", w.checked, writers*perWriter)
								return
							}
							if err == nil {
								err = w.see(e)
							}
							if err != nil {
								t.Errorf("reader %d after %d cuts: %v", i, cuts, err)
								return
							}
							if last = e.ID; left == 0 {
								break
							}
							left--
						}
						cuts++
					}
				})
			}
			writing.Wait()
			s.Finish()
			reading.Wait()
			equal(t, "attached", m.Stats().Attached, 0)
		})
	}
}

// The last append may race with the session's end: a follower sees every event that an Append
// acknowledged.
func TestNoAcknowledgedEventIsLostAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(*shard.Session)
		want error
	}{
		{"Terminate", (*shard.Session).Terminate, shard.ErrNotFound},
		{"Finish", func(s *shard.Session) { s.Finish() }, shard.ErrFinished},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newManager(t, shard.Config{})
			for range 1000 {
				s := must(m.Create(shard.Metadata{}))
				r := mustOpen(t, s, Position{})
				var stored uint64
				var wg sync.WaitGroup
				wg.Go(func() {
					for {
						e, err := s.Append(ring.Event{})
						if err != nil {
							return
						}
						stored = e.Seq
					}
				})
				wg.Go(func() {
					for range 3 {
						runtime.Gosched()
					}
					c.end(s)
				})
				var seen uint64
				for e, err := range All(context.Background(), r) {
					if err != nil {
						if errors.Is(err, ring.ErrEvicted) {
							seen = ^uint64(0) // the writer ran away: not the point here
							break
						}
						wantErr(t, err, c.want)
						break
					}
					seen = e.Seq
				}
				wg.Wait()
				if seen < stored {
					t.Fatalf("%d events acknowledged, %d seen", stored, seen)
				}
			}
		})
	}
}

// After answers all or one error, however fast events are evicted while it collects.
func TestAfterIsAllOrOneErrorUnderEviction(t *testing.T) {
	s := newSession(t, ring.Config{MaxEvents: 64})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for w := range uint32(2) {
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(w), 3))
			for n := uint32(0); ; n++ {
				select {
				case <-stop:
					return
				default:
					s.Append(ring.Event{Data: sealed(w, n, rnd)})
				}
			}
		})
	}
	complete, refused := 0, 0
	deadline := time.Now().Add(testkit.Patience)
	for complete < 50 || refused < 10 { // on one processor, most answers are made without an interruption
		if time.Now().After(deadline) {
			t.Fatalf("%d complete and %d refused answers in %v", complete, refused, testkit.Patience)
		}
		newest := s.Info().Log.Last
		w := witness{next: map[uint32]uint32{}}
		n := 0
		for e, err := range After(s, "") {
			n++
			if err != nil {
				wantErr(t, err, ring.ErrEvicted)
				if n != 1 {
					t.Fatalf("an error after %d events", n-1)
				}
				refused++
				break
			}
			if err := w.see(e); err != nil {
				t.Fatal(err)
			}
		}
		if w.checked > 0 {
			complete++
			if w.seq < newest {
				t.Fatalf("ended at %d, and %d was stored before", w.seq, newest)
			}
		}
	}
	close(stop)
	wg.Wait()
}
