package verdict

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	handOverWriters = 4
	handOverEach    = 150 // events of one writer
)

// A cutClient loses its connection after every seventh event, and comes back with the ID of the
// last one that it got.
type cutClient struct {
	last  string               // ID
	next  [handOverWriters]int // number of each writer's next event
	total int
	wrong error
}

func handsOverExactlyOnce(s Subject) error {
	store, err := open(s, Limits{Events: 4 * handOverWriters * handOverEach, EventBytes: 16})
	if err != nil {
		return err
	}
	defer store.Close()
	var c cutClient
	if c.last, err = store.Append(session, stream, ownID(session, 0), "first"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	var writing sync.WaitGroup
	defer writing.Wait()
	for w := range handOverWriters {
		writing.Go(func() {
			for n := range handOverEach {
				store.Append(session, stream, fmt.Sprintf("%d-%d", w, n), fmt.Sprintf("%d/%d", w, n))
				if n%10 == 0 {
					time.Sleep(time.Millisecond) // so that the client comes and goes meanwhile
				}
			}
		})
	}
	for c.total < handOverWriters*handOverEach {
		err := c.follow(ctx, store.(Follower))
		if c.wrong != nil {
			return c.wrong
		}
		if ctx.Err() != nil {
			return fmt.Errorf(
				"after %v %d of %d events have arrived: %v",
				patience/2,
				c.total,
				handOverWriters*handOverEach,
				err,
			)
		}
	}
	return nil
}

// follow is one connection.
func (c *cutClient) follow(ctx context.Context, store Follower) error {
	ctx, cut := context.WithCancel(ctx)
	defer cut()
	got := 0
	return store.Follow(ctx, session, stream, c.last, func(id, data string) {
		if ctx.Err() != nil || id == c.last {
			return // on its way when the connection was cut; or the first case's to tell
		}
		var w, n int
		if _, err := fmt.Sscanf(data, "%d/%d", &w, &n); err != nil || n != c.next[w] {
			c.wrong = fmt.Errorf(
				"after %q a client that has event %d of writer %d gets %q",
				c.last,
				c.next[w]-1,
				w,
				data,
			)
			cut()
			return
		}
		c.next[w]++
		c.last = id
		c.total++
		if got++; got == 7 || c.total == handOverWriters*handOverEach {
			cut()
		}
	})
}
