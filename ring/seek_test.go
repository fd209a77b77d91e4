package ring

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestSeekFindsEveryRetainedIDAndItsStreamFollows(t *testing.T) {
	long := strings.Repeat("L", 100)
	for _, own := range []bool{false, true} {
		r := newRing(t, Config{MaxEvents: 500})
		streams := []string{"", "a", "b", long}
		var live []Event
		for n := range 1700 {
			e := Event{Stream: streams[n%4], Data: []byte(fmt.Sprint(n))}
			if own {
				e.ID = fmt.Sprintf("own-%d", n)
			}
			live = append(live, mustAppend(t, r, e))
		}
		live = live[len(live)-500:]
		for i, e := range live {
			var want []string
			for _, f := range live[i+1:] {
				if f.Stream == e.Stream {
					want = append(want, string(f.Data))
				}
			}
			if got := data(t, mustSeek(t, r, e.ID)); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("after %q: %v, want %v", e.ID, got, want)
			}
		}
	}
}

func TestSeekOfTheEmptyIDIsBeforeTheOldestOfAllStreams(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 3})
	if got := data(t, mustSeek(t, r, "")); got != nil {
		t.Errorf("an empty ring has %q", got)
	}
	for n := range 5 {
		mustAppend(t, r, Event{Stream: fmt.Sprint(n), Data: []byte(fmt.Sprint(n))})
	}
	if got := fmt.Sprint(data(t, mustSeek(t, r, ""))); got != "[2 3 4]" {
		t.Errorf("replay is %s", got)
	}
}

func TestSeekOfAnEvictedAssignedIDIsErrEvicted(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 2})
	first := mustAppend(t, r, Event{})
	for range 5 {
		mustAppend(t, r, Event{})
	}
	_, err := r.Seek(first.ID)
	wantErr(t, err, ErrEvicted)
}

func TestSeekOfAnyOtherUnknownIDIsErrUnknownID(t *testing.T) {
	r, other := newRing(t, Config{MaxEvents: 2}), newRing(t, Config{})
	tag, _, _ := strings.Cut(mustAppend(t, r, Event{}).ID, "-")
	mustAppend(t, r, Event{ID: "own"})
	mustAppend(t, r, Event{})
	mustAppend(t, r, Event{})
	for name, id := range map[string]string{
		"from the future":      tag + "-5",
		"next":                 tag + "-99999999999999999999",
		"zero":                 tag + "-0",
		"leading zero":         tag + "-01",
		"sign":                 tag + "-+1",
		"negative":             tag + "--1",
		"no number":            tag + "-",
		"number and more":      tag + "-1x",
		"underscore":           tag + "-1_0",
		"tag alone":            tag,
		"another session's":    mustAppend(t, other, Event{}).ID,
		"an evicted own ID":    "own",
		"nonsense":             "nonsense",
		"longer than any ID":   strings.Repeat("x", 100_000),
		"sequence overflow":    tag + "-18446744073709551617",
		"sequence above bound": tag + "-1099511627776",
	} {
		_, err := r.Seek(id)
		if err == nil {
			t.Errorf("%s: Seek(%.40q) succeeded", name, id)
			continue
		}
		wantErr(t, err, ErrUnknownID)
		if len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

func TestSeekOnARingWithoutEvents(t *testing.T) {
	_, err := newRing(t, Config{}).Seek("x")
	wantErr(t, err, ErrUnknownID)
}

// An index whose buckets are all the same still finds every ID, by looking at the events.
func TestIDsThatFindNoPlaceInTheIndexAreFound(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 100})
	lost := false
	for n := range 1000 {
		e := mustAppend(t, r, Event{ID: fmt.Sprint("id", n)})
		shrinkIndex(r, 1)
		lost = lost || r.dir.Load().index.lost().Load() > 0
		if _, err := r.Append(Event{ID: e.ID}); err == nil {
			t.Fatalf("%q was stored twice", e.ID)
		}
		for back := max(0, n-99); back <= n; back += 9 {
			if c := mustSeek(t, r, fmt.Sprint("id", back)); c.Seq() != uint64(back+1) {
				t.Fatalf("Seek of %d is %d", back, c.Seq())
			}
		}
	}
	if !lost {
		t.Error("no ID was lost: the test does not test")
	}
}

func TestSeekAndLookUpAreExactWhileTheIndexGrows(t *testing.T) {
	r := newRing(t, Config{MaxEvents: 5000})
	for n := range 5000 {
		mustAppend(t, r, Event{ID: fmt.Sprint("id", n)})
		if n&(n-1) == 0 || n&(n+1) == 0 {
			for i := range n + 1 {
				if c := mustSeek(t, r, fmt.Sprint("id", i)); c.Seq() != uint64(i+1) {
					t.Fatalf("with %d events Seek of %d is %d", n+1, i, c.Seq())
				}
			}
		}
	}
}

// Each ID has two buckets to go to. With one for some of them, one ID in ten million was lost.
func TestTheTwoBucketsOfAnIDDiffer(t *testing.T) {
	for buckets := minBuckets; buckets <= 1<<16; buckets *= 2 {
		x := newIndex(buckets)
		for tag := range uint32(100_000) {
			if a, b := x.homes(tag); a == b || a == &x[buckets] || b == &x[buckets] {
				t.Fatalf("of %d buckets, tag %d has twice the same, or none", buckets, tag)
			}
		}
	}
}

// Writers that finish each other's appends do not take an ID for lost because somebody else has
// just entered it: lookups would have to look at all events for as long as it is retained.
func TestWritersThatFinishEachOthersAppendsLoseNoID(t *testing.T) {
	r := newRing(t, Config{})
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for n := range 20_000 {
				mustAppend(t, r, Event{ID: fmt.Sprintf("%d of writer %d", n, w)})
			}
		})
	}
	writers.Wait()
	if lost := r.dir.Load().index.lost().Load(); lost != 0 {
		t.Errorf("the ID of sequence %d was taken for lost", lost)
	}
}
