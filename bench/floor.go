package bench

import "sync/atomic"

// Chunks is the floor under every log that owns its payloads: copy the payload into a chunk, take a
// fresh chunk when it is full, and publish with one atomic store. It keeps nothing, finds nothing
// and suffers one writer.
type Chunks struct {
	chunk []byte
	tail  atomic.Uint64
}

// chunkFloorBytes is near what is best for the allocator: see design.md, section 4.
const chunkFloorBytes = 16 << 10

// Append copies data.
func (c *Chunks) Append(data []byte) {
	if len(c.chunk)+len(data) > cap(c.chunk) {
		c.chunk = make([]byte, 0, max(chunkFloorBytes, len(data)))
	}
	c.chunk = append(c.chunk, data...)
	c.tail.Store(c.tail.Load() + 1)
}
