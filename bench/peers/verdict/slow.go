package verdict

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

func survivesSlowReader(s Subject) error {
	store, err := open(s, Limits{Events: 100, EventBytes: 8})
	if err != nil {
		return err
	}
	defer store.Close()
	ids, err := fill(store, session, stream, 1, 10)
	if err != nil {
		return err
	}
	defer stall(store, ids[0])()
	var appended atomic.Int64
	served := make(chan error, 1)
	go func() { served <- serve(store, &appended) }()
	select {
	case err := <-served:
		return err
	case <-time.After(3 * time.Second):
		return fmt.Errorf("one client has stopped reading: after %d of 3000 appends the others wait", appended.Load())
	}
}

// stall has a client stop reading at its first event. The returned function lets it go on, and go.
func stall(store Store, lastEventID string) (release func()) {
	ctx, cancel := context.WithCancel(context.Background())
	goOn, stalled := make(chan struct{}), make(chan struct{})
	var once sync.Once
	got := func(string, string) {
		once.Do(func() { close(stalled) })
		<-goOn
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		if f, ok := store.(Follower); ok {
			f.Follow(ctx, session, stream, lastEventID, got)
		} else {
			store.Resume(session, stream, lastEventID, got)
		}
	})
	<-stalled
	return func() { // in this order, or the store could wait for the client for ever
		cancel()
		close(goOn)
		reading.Wait()
	}
}

// serve appends, and has other clients come now and then.
func serve(store Store, appended *atomic.Int64) error {
	for n := range 3000 {
		id, err := store.Append(session, stream, ownID(session, 100+n), "more")
		if err != nil {
			return err
		}
		appended.Add(1)
		if n%1000 == 999 {
			if _, err := resume(store, session, stream, id); err != nil {
				return err
			}
		}
	}
	return nil
}
