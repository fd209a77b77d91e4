package redis_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

// A loss is a session s of which the servers forget the newest events: those of more.
type loss struct {
	store      *redis.Store
	kept, lost []ring.Event
	all        *follower     // has read everything
	behind     replay.Reader // has read what is kept
	asleep     replay.Reader // has read everything, and does not look before lost sequences are given again
}

func newLoss(t *testing.T, store *redis.Store) *loss {
	t.Helper()
	l := &loss{store: store}
	create(t, store, "s")
	l.kept = l.append(t, 10)
	l.behind = l.open(t, 10)
	l.all = follow(t, store, replay.Position{})
	return l
}

// open returns a reader that has read the n events that are stored.
func (l *loss) open(t *testing.T, n int) replay.Reader {
	t.Helper()
	r, err := l.store.Open(t.Context(), "s", replay.Position{})
	wantNoErr(t, "Open", err)
	t.Cleanup(r.Close)
	events, err := replay.Drain(r)
	wantNoErr(t, "Drain", err)
	equal(t, "events", len(events), n)
	return r
}

func (l *loss) append(t *testing.T, n int) (stored []ring.Event) {
	t.Helper()
	for i := range n {
		e := ring.Event{Data: fmt.Append(nil, i)}
		stored = append(stored, mustAppend(t, l.store, e))
	}
	return stored
}

func mustAppend(t *testing.T, store replay.Store, e ring.Event) ring.Event {
	t.Helper()
	stored, err := store.Append(t.Context(), "s", e)
	wantNoErr(t, "Append", err)
	return stored
}

// more appends what will be lost, and lets the follower see it.
func (l *loss) more(t *testing.T) {
	t.Helper()
	l.lost = l.append(t, 5)
	l.all.until(t, 15)
	l.asleep = l.open(t, 15)
}

// check wants everybody who had seen a lost event to be told so, also once its number is another
// event's.
func (l *loss) check(t *testing.T) {
	t.Helper()
	eventually(t, "the session is there again", func() bool {
		info, err := l.store.Info(t.Context(), "s")
		return err == nil && info.Log.Last == 10
	})
	l.refused(t)
	var again []ring.Event
	for i := range 8 {
		e := mustAppend(t, l.store, ring.Event{Data: fmt.Append(nil, "new ", i)})
		equal(t, "sequence", e.Seq, 11+i)
		for _, old := range l.lost {
			if old.ID == e.ID {
				t.Errorf("event ID %q is given to another event", e.ID)
			}
		}
		again = append(again, e)
	}
	l.refused(t)
	<-l.all.done
	if !errors.Is(l.all.err, ring.ErrEvicted) || !errors.Is(l.all.err, redis.ErrLost) {
		t.Errorf("the follower that had seen the lost events ended with %v, want ErrEvicted and ErrLost", l.all.err)
	}
	equal(t, "events that it saw", l.all.count(), 15)
	wantEnd(t, l.asleep, redis.ErrLost)
	for _, want := range again {
		var e ring.Event
		for !l.behind.Next(&e) {
			wantNoErr(t, "the reader that had seen none of them", l.behind.Err())
			wantNoErr(t, "Wait", l.behind.Wait(t.Context()))
		}
		equal(t, "ID", e.ID, want.ID)
	}
}

func (l *loss) refused(t *testing.T) {
	t.Helper()
	for _, e := range l.lost {
		r, err := l.store.Open(t.Context(), "s", replay.Position{LastEventID: e.ID})
		if !errors.Is(err, ring.ErrUnknownID) && !errors.Is(err, ring.ErrEvicted) {
			t.Errorf("Open after event %d, which is lost: error %v", e.Seq, err)
		}
		if err == nil {
			r.Close()
		}
	}
	r, err := l.store.Open(t.Context(), "s", replay.Position{LastEventID: l.kept[9].ID})
	wantNoErr(t, "Open after the last event that is kept", err)
	r.Close()
}
