package verdict

import (
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sealed is an event's data that shows whether it is whole: its number, filling and a checksum.
func sealed(n int) string {
	text := fmt.Sprintf("%08d %s", n, strings.Repeat(string(rune('a'+n%26)), n%100))
	return fmt.Sprintf("%s %08x", text, crc32.ChecksumIEEE([]byte(text)))
}

func unseal(data string) (int, error) {
	cut := strings.LastIndexByte(data, ' ')
	if cut < 8 || data[cut+1:] != fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(data[:cut]))) {
		return 0, fmt.Errorf("torn event %.40q", data)
	}
	return strconv.Atoi(data[:8])
}

// whole wants the events after number last without a gap. That they begin with some which the
// client has is for other cases to tell.
func whole(data []string, last int) error {
	for i, d := range data {
		n, err := unseal(d)
		if err != nil {
			return err
		}
		if n != last+1 && (i > 0 || n > last) {
			return fmt.Errorf("event %d follows event %d, and no error", n, last)
		}
		last = n
	}
	return nil
}

// mark is an event that a client has seen.
type mark struct {
	id string
	n  int
}

func survivesRacingEviction(s Subject) error {
	store, err := open(s, Limits{Events: 16, EventBytes: 70})
	if err != nil {
		return err
	}
	defer store.Close()
	var newest atomic.Pointer[mark]
	var stop atomic.Bool
	failed := make(chan error, 3)
	var running sync.WaitGroup
	running.Go(func() {
		for n := 1; !stop.Load() && n < 200_000; n++ {
			id, err := store.Append(session, stream, ownID(session, n), sealed(n))
			if err != nil {
				failed <- err
				return
			}
			newest.Store(&mark{id, n})
		}
	})
	for range 2 {
		running.Go(func() {
			for seen := newest.Load(); !stop.Load(); {
				if seen == nil {
					seen = newest.Load()
					continue
				}
				data, err := resume(store, session, stream, seen.id)
				if err == nil {
					err = whole(data, seen.n)
				} else {
					err = nil // it is told
				}
				if err != nil {
					failed <- err
					return
				}
				seen = newest.Load()
			}
		})
	}
	select {
	case err = <-failed:
	case <-time.After(500 * time.Millisecond):
	}
	stop.Store(true)
	running.Wait()
	return err
}

func survivesTruncation(s Subject) error {
	const retain = 20
	store, err := open(s, Limits{Events: retain, EventBytes: 70})
	if err != nil {
		return err
	}
	defer store.Close()
	var first string
	for n := range retain {
		id, err := store.Append(session, stream, ownID(session, n), sealed(n))
		if err != nil {
			return err
		}
		if n == 0 {
			first = id
		}
	}
	data, err := truncated(store, first, 10*retain)
	if err != nil {
		return nil // it is told
	}
	if err := whole(data, 0); err != nil {
		return err
	}
	if want := retain - 1; len(data) < want {
		return fmt.Errorf("of %d events %d arrive, and no error", want, len(data))
	}
	return nil
}

// truncated returns the sealed events that a client gets while, at its third, n events are stored
// that are not sealed.
func truncated(store Store, lastEventID string, n int) (data []string, err error) {
	count := 0
	done := make(chan struct{})
	err = store.Resume(session, stream, lastEventID, func(_, d string) {
		if strings.Contains(d, " ") {
			data = append(data, d)
		}
		if count++; count != 3 {
			return
		}
		go func() {
			defer close(done)
			fill(store, session, stream, 1000, n)
		}()
		select { // a store may let appends wait for the replay
		case <-done:
		case <-time.After(200 * time.Millisecond):
		}
	})
	if count >= 3 {
		<-done
	}
	return data, err
}

func storesOneOfRacingDuplicates(s Subject) error {
	store, err := open(s, Limits{Events: 100, EventBytes: 16, OwnIDs: true})
	if err != nil {
		return err
	}
	defer store.Close()
	for round := range 50 {
		first, err := store.Append(session, stream, fmt.Sprintf("first-%d", round), "first")
		if err != nil {
			return err
		}
		var racing sync.WaitGroup
		for range 8 {
			racing.Go(func() { store.Append(session, stream, fmt.Sprintf("same-%d", round), "same") })
		}
		racing.Wait()
		if got, err := resume(store, session, stream, first); err != nil || len(got) != 1 {
			return fmt.Errorf("of eight appends of one ID a client gets %v, %v", brief(got), err)
		}
	}
	return nil
}
