package verdict

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// heap returns the bytes in use after a collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // the second frees what finalizers held
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// leaves fails when n events of that data leave more than so many bytes behind, in a session that
// is to retain a hundred.
func leaves(s Subject, n int, data string, most int64) error {
	store, err := open(s, Limits{Events: 100, EventBytes: max(1, len(data))})
	if err != nil {
		return err
	}
	defer store.Close()
	before := heap()
	for i := range n {
		if _, err := store.Append(session, stream, ownID(session, i), strings.Clone(data)); err != nil {
			return fmt.Errorf("append %d: %w", i, err)
		}
	}
	last, err := store.Append(session, stream, ownID(session, n), "x")
	if err != nil {
		return err
	}
	if _, err := resume(store, session, stream, last); err != nil { // and wait for what is on its way
		return err
	}
	held := heap() - before
	runtime.KeepAlive(store)
	if held > most {
		return fmt.Errorf("%.1f MiB are held", float64(held)/(1<<20))
	}
	return nil
}

func boundsMemory(s Subject) error { return leaves(s, 50_000, strings.Repeat("x", 1024), 8<<20) }

func boundsEmptyEvents(s Subject) error { return leaves(s, 300_000, "", 3<<20) }

// ignoresDrainedStreams compares the best of several batches of appends, to a store at its limit.
func ignoresDrainedStreams(s Subject) error {
	const streams, batch = 10_000, 200
	store, err := s.Open(Limits{Events: streams / 10, EventBytes: 4})
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.Open(session, "hot"); err != nil {
		return err
	}
	n := 0
	best := func() (time.Duration, error) {
		least := time.Hour
		for range 20 {
			began := time.Now()
			for range batch {
				n++
				if _, err := store.Append(session, "hot", ownID(session, n), "data"); err != nil {
					return 0, err
				}
			}
			least = min(least, time.Since(began)/batch)
		}
		return least, nil
	}
	alone, err := best()
	if err != nil {
		return err
	}
	for i := range streams {
		drained := fmt.Sprint("drained-", i)
		n++
		_, err := store.Append(session, "hot", ownID(session, n), "data")
		if err := errors.Join(err, store.Open(session, drained)); err != nil {
			return err
		}
		if _, err := store.Append(session, drained, fmt.Sprint("d-", i), "data"); err != nil {
			return err
		}
	}
	beside, err := best()
	if err != nil {
		return err
	}
	if beside > 30*alone {
		return fmt.Errorf("an append takes %v, beside %d drained streams %v", alone, streams, beside)
	}
	return nil
}
