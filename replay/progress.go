package replay

import "github.com/reprise-go/reprise/ring"

// progress decides when a reader says how far it is: at its first event, whenever it has caught up, and in between after a
// sixteenth of what the log can hold, in events or in bytes, and after 64 events at the latest. That is how much further behind than it is Session.Health may take it to be.
type progress struct {
	told       uint64 // the sequence that was said last; never, before any
	bytes      int    // read since
	batch      uint64 // events after which to say it
	batchBytes int    // bytes after which to say it
}

const (
	never    = ^uint64(0)
	maxBatch = 64
)

func newProgress(limits ring.Config) progress {
	p := progress{told: never, batch: uint64(min(maxBatch, max(1, limits.MaxEvents/16))), batchBytes: limits.MaxBytes / 16}
	p.bytes = p.batchBytes // the first event is due
	return p
}

// due takes note of an event of the given size, up to which the reader has now read, and reports whether it is time to say so.
func (p *progress) due(seq uint64, size int) bool {
	p.bytes += size + ring.Overhead
	return p.bytes >= p.batchBytes || seq-p.told >= p.batch
}

func (p *progress) reset(seq uint64) { p.told, p.bytes = seq, 0 }
