package sse

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// a client is a ResponseWriter that notes what is done to it. While stalled, writes hang until the
// deadline.
type client struct {
	*httptest.ResponseRecorder
	mu       sync.Mutex
	deadline time.Time
	changed  chan struct{}
	stalled  bool
	takes    time.Duration // a write
	sizes    []int
	left     []time.Duration // for each write
}

func newClient() *client {
	return &client{ResponseRecorder: httptest.NewRecorder(), changed: make(chan struct{})}
}

func (c *client) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}

func (c *client) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.sizes = append(c.sizes, len(p))
	c.left = append(c.left, time.Until(c.deadline))
	c.mu.Unlock()
	time.Sleep(c.takes)
	for {
		c.mu.Lock()
		deadline, changed, stalled := c.deadline, c.changed, c.stalled
		c.mu.Unlock()
		if !stalled {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.ResponseRecorder.Write(p)
		}
		select {
		case <-changed:
		case <-time.After(time.Until(deadline)):
			return 0, os.ErrDeadlineExceeded
		}
	}
}

func (c *client) isOver() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.deadline.After(time.Now())
}

func open(t *testing.T, set *Set, c http.ResponseWriter, timeout time.Duration) (*Writer, context.Context) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := NewWriter(set, c, httptest.NewRequest("GET", "/", nil), timeout, cancel)
	if !set.Enter(w) {
		t.Fatal("the set is closed")
	}
	return w, ctx
}

func TestWhatIsWrittenGoesOutInPiecesWithAFreshDeadlineEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set Set
		c := newClient()
		c.takes = 4 * time.Second
		w, _ := open(t, &set, c, 5*time.Second)
		w.Begin(-1)
		if err := w.Send(make([]byte, 3*Piece+1)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.sizes, []int{Piece, Piece, Piece, 1}) || slices.Min(c.left) != 5*time.Second {
			t.Errorf("pieces of %d bytes, with %v for each", c.sizes, c.left)
		}
		w.Finish()
		set.Leave(w)
		if n := set.Counts(); n != (Counts{Streams: 1, Bytes: 3*Piece + 1}) {
			t.Errorf("%+v", n)
		}
	})
}

func TestAStalledPieceIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set Set
		c := newClient()
		c.stalled = true
		w, _ := open(t, &set, c, 5*time.Second)
		w.Begin(-1)
		begun := time.Now()
		if _, err := w.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) ||
			time.Since(begun) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		if err := w.Flush(); err == nil || w.Err() == nil {
			t.Error("a stream that has failed goes on")
		}
		w.Finish()
		w.Finish()
		if n := set.Counts(); n.Slow != 1 || n.Open != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// An HTTP/2 stream is reset when a deadline passes, also if a busy machine has just written the
// piece. Over HTTP/1.1 a deadline that has passed does no harm once the next one is set.
func TestAPieceThatWasWrittenTooLateIsSlowWhereItsDeadlineEndsTheStream(t *testing.T) {
	for _, proto := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			var set Set
			c := newClient()
			c.takes = 6 * time.Second
			w, _ := open(t, &set, c, 5*time.Second)
			w.lapses = proto == 2
			w.Begin(-1)
			err := w.Send(make([]byte, 2*Piece))
			w.Finish()
			if n := set.Counts(); proto == 1 && (err != nil || n.Slow != 0) ||
				proto == 2 && (!errors.Is(err, os.ErrDeadlineExceeded) || n.Slow != 1) {
				t.Errorf("HTTP/%d: error %v, %+v", proto, err, n)
			}
		})
	}
}

func TestCommentsComeWhenNothingElseDoesAndNeverInALine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set Set
		c := newClient()
		w, _ := open(t, &set, c, time.Minute)
		w.Begin(10 * time.Second)
		body := func() string {
			synctest.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.Body.String()
		}
		time.Sleep(21 * time.Second)
		if got := body(); got != ":\n:\n" {
			t.Errorf("in 21 s: %q", got)
		}
		w.Write([]byte("data: half of a"))
		time.Sleep(time.Minute)
		w.Send([]byte(" line\n"))
		time.Sleep(9 * time.Second)
		if got := body(); !strings.HasSuffix(got, ":\ndata: half of a line\n") {
			t.Errorf("%q", got)
		}
		time.Sleep(2 * time.Second)
		if got := body(); !strings.HasSuffix(got, "line\n:\n") {
			t.Errorf("%q", got)
		}
		w.Finish()
		before := body()
		time.Sleep(time.Hour)
		if body() != before {
			t.Error("a comment after Finish")
		}
	})
}

func TestACommentThatCannotBeWrittenEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set Set
		c := newClient()
		c.stalled = true
		w, ctx := open(t, &set, c, time.Second)
		w.Begin(10 * time.Second)
		<-ctx.Done()
		if w.Err() == nil {
			t.Error("no error")
		}
		w.Finish()
	})
}

func TestTakeKeepsTheNewestAndCloseEndsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set Set
		stalled := newClient()
		stalled.stalled = true
		old, oldOver := open(t, &set, stalled, time.Hour)
		old.Begin(-1)
		if first := set.Take("k", old); first != nil || set.Take("k", old) != nil || !set.Holds("k") {
			t.Error("the first of a key ends nobody")
		}
		failed := make(chan error)
		go func() { failed <- old.Send([]byte("x")) }()
		synctest.Wait()
		begun := time.Now()
		fresh, over := open(t, &set, newClient(), -1)
		fresh.Begin(-1)
		if set.TryTake("k", fresh) {
			t.Error("two of one key")
		}
		if set.Take("k", fresh) != old || oldOver.Err() == nil {
			t.Error("the old one has not been ended")
		}
		if err := <-failed; err == nil || time.Since(begun) != closeGrace {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
		old.Finish()
		set.Leave(old)
		<-old.Gone()
		set.Leave(old)
		if !set.Holds("k") {
			t.Error("who leaves takes the newest along")
		}
		set.Close()
		if over.Err() == nil || fresh.Send([]byte("x")) != ErrEnded || fresh.Flush() != ErrEnded {
			t.Error("a closed set has a stream that goes on")
		}
		fresh.Finish()
		set.Leave(fresh)
		if w := NewWriter(&set, newClient(), httptest.NewRequest("GET", "/", nil), -1, func() {}); set.Enter(w) ||
			set.Holds("k") {
			t.Error("a closed set lets in")
		}
		if n := set.Counts(); n.Replaced != 1 || n.Open != 0 || n.Slow != 0 {
			t.Errorf("%+v", n)
		}
	})
}

// A deadline that a writer sets may cross the end from outside: the end's stays.
func TestTheEndsDeadlineOverrulesAllOthers(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			var set Set
			c := newClient()
			w, _ := open(t, &set, c, time.Hour)
			w.Begin(-1)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for w.Send(make([]byte, 2*Piece)) == nil {
				}
			}()
			w.End(0)
			<-done
			if !c.isOver() {
				t.Fatal("time for another write after the end")
			}
			w.Finish()
		})
	}
}

func TestAppendRetry(t *testing.T) {
	for low, want := range map[time.Duration]string{-1: "", 0: "retry: 0\n", 1500 * time.Millisecond: "retry: 1500\n"} {
		if got := string(AppendRetry(nil, low, 0)); got != want {
			t.Errorf("%v: %q", low, got)
		}
	}
}

func TestTheTurnOfAKeyIsOnesAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var set Set
		done, err := set.Turn(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if other, err := set.Turn(t.Context(), "another"); err != nil {
			t.Error(err)
		} else {
			other()
		}
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan error)
		go func() { _, err := set.Turn(ctx, "k"); gone <- err }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("whoever gives up waiting is told %v", err)
		}
		var holders, most int
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				done, err := set.Turn(t.Context(), "k")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				holders++
				most = max(most, holders)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				holders--
				mu.Unlock()
				done()
			})
		}
		synctest.Wait()
		if holders != 0 {
			t.Errorf("%d have the turn beside the first one", holders)
		}
		done()
		wg.Wait()
		if most != 1 {
			t.Errorf("%d have had the turn at once", most)
		}
	})
}
