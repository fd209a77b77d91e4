package bench

import "sync/atomic"

// Pages is the floor under every log that owns its payloads: copy the payload into a page, take a
// fresh page when it is full, and publish with one atomic store. It keeps nothing, finds nothing
// and suffers one writer.
type Pages struct {
	page []byte
	last atomic.Uint64
}

// floorPageBytes is the size of the pages, near what is best for the allocator.
const floorPageBytes = 16 << 10

// Append copies data.
func (p *Pages) Append(data []byte) {
	if len(p.page)+len(data) > cap(p.page) {
		p.page = make([]byte, 0, max(floorPageBytes, len(data)))
	}
	p.page = append(p.page, data...)
	p.last.Store(p.last.Load() + 1)
}
