package ring

import "math"

// How large a page is. Few large pages cost little a byte, but the oldest page and the newest one
// are partly used: so a page holds a fraction of what is retained. A young ring's pages double from
// three events on. An event above 8 KiB that does not fit into the current page gets one of its
// own, of exactly its size, and the page after that begins small again: so however sizes mix,
// little is left empty.
const (
	firstEvents = 3
	pageBytes   = 16 << 10 // what a page grows to, or to four events if these are more
	aloneBytes  = 8 << 10  // an event above this does not share a page that is made for it
	largeBytes  = 4 << 10  // when events above this go, pages are taken out at once; see count
	// from this size of an event on, the size class that leaves least empty behind whole events is
	// taken
	wholeBytes = 256
)

// classes are size classes of the allocator (runtime/sizeclasses.go). Others would do too: then
// pages end with more room left empty.
var classes = [...]uint64{
	4096,
	4864,
	5376,
	6144,
	6528,
	6784,
	6912,
	8192,
	9472,
	9728,
	10240,
	10880,
	12288,
	13568,
	14336,
	16384,
	18432,
	19072,
	20480,
	21760,
	24576,
	27264,
	28672,
	32768,
}

// pageEventsFor returns how many events a page holds in a ring of so many.
func pageEventsFor(maxEvents int) int32 {
	n := int32(32)
	for n > 4 && int(n)*6 > maxEvents {
		n /= 2
	}
	for n < 128 && int(n)*4096 < maxEvents {
		n *= 2
	}
	return n
}

// pageSize returns how large the page is to be that begins with the n events of p, and how many
// bytes an event of it is expected to take, slot included.
func (g *Group) pageSize(p *plan, n uint64) (size, each uint64) {
	least := headBytes + n*slotBytes + p.total
	each = p.total/n + slotBytes
	if p.total > aloneBytes && n == 1 || p.total > pageBytes {
		return least, each
	}
	want := firstEvents * each
	if last := p.cur; last.slots > 1 {
		each = max(each/4, (p.off-last.start())/(p.newest-last.base)+slotBytes)
		want = min(2*last.size(), max(pageBytes, 4*each), uint64(g.pageEvents)*each)
	}
	if n > 1 { // whole batches of this size: what a page has left when one does not fit is lost
		batch := p.total + n*(slotBytes+1)
		each = p.total/n + slotBytes
		want = max(2, (want+batch-1)/batch) * batch
	} else if each >= wholeBytes && want >= classes[0] {
		want = bestClass(want, each)
	}
	return max(want+headBytes, least), each
}

// bestClass returns the size class around want, without a page's header, that leaves least empty
// for each event.
func bestClass(want, each uint64) uint64 {
	best, least := want, uint64(math.MaxUint64)
	for _, class := range classes {
		room := class - headBytes
		n := room / each
		if n < 4 || class < want*3/4 || class > want*3/2 {
			continue
		}
		if waste := (room - n*each) / n; waste < least {
			best, least = room, waste
		}
	}
	return best
}
