package redis

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/shard"
)

// hub tells this process's readers when to look. It subscribes to the channel of each bucket that a
// reader's session is in, and renews the readers' leases, with a look at what is newest in case a
// notification was lost. Each bucket has two goroutines of its own, so that one whose server hangs
// holds up no other. It has them while there are readers, and for up to two thirds of a Lease after
// the last, so that clients that come and go do not cost a subscription each time.
type hub struct {
	store *Store
	name  string // tells this Store's readers from those of other processes
	count atomic.Uint64
	owned sync.WaitGroup // goroutines

	mu       sync.Mutex       // held for a few instructions a reader; never while Redis is asked
	channels map[int]*channel // by bucket: those with readers, or with some until lately
	spare    int              // how many more tasks may run in the background, see spawn
	closed   bool
	stop     context.CancelFunc // of ctx
	ctx      context.Context    // of all goroutines
}

// channel is a subscription, and whom it is for.
type channel struct {
	sessions map[string]map[*reader]struct{} // by session ID
	idle     bool                            // since the last beat
	stop     context.CancelFunc
}

func (h *hub) init(s *Store) {
	h.store, h.name = s, randomText(tagLen)
	h.channels = map[int]*channel{}
	h.spare = 256
	h.ctx, h.stop = context.WithCancel(context.Background())
}

func (h *hub) nextName() string { return h.name + "-" + strconv.FormatUint(h.count.Add(1), 10) }

func (h *hub) add(r *reader) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return shard.ErrClosed
	}
	bucket := bucketOf(r.id)
	c := h.channels[bucket]
	if c == nil {
		ctx, stop := context.WithCancel(h.ctx)
		c = &channel{sessions: map[string]map[*reader]struct{}{}, stop: stop}
		h.channels[bucket] = c
		h.owned.Go(func() { h.subscribe(ctx, bucket) })
		h.owned.Go(func() { h.beat(ctx, bucket) })
	}
	if c.sessions[r.id] == nil {
		c.sessions[r.id] = map[*reader]struct{}{}
	}
	c.sessions[r.id][r] = struct{}{}
	return nil
}

// spawn runs a task in the background, with a context that ends with the Store. It returns false
// when too many are running already: tasks are such that time does what they would have done.
func (h *hub) spawn(task func(context.Context)) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.spare == 0 {
		return false
	}
	h.spare--
	h.owned.Go(func() {
		task(h.ctx)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.spare++
	})
	return true
}

// identify sets the tag of a reader, which its lease is renewed with from now on.
func (h *hub) identify(r *reader, tag string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.tag = tag
}

func (h *hub) remove(r *reader) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.channels[bucketOf(r.id)]
	if c == nil {
		return
	}
	delete(c.sessions[r.id], r)
	if len(c.sessions[r.id]) == 0 {
		delete(c.sessions, r.id)
	}
	c.idle = false
}

func (h *hub) close() {
	h.mu.Lock()
	h.closed = true
	h.stop()
	for _, c := range h.channels {
		for _, readers := range c.sessions {
			for r := range readers {
				r.closed.Store(true)
				r.notify(0)
			}
		}
	}
	h.mu.Unlock()
	h.owned.Wait()
}

// subscribe listens to a channel until ctx ends.
func (h *hub) subscribe(ctx context.Context, bucket int) {
	client, name := h.store.client, h.store.buckets[bucket]
	ctx = rueidis.WithOnSubscriptionHook(ctx, func(rueidis.PubSubSubscription) {
		h.wakeBucket(bucket) // whatever was told before this was not heard
	})
	listening := rueidis.WithOnReceiveReturnHook(ctx, func(err error, conn rueidis.CommandClient) error {
		if ctx.Err() != nil {
			bye, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			conn.Do(bye, client.B().Sunsubscribe().Channel(name).Build())
		}
		return err
	})
	for pause := 10 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, time.Second) {
		start := time.Now()
		client.Receive(listening, client.B().Ssubscribe().Channel(name).Build(), h.heard)
		if time.Since(start) > time.Second {
			pause = 10 * time.Millisecond
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// heard takes a notification: a sequence, or 0, and the session's ID.
func (h *hub) heard(m rueidis.PubSubMessage) {
	number, id, ok := strings.Cut(m.Message, " ")
	if !ok {
		return
	}
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.channels[bucketOf(id)]; c != nil {
		for r := range c.sessions[id] {
			r.notify(seq)
		}
	}
}

func (h *hub) wakeBucket(bucket int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.channels[bucket]
	if c == nil {
		return
	}
	for _, readers := range c.sessions {
		for r := range readers {
			r.notify(0)
		}
	}
}
