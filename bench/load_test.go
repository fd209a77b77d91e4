package bench

import (
	"bytes"
	"testing"
)

func TestPayloadsHaveTheirSizeAndLines(t *testing.T) {
	for _, n := range []int{0, 1, 64, 256, 4096} {
		if p := Payload(n); len(p) != n || bytes.ContainsAny(p, "\r\n") {
			t.Errorf("Payload(%d) is %q", n, p)
		}
		if p := Lines(n); len(p) != n || bytes.Count(p, []byte("\n")) != n/64 {
			t.Errorf("Lines(%d) is %q", n, p)
		}
	}
}

func TestIDsAreDifferent(t *testing.T) {
	ids := NewIDs(1000, 7)
	seen := make(map[string]bool)
	for i := range ids.Len() {
		id := ids.At(i)
		if len(id) != IDLen || seen[id] {
			t.Fatalf("ID %d is %q", i, id)
		}
		seen[id] = true
	}
	if len(seen) != 1000 {
		t.Fatalf("%d IDs, want 1000", len(seen))
	}
}

func TestOwnIDsRepeatOnlyBeyondWhatIsRetained(t *testing.T) {
	const retain = 400
	o := NewOwnIDs(2, retain)
	seen := make(map[string]int)
	for i := range 5 * retain {
		if i%3 == 0 {
			o.Next(1) // another session changes nothing
		}
		id := o.Next(0)
		if at, ok := seen[id]; ok && i-at < 2*retain {
			t.Fatalf("ID %d comes again %d later", at, i-at)
		}
		seen[id] = i
	}
}

func TestOrdersVisitWhatTheySay(t *testing.T) {
	if o := InTurn(3); len(o) != 3 || o[0] != 0 || o[2] != 2 {
		t.Errorf("InTurn(3) is %v", o)
	}
	random, bursts := Random(100, 1), Bursts(100, 16, 1)
	visited := make([]int, 100)
	for i := range random {
		visited[random[i]]++
		if bursts[i] != bursts[i/16*16] {
			t.Fatalf("the burst ends at %d", i)
		}
	}
	for s, n := range visited {
		if want := len(random) / 100; n < want/2 || n > want*2 {
			t.Errorf("session %d is visited %d times, want about %d", s, n, want)
		}
	}
}

func TestFillLeavesSessionsOutOfStep(t *testing.T) {
	const n, retain, most = 1000, 40, 40/2 + 16
	events, numbers := make([]int, n), make(map[int]int)
	Fill(n, retain, func(s int) { events[s]++ })
	for _, e := range events {
		if e < retain || e > retain+most {
			t.Fatalf("a session has got %d events, want %d to %d", e, retain, retain+most)
		}
		numbers[e]++
	}
	if len(numbers) != most+1 {
		t.Fatalf("sessions got %d different numbers of events, want %d", len(numbers), most+1)
	}
}

func TestFillEachFillsSessionsOfDifferentSizes(t *testing.T) {
	const n = 300
	retain := func(s int) int { return 20 + s%3*10 }
	events, first := make([]int, n), -1
	FillEach(n, retain, func(s int) {
		if first < 0 && s == n-1 {
			first = events[0]
		}
		events[s]++
	})
	for s, e := range events {
		if e < retain(s) || e > retain(s)+retain(s)/2+16 {
			t.Fatalf("session %d has got %d events, and retains %d", s, e, retain(s))
		}
	}
	if first != 1 {
		t.Errorf("the first session had %d events when the last one got its first: not in turn", first)
	}
}
