package fuzz_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// The steps of a ring's run. Their numbers are the first bytes of the seeds: add new ones at the
// end.
var ringSteps = []func(*ringRun){
	func(r *ringRun) { r.append(r.event(r.below(256))) },
	func(r *ringRun) { r.appendOwn(fmt.Sprint("own-", r.below(12))) },
	func(r *ringRun) { r.appendOwn(r.imitation()) },
	func(r *ringRun) { r.appendOwn(r.text()) },
	func(r *ringRun) { r.append(r.event(choose(&r.script, 4095, 4096, 4097, 9000, 300, 70_000))) },
	(*ringRun).burst,
	func(r *ringRun) { r.seek("") },
	func(r *ringRun) { r.seek(r.known()) },
	func(r *ringRun) { r.seek(r.imitation()) },
	func(r *ringRun) { r.seek(r.text()) },
	func(r *ringRun) { r.keep(cursors{r.ring.Tail(), plainCursor{seq: r.log.last}}) },
	(*ringRun).read,
	(*ringRun).narrow,
	func(r *ringRun) { r.wait(r.log.last + 2 - min(r.log.last+2, uint64(r.below(8)))) },
	(*ringRun).timed,
	(*ringRun).close,
	(*ringRun).flood,
	(*ringRun).fill,
	(*ringRun).batch,
	func(r *ringRun) { r.appendOwn(long(choose(&r.script, 1, 2, 30, 31, 256, 257, 1023, 1024, 1025))) },
	func(r *ringRun) { r.appendOwn(choose(&r.script, "a b", "é", "日本語", "12345678é", "~")) },
}

func (r *ringRun) appendOwn(id string) {
	e := r.event(r.below(64))
	e.ID = id
	r.append(e)
}

// burst appends many events, to get the ring around a few times, and its tables to grow.
func (r *ringRun) burst() {
	own, size := r.one(2), r.below(64)
	for range r.below(150) {
		e := r.event(size)
		if own {
			e.ID = fmt.Sprint("burst-", r.count)
		}
		r.append(e)
	}
}

// batch appends up to six events at once; most bring no ID, and some have one twice.
func (r *ringRun) batch() {
	es := make([]ring.Event, r.below(7))
	size := choose(&r.script, 0, 10, 100, 2000, 20_000)
	for i := range es {
		es[i] = r.event(size)
		switch r.below(8) {
		case 1:
			es[i].ID = fmt.Sprint("own-", r.below(12))
		case 2:
			es[i].ID = r.imitation()
		case 3:
			es[i].ID = fmt.Sprint("batch-", r.count)
		case 4:
			es[i].Time = time.Unix(int64(r.below(256)), 0)
		case 5:
			if r.one(8) {
				es[i].ID = r.text()
			}
		}
	}
	r.appendAll(es)
}

// flood appends twice 16 MiB, in large and odd pieces: whatever counts bytes in few bits gets
// around. One flood is enough for a run.
func (r *ringRun) flood() {
	if r.flooded || r.log.limits.MaxEventBytes < 1<<20 {
		return
	}
	r.flooded = true
	for range 36 {
		r.append(r.event(1<<20 - 50 - r.below(256)))
	}
}

// fill appends an event that brings the retained bytes to the limit exactly, or past it by one, if
// one event can.
func (r *ringRun) fill() {
	e := r.event(0)
	e.ID = fmt.Sprintf("fill-%06d", r.count)
	size := r.log.limits.MaxBytes - int(r.log.bytes()+cost(e)) + r.below(2)
	if size >= 0 && size < 1<<17 {
		e.Data = payload(r.count, size)
		r.append(e)
	}
}

// known chooses an ID that was used at some time, or the next one.
func (r *ringRun) known() string {
	if len(r.ids) == 0 {
		return fmt.Sprintf("%s-%d", r.log.tag, r.log.last+1)
	}
	return r.ids[max(0, len(r.ids)-1-r.below(120))]
}

func (r *ringRun) read() {
	if len(r.cursors) == 0 {
		return
	}
	c := &r.cursors[r.below(len(r.cursors))]
	for range 1 + r.below(12) {
		if !r.next(c) {
			return
		}
	}
}

