package tally_test

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/reprise-go/reprise/internal/tally"
)

func TestSumAddsUpAllStripes(t *testing.T) {
	for _, n := range []int{0, 1, 3, 8, 100} {
		y := tally.New(n)
		stripes := map[*tally.Stripe]bool{}
		for hash := range uint64(256) {
			p := y.Stripe(hash)
			stripes[p] = true
			p.Append(1, 100)
			p.Events.Add(2)
			p.Bytes.Add(3)
			p.Memory.Add(4)
			p.Released.Add(5)
			p.ReleasedBytes.Add(9)
			p.Duplicates.Add(6)
			p.Replayed.Add(-7)
		}
		if len(stripes) < n || len(stripes)&(len(stripes)-1) != 0 {
			t.Errorf("New(%d) has %d stripes, want a power of two no smaller", n, len(stripes))
		}
		if want := (tally.Sums{256, 25600, 512, 768, 1024, 1280, 2304, 1536, -1792}); y.Sum() != want {
			t.Errorf("%+v, want %+v", y.Sum(), want)
		}
	}
}

func TestStripeIsTwoCacheLines(t *testing.T) {
	if n := unsafe.Sizeof(tally.Stripe{}); n != 128 {
		t.Errorf("%d bytes", n)
	}
}

func TestBudgetGivesHalfInSharesAndTheRestInCommon(t *testing.T) {
	for _, c := range []struct {
		total    int64
		sessions int
		share    int64
	}{{1000, 10, 50}, {1000, 0, 0}, {1000, -1, 0}, {999, 10, 49}, {1, 1, 0}, {1 << 40, 3, 1 << 39 / 3}} {
		b := tally.NewBudget(c.total, c.sessions)
		if b.Pool()+c.share*int64(max(0, c.sessions)) != c.total {
			t.Errorf("%d for %d sessions: the pool is %d", c.total, c.sessions, b.Pool())
		}
		for _, n := range []int64{0, c.share, c.share + 1, c.share + 100} {
			if got := b.Charge(n); got != max(0, n-c.share) {
				t.Errorf("%d for %d sessions: a session with %d bytes draws %d", c.total, c.sessions, n, got)
			}
		}
	}
}

func TestWhatIsGivenBackToABudgetIsFreeAgain(t *testing.T) {
	b := tally.NewBudget(1000, 0)
	var wg sync.WaitGroup
	for g := range int64(8) {
		wg.Go(func() {
			for range 5000 {
				b.Draw(100 + g*30)
				b.Draw(-100 - g*30)
			}
		})
	}
	wg.Wait()
	b.Draw(1001)
	if b.Used() != 1001 || b.Free() != -1 {
		t.Errorf("%d are used, %d free", b.Used(), b.Free())
	}
	b.Draw(-1001)
	if b.Used() != 0 || b.Free() != b.Pool() {
		t.Errorf("%d are free of %d", b.Free(), b.Pool())
	}
}

// Events and bytes are counted in one word, which is carried over before either part of it is full,
// by however many at a time, and never seen in between.
func TestAppendedEventsAndBytesAreExactAcrossCarries(t *testing.T) {
	for _, c := range []struct{ writers, events, bytes int64 }{
		{1, 1<<23 + 5, 1},  // the events are carried
		{4, 5000, 1 << 30}, // the bytes are
		{4, 3 << 20, 400},  // both
	} {
		y := tally.New(1)
		p := y.Stripe(0)
		var writers sync.WaitGroup
		for range c.writers {
			writers.Go(func() {
				for range c.events {
					p.Append(1, c.bytes)
				}
			})
		}
		stop := make(chan struct{})
		var reader sync.WaitGroup
		reader.Go(func() {
			var last tally.Sums
			for {
				s := y.Sum()
				if s.Appended < last.Appended || s.AppendedBytes < last.AppendedBytes ||
					s.AppendedBytes != s.Appended*c.bytes {
					t.Errorf("%+v after %+v", s, last)
					return
				}
				last = s
				select {
				case <-stop:
					return
				default:
				}
			}
		})
		writers.Wait()
		close(stop)
		reader.Wait()
		if s := y.Sum(); s.Appended != c.writers*c.events || s.AppendedBytes != c.writers*c.events*c.bytes {
			t.Errorf("%d × %d events of %d bytes are %+v", c.writers, c.events, c.bytes, s)
		}
	}
}
