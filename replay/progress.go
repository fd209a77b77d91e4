package replay

// progress decides when a reader says how far it has read: at its first event, whenever it has
// caught up, and in between after a sixteenth of what the log retained when it last looked, or 64
// events if that is less. By so many events Session.Health may overstate the reader's lag.
type progress struct {
	told  uint64 // the sequence that was said last; never, before any
	batch uint64 // after so many more it is due again; 0: at once
}

const (
	never    = ^uint64(0)
	maxBatch = 64
)

// due reports whether it is time for a reader that has read up to seq to say so, although it has
// not caught up.
func (p *progress) due(seq uint64) bool { return seq-p.told >= p.batch }

// size sets the batch for a log that retains so many events; 0: it is not known.
func (p *progress) size(events int) {
	p.batch = maxBatch
	if events > 0 {
		p.batch = uint64(min(maxBatch, max(1, events/16)))
	}
}
