// Package replaytest has what the tests of several Stores do with readers.
package replaytest

import (
	"context"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// Ready reads what was stored up to now, or up to the end of the session and then its error. Unlike
// replay.Drain it also has a reader of another process ask for what has not arrived yet.
func Ready(r replay.Reader) (es []ring.Event, err error) {
	over, cancel := context.WithCancel(context.Background())
	cancel() // what is ready comes all the same
	for r.Err() == nil {
		var e ring.Event
		for r.Next(&e) {
			es = append(es, e)
		}
		if err := r.Wait(over); err != nil && r.Err() == nil {
			return es, nil
		}
	}
	return es, r.Err()
}