// narrow changes which streams a cursor sees, in a copy.
func (r *ringRun) narrow() {
	if len(r.cursors) == 0 {
		return
	}
	c := r.cursors[r.below(len(r.cursors))]
	if r.one(3) {
		c.real, c.plain.one, c.plain.stream = c.real.All(), false, ""
	} else {
		stream := choose(&r.script, "", "a", "b", "c", "d", long(41))
		c.real, c.plain.one, c.plain.stream = c.real.Only(stream), true, stream
	}
	r.keep(c)
}

// timed appends an event with a time of its own.
func (r *ringRun) timed() {
	e := r.event(3)
	e.Time = time.Date(choose(&r.script, 1970, 1, 1600, 1677, 1678, 2024, 2261, 2262, 9999), 6, 1, 0, 0, 0,
		r.below(200), time.UTC)
	r.append(e)
}

// close closes the ring once in a while: most runs go on.
func (r *ringRun) close() {
	if r.one(8) {
		r.ring.Close()
		r.log.closed = true
	}
}

// FuzzRing does the same to a ring and to a slice of events.
func FuzzRing(f *testing.F) {
	for _, seed := range ringSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r := newRingRun(t, input)
		for r.more() {
			ringSteps[r.below(len(ringSteps))](r)
			r.check()
		}
		r.checkAll()
	})
}

// ringSeeds are runs that reach what the fuzzer would need long to find: every choice of limits and
// of where sequences begin, with a mix of all steps, again and again, and a flood in some.
func ringSeeds() (seeds [][]byte) {
	const batch = 18
	for i := range 10 {
		seed := []byte{byte(i), byte(i), 0, byte(i % 6), byte(i * 31), byte(i % 3), byte(i % 4)}
		for n := range 40 {
			seed = append(seed, batch, 3+byte(n%4), byte(i+n), byte(n*37), byte(n*i))
			seed = append(seed, byte(n), byte(n*7), byte(i), 0, byte(n%9))
		}
		seeds = append(seeds, seed)
	}
	for i := range 24 {
		seed := []byte{byte(i), byte(i / 2), byte(i / 5), byte(i), byte(i * 37), byte(i), byte(i / 4)}
		for n := range 120 {
			seed = append(seed, byte(n*(i+3)), byte(n*n+i), byte(n), byte(i*n>>1))
		}
		seeds = append(seeds, seed)
	}
	const flood = 16 // in ringSteps
	for _, maxBytes := range []byte{0, 7, 8, 9} {
		seed := []byte{9, maxBytes, 5, maxBytes, 9, 0, 0, 1, 3, 0, 0, 0, flood}
		for n := range 100 {
			seed = append(seed, byte(n*97), byte(n%16), byte(n))
		}
		seeds = append(seeds, seed)
	}
	const own, fill = 1, 17
	for maxBytes := range byte(7) {
		seeds = append(seeds, []byte{9, maxBytes, 0, 0, 0, 0, 0, own, 1, 20, 0, 0, fill, 0, 0, 0,
			own, 2, 3, 1, 1, fill, 0, 0, 0, fill, 0, 0, 1, fill, 0, 0, 0})
	}
	return seeds
}

// FuzzEventFields stores one event whose fields are anything at all, twice: the ring refuses it, or
// gives it back as it was.
func FuzzEventFields(f *testing.F) {
	for _, s := range []string{"", "a", " a", "a\t", "a b", "é", "\xff", "\xc2", "a\nb", "\r", "\x00", "\x01",
		"\x7f", "\u0085", "\u2028", "\ufffd",
		"\ufeff", long(256), long(257), long(254) + "é", long(255) + "é", "12345678", "1234567\x1f", "1234567\x80",
		"\x7e\x7f\x21\x20", "x-1"} {
		f.Add(s, s, s, []byte(s), int64(0))
		f.Add(s, "", "", []byte(nil), int64(-1))
		f.Add("", s, "", []byte(nil), int64(1))
		f.Add("", "", s, []byte(nil), int64(1<<62))
	}
	f.Fuzz(func(t *testing.T, id, stream, typ string, data []byte, nanos int64) {
		real, err := ring.New(ring.Config{})
		if err != nil {
			t.Fatal(err)
		}
		r := &ringRun{T: t, ring: real, log: plainLog{limits: ring.Config{MaxEvents: 1000, MaxBytes: 8 << 20,
			MaxEventBytes: 1 << 20}}}
		e := ring.Event{ID: id, Stream: stream, Type: typ, Data: data}
		if nanos != 0 {
			e.Time = time.Unix(0, nanos)
		}
		r.append(copied(e))
		r.append(copied(e))
		r.seek(id)
		r.checkAll()
	})
}
