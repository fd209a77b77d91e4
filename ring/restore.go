package ring

import (
	"fmt"
	"math"
	"strings"
)

// tagAlphabet is what tags are made of: 32 characters, so that each stands for five bits.
const tagAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// Tag returns what tells the IDs that this ring assigns from those of all others.
func (r *Ring) Tag() string { return string(r.tag[:]) }

// InitAt makes r, which is zero, an empty ring that goes on where another one, in another process,
// was: with its tag, so that the IDs which that one assigned are known here, and after the sequence
// number start. The events up to start count as evicted. It is for package shard. The error names
// what is wrong.
func (g *Group) InitAt(r *Ring, tag string, start uint64) error {
	if len(tag) != tagLen || strings.Trim(tag, tagAlphabet) != "" {
		return fmt.Errorf("ring: tag %.40q, want %d of %s", tag, tagLen, tagAlphabet)
	}
	if start > MaxSeq {
		return fmt.Errorf("ring: start after sequence %d, want at most %d", start, uint64(MaxSeq))
	}
	g.init(r, [tagLen]byte([]byte(tag)), start)
	return nil
}

// Restoring returns a Group like g for a ring into which events are put that were stored before:
// see InitAt. It takes the IDs that other logs have assigned, whatever g says of the size of events
// and of IDs: there they counted for nothing, and here they count as the events' own.
func (g *Group) Restoring() *Group {
	roomy := *g
	roomy.maxIDBytes = max(g.maxIDBytes, MaxMaxIDBytes)
	roomy.maxSize = min(g.maxSize, math.MaxInt32-MaxMaxIDBytes) + MaxMaxIDBytes
	return &roomy
}

// Adopt puts r, which nobody else has yet and which g.Restoring has made, under the limits of g.
func (g *Group) Adopt(r *Ring) { r.group = g }
