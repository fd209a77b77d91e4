package durablestreams_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/reprise-go/reprise/contrib/durablestreams"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A second Handler on the same Store is what a restarted process is.
func TestEverythingSurvivesTheHandler(t *testing.T) {
	w := newWorld(t, shard.Config{})
	a := w.serve(&durablestreams.Handler{})
	a.want(201, a.do("PUT", "/s", "zero ", "Content-Type", "text/plain"))
	a.want(200, a.do("POST", "/s", "one ", producer("p", 3, 0)...))
	a.want(200, a.do("POST", "/s", "two ", append(producer("p", 3, 1), "Stream-Seq", "b")...))
	a.want(201, a.do("PUT", "/fork", "", "Stream-Forked-From", "/s"))
	a.want(200, a.do("POST", "/s", "end", append(producer("p", 3, 2), "Stream-Closed", "true")...))
	a.want(204, a.do("DELETE", "/s", ""))
	a.want(410, a.do("GET", "/s", ""))

	b := w.serve(&durablestreams.Handler{})
	b.want(410, b.do("GET", "/s", ""))
	b.want(409, b.do("PUT", "/s", ""))
	if got := b.readAll("/fork", "-1"); got != "zero one two " {
		t.Errorf("the fork has %q", got)
	}
	b.want(204, b.do("DELETE", "/fork", ""))
	b.want(404, b.do("GET", "/s", ""))
}

func TestProducersAreRememberedAcrossHandlers(t *testing.T) {
	w := newWorld(t, shard.Config{})
	a := w.serve(&durablestreams.Handler{})
	a.want(201, a.do("PUT", "/s", "", "Content-Type", "text/plain"))
	a.want(200, a.do("POST", "/s", "x", producer("p", 2, 0)...))
	b := w.serve(&durablestreams.Handler{})
	if got := b.want(403, b.do("POST", "/s", "x", producer("p", 1, 0)...)).Header.Get("Producer-Epoch"); got != "2" {
		t.Errorf("the epoch is %q", got)
	}
	b.want(204, b.do("POST", "/s", "x", producer("p", 2, 0)...))
	b.want(200, b.do("POST", "/s", "y", producer("p", 2, 1)...))
	gap := a.want(409, a.do("POST", "/s", "z", producer("p", 2, 3)...))
	if e, r := gap.Header.Get("Producer-Expected-Seq"), gap.Header.Get("Producer-Received-Seq"); e != "2" || r != "3" {
		t.Errorf("expected %q, received %q", e, r)
	}
	if got := a.readAll("/s", "-1"); got != "xy" {
		t.Errorf("read %q", got)
	}
}

// The log keeps 40 events; a producer that appended once, long ago, must still be known to a
// process that starts now.
func TestStateOutlivesTheEventsThatBroughtIt(t *testing.T) {
	limits := ring.Config{MaxEvents: 40}
	w := newWorld(t, shard.Config{})
	a := w.serve(&durablestreams.Handler{Limits: limits})
	a.want(201, a.do("PUT", "/s", "", "Content-Type", "text/plain"))
	a.want(200, a.do("POST", "/s", "old", append(producer("old", 7, 0), "Stream-Seq", "k")...))
	for i := range 300 {
		headers := []string(nil)
		if i%3 == 0 {
			headers = producer("busy", 0, i/3)
		}
		a.do("POST", "/s", "x", headers...)
	}
	b := w.serve(&durablestreams.Handler{Limits: limits})
	b.want(403, b.do("POST", "/s", "x", producer("old", 6, 0)...))
	b.want(204, b.do("POST", "/s", "old", producer("old", 7, 0)...))
	b.want(409, b.do("POST", "/s", "x", "Stream-Seq", "k"))
	b.want(200, b.do("POST", "/s", "x", producer("old", 7, 1)...))
}

func TestRacingHandlersStoreEachBatchOfAProducerOnce(t *testing.T) {
	w := newWorld(t, shard.Config{})
	handlers := []*client{
		w.serve(&durablestreams.Handler{}),
		w.serve(&durablestreams.Handler{}),
		w.serve(&durablestreams.Handler{}),
	}
	c := handlers[0]
	c.want(201, c.do("PUT", "/s", "", "Content-Type", "application/json"))
	const producers, batches = 4, 25
	var all sync.WaitGroup
	for p := range producers {
		for _, c := range handlers { // every batch is sent to every Handler, as a client does whose requests time out
			all.Go(func() {
				for n := range batches {
					body := fmt.Sprintf(`["%d-%d-a","%d-%d-b"]`, p, n, p, n)
					for {
						headers := append(producer(fmt.Sprint(p), 0, n), "Content-Type", "application/json")
						a, err := c.try("POST", "/s", body, headers...)
						if err != nil {
							t.Error(err)
							return
						}
						if a.StatusCode == 200 || a.StatusCode == 204 {
							break
						}
						if a.StatusCode != 409 { // a gap: the other Handlers' requests have not come so far yet
							t.Errorf("producer %d, batch %d: %s %q", p, n, a.Status, a.body)
							return
						}
					}
				}
			})
		}
	}
	all.Wait()
	got := c.readAll("/s", "-1")
	for p := range producers {
		at := -1
		for n := range batches {
			pair := fmt.Sprintf(`"%d-%d-a","%d-%d-b"`, p, n, p, n)
			if strings.Count(got, pair) != 1 || strings.Index(got, pair) < at {
				t.Fatalf(
					"batch %s: %d times, at %d after %d",
					pair,
					strings.Count(got, pair),
					strings.Index(got, pair),
					at,
				)
			}
			at = strings.Index(got, pair)
		}
	}
	if n := strings.Count(got, "-a"); n != producers*batches {
		t.Errorf("%d batches are stored, want %d", n, producers*batches)
	}
}

func TestNothingIsAppendedAfterACloseOfAnotherHandler(t *testing.T) {
	for range 50 {
		w := newWorld(t, shard.Config{})
		a, b := w.serve(&durablestreams.Handler{}), w.serve(&durablestreams.Handler{})
		a.want(201, a.do("PUT", "/s", "", "Content-Type", "text/plain"))
		var both sync.WaitGroup
		var end string
		appended := 0
		both.Go(func() {
			end = a.do("POST", "/s", "", "Stream-Closed", "true").Header.Get("Stream-Next-Offset")
		})
		both.Go(func() {
			for range 10 {
				if b.do("POST", "/s", "x").StatusCode == 204 {
					appended++
				}
			}
		})
		both.Wait()
		got := a.readAll("/s", "-1")
		if want := fmt.Sprintf("%016d_0000000000000000", appended); len(got) != appended || end != want {
			t.Fatalf("%d appended, %d stored, closed at %s", appended, len(got), end)
		}
	}
}
