package ring

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
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

// Eight writers and eight readers share a ring that holds eight events. Every event that a reader sees is whole, follows the one before, and
// writers' own counters only rise.
func TestStressTinyRingLosesTearsAndReordersNothing(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		for _, ids := range []string{"assigned", "own", "mixed"} {
			t.Run(fmt.Sprintf("procs=%d/%s", procs, ids), func(t *testing.T) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				stress(t, Config{MaxEvents: 8}, ids, stressTime())
			})
		}
	}
}

func stressTime() time.Duration {
	return 300 * time.Millisecond
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
	time.Sleep(d)
	stop.Store(true)
	writing.Wait()
	reading.Wait()
	if s := r.Stats(); s.Last != appended.Load() || s.Events != 8 {
		t.Errorf("stats %+v after %d appends", s, appended.Load())
	}
	t.Logf("%d events", appended.Load())
}

func TestBasic(t *testing.T) {
	r, _ := New(Config{MaxEvents: 100, MaxBytes: 20000})
	for i := range 1000 {
		e := Event{Data: make([]byte, i%300), Stream: "s"}
		if i%3 == 0 {
			e.ID = fmt.Sprint("own", i)
		}
		s, err := r.Append(e)
		if err != nil || s.Seq != uint64(i+1) {
			t.Fatal(i, s, err)
		}
		if e.ID != "" {
			if d, err := r.Append(e); !errors.Is(err, ErrDuplicateID) || d.Seq != s.Seq {
				t.Fatal(d, err)
			}
		}
		c, err := r.Seek(s.ID)
		if err != nil || c.Seq() != s.Seq {
			t.Fatal(s.ID, err)
		}
	}
	t.Log(r.Stats(), r.Memory())
}

func BenchmarkAppend(b *testing.B) {
	r, _ := New(Config{})
	buf := make([]byte, 256)
	b.ReportAllocs()
	for b.Loop() {
		r.Append(Event{Data: buf})
	}
}

func BenchmarkAppendOwn(b *testing.B) {
	r, _ := New(Config{})
	buf := make([]byte, 256)
	b.ReportAllocs()
	id := []byte("0123456789-0123456789-0123456789-abcd")
	var n uint64
	for b.Loop() {
		n++
		binary.LittleEndian.PutUint32(id, 0x30303030+uint32(n&0x7)+uint32(n>>3&7)<<8+uint32(n>>6&7)<<16+uint32(n>>9&7)<<24)
		for i, k := 4, n>>12; i < 10; i, k = i+1, k>>3 { id[i] = byte('0' + k&7) }
		if _, err := r.Append(Event{ID: string(id), Data: buf}); err != nil { b.Fatal(err) }
	}
}

func BenchmarkNext(b *testing.B) {
	r, _ := New(Config{})
	for range 1000 { r.Append(Event{Data: make([]byte, 256)}) }
	b.ReportAllocs()
	c, _ := r.Seek("")
	var e Event
	for b.Loop() {
		if !c.Next(&e) { c, _ = r.Seek("") }
	}
}
func BenchmarkSeek10(b *testing.B) {
	r, _ := New(Config{})
	var id string
	for i := range 1000 { s, _ := r.Append(Event{ID:fmt.Sprint("event-nr-", i), Data: make([]byte, 256)}); if i == 989 { id = s.ID } }
	b.ReportAllocs()
	var e Event
	for b.Loop() {
		c, err := r.Seek(id)
		if err != nil { b.Fatal(err) }
		for range 10 { c.Next(&e) }
	}
}
