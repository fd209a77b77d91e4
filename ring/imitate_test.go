package ring

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestOwnIDThatLooksLikeAFutureAssignedOneIsRespected(t *testing.T) {
	r := newRing(t, Config{})
	tag, _, _ := strings.Cut(mustAppend(t, r, Event{}).ID, "-")
	own := mustAppend(t, r, Event{ID: tag + "-4", Data: []byte("own")})
	mustAppend(t, r, Event{ID: tag + "-04", Data: []byte("zero")})
	four := mustAppend(t, r, Event{Data: []byte("four")})
	if four.Seq != 4 || four.ID == own.ID || four.ID == tag+"-04" {
		t.Fatalf("event 4 got the ID %q", four.ID)
	}
	for _, e := range []Event{own, four} {
		if c := mustSeek(t, r, e.ID); c.Seq() != e.Seq {
			t.Errorf("Seek(%q) is %d, want %d", e.ID, c.Seq(), e.Seq)
		}
	}
	if five := mustAppend(t, r, Event{}); five.ID != tag+"-5" {
		t.Errorf("event 5 got the ID %q", five.ID)
	}
}

// Producers that imitate the ring's own IDs at random, with leading zeros and without, never make
// two retained events share one.
func TestIDsAreUniqueWhateverMixOfOwnAndAssigned(t *testing.T) {
	const limit = 7
	r := newRing(t, Config{MaxEvents: limit})
	tag, _, _ := strings.Cut(mustAppend(t, r, Event{}).ID, "-")
	rnd := rand.New(rand.NewPCG(1, 2))
	live := []Event{{ID: tag + "-1", Seq: 1}}
	for n := uint64(2); n < 3000; {
		e := Event{}
		if rnd.IntN(2) == 0 {
			e.ID = fmt.Sprintf("%s-%s%d", tag, strings.Repeat("0", rnd.IntN(3)), int(n)-12+rnd.IntN(24))
		}
		held := -1
		for i, l := range live {
			if l.ID == e.ID {
				held = i
			}
		}
		got, err := r.Append(e)
		if held >= 0 {
			if !errors.Is(err, ErrDuplicateID) || got.Seq != live[held].Seq {
				t.Fatalf("Append(%q): %d, %v; %d has it", e.ID, got.Seq, err, live[held].Seq)
			}
			continue
		}
		if err != nil || got.Seq != n {
			t.Fatalf("Append(%q): %d, %v", e.ID, got.Seq, err)
		}
		n++
		live = append(live, got)
		if len(live) > limit {
			gone := live[0]
			live = live[1:]
			if _, err := r.Seek(gone.ID); err == nil && !has(live, gone.ID) {
				t.Fatalf("evicted ID %q is found", gone.ID)
			}
		}
		for i, a := range live {
			if c, err := r.Seek(a.ID); err != nil || c.Seq() != a.Seq {
				t.Fatalf("Seek(%q) is %d, %v; want %d", a.ID, c.Seq(), err, a.Seq)
			}
			for _, b := range live[i+1:] {
				if a.ID == b.ID {
					t.Fatalf("events %d and %d share the ID %q", a.Seq, b.Seq, a.ID)
				}
			}
		}
	}
}

func has(live []Event, id string) bool {
	for _, e := range live {
		if e.ID == id {
			return true
		}
	}
	return false
}

// More imitations than an ID has room for zeros: the ring still finds one that is free.
func TestAssignedIDIsFreeHoweverManyImitationsThereAre(t *testing.T) {
	r := newRing(t, Config{})
	tag, _, _ := strings.Cut(mustAppend(t, r, Event{}).ID, "-")
	const target = 300
	for zeros := 0; len(tag)+1+zeros+3 <= MaxIDBytes; zeros++ {
		mustAppend(t, r, Event{ID: fmt.Sprintf("%s-%s%d", tag, strings.Repeat("0", zeros), target)})
	}
	for r.Stats().Last < target-1 {
		mustAppend(t, r, Event{})
	}
	if e := mustAppend(t, r, Event{}); e.Seq != target || len(e.ID) != MaxIDBytes+1 || seekSeq(t, r, e.ID) != target {
		t.Errorf("event %d has an ID of %d bytes", e.Seq, len(e.ID))
	}
}
