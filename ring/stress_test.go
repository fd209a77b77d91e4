package ring

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// payload makes n bytes that prove themselves: writer, counter, filling, checksum.
func payload(buf []byte, writer, counter uint64, n int) []byte {
	buf = binary.LittleEndian.AppendUint64(buf[:0], writer)
	buf = binary.LittleEndian.AppendUint64(buf, counter)
	for i := range n {
		buf = append(buf, byte(int(counter)+i))
	}
	return binary.LittleEndian.AppendUint32(buf, crc32.ChecksumIEEE(buf))
}

func checkPayload(t *testing.T, e *Event) (writer, counter uint64) {
	t.Helper()
	n := len(e.Data) - 4
	if n < 16 || crc32.ChecksumIEEE(e.Data[:n]) != binary.LittleEndian.Uint32(e.Data[n:]) {
		t.Fatalf("torn event %d: %d bytes", e.Seq, len(e.Data))
	}
	return binary.LittleEndian.Uint64(e.Data), binary.LittleEndian.Uint64(e.Data[8:])
}

// Eight writers and eight readers share a ring that holds eight events. Every event that a reader
// sees is whole, follows the one before, and writers' own counters only rise.
func TestStressTinyRingLosesTearsAndReordersNothing(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		for _, ids := range []string{"assigned", "own", "mixed"} {
			t.Run(fmt.Sprintf("procs=%d/%s", procs, ids), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				stress(t, Config{MaxEvents: 8}, ids, stressTime(t, ids))
			})
		}
	}
}

// stressTime is short unless REPRISE_STRESS says how long the hardest kind runs.
func stressTime(t *testing.T, ids string) time.Duration {
	long := os.Getenv("REPRISE_STRESS")
	if long == "" || ids != "mixed" {
		return 300 * time.Millisecond
	}
	d, err := time.ParseDuration(long)
	if err != nil {
		t.Fatalf("REPRISE_STRESS: %v", err)
	}
	return d
}

func stress(t *testing.T, cfg Config, ids string, d time.Duration) {
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	const writers, readers = 8, 8
	var stop atomic.Bool
	var appended atomic.Uint64
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			var buf []byte
			for n := uint64(1); !stop.Load(); n++ {
				buf = payload(buf, uint64(w), n, int(n*7)%300)
				e := Event{Data: buf, Stream: []string{"", "a"}[n%2]}
				if ids == "own" || ids == "mixed" && n%2 == 0 {
					e.ID = fmt.Sprintf("w%d-%d", w, n)
				}
				if n%5 == 0 {
					more := payload(nil, uint64(w), n+1, int(n)%50)
					pair := []Event{e, {Data: more, Stream: e.Stream}}
					n++
					got, err := r.AppendAll(nil, pair)
					if err != nil || string(got[0].Data) != string(buf) || string(got[1].Data) != string(more) ||
						got[1].Seq != got[0].Seq+1 {
						t.Errorf("AppendAll: %v", err)
						return
					}
					appended.Add(2)
					continue
				}
				got, err := r.Append(e)
				if err != nil || string(got.Data) != string(buf) {
					t.Errorf("Append: %v", err)
					return
				}
				appended.Add(1)
			}
		})
	}
	for range readers {
		reading.Go(func() {
			last := map[uint64]uint64{}
			c := r.Tail()
			var e Event
			for prev := c.Seq(); ; {
				if !c.Next(&e) {
					if c.Err() != nil {
						c = r.Tail()
						prev = c.Seq()
						continue
					}
					if stop.Load() {
						return
					}
					runtime.Gosched()
					continue
				}
				if e.Seq != prev+1 {
					t.Errorf("event %d follows %d", e.Seq, prev)
					return
				}
				prev = e.Seq
				w, n := checkPayload(t, &e)
				if n <= last[w] {
					t.Errorf("writer %d: %d after %d", w, n, last[w])
				}
				last[w] = n
				if s, err := r.Seek(e.ID); err == nil && s.Seq() != e.Seq {
					t.Errorf("Seek(%q) is %d, want %d", e.ID, s.Seq(), e.Seq)
				} else if err != nil && r.Stats().First <= e.Seq {
					t.Errorf("Seek(%q) of a retained event: %v", e.ID, err)
				}
			}
		})
	}
	<-time.After(d)
	stop.Store(true)
	writing.Wait()
	reading.Wait()
	if s := r.Stats(); s.Last != appended.Load() || s.Events != 8 {
		t.Errorf("stats %+v after %d appends", s, appended.Load())
	}
	t.Logf("%d events", appended.Load())
}
