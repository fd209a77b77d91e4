package bench

import (
	"fmt"
	"testing"
)

// What is measured against must work.
func TestByHandReturnsWhatWasAppended(t *testing.T) {
	for _, appended := range []int{0, 1, 3, 4, 5, 8, 11} {
		l := NewByHand(4)
		for i := 1; i <= appended; i++ {
			data := fmt.Appendf(nil, "event %d", i)
			if id := l.AppendCopy(data); id != uint64(i) {
				t.Fatalf("event %d got ID %d", i, id)
			}
			data[0] = 'X'
		}
		for id := 0; id <= appended+1; id++ {
			events, ok := l.After(nil, uint64(id))
			if want := id <= appended && appended-id <= 4; ok != want {
				t.Fatalf("%d appended: After(%d) is %v, want %v", appended, id, ok, want)
			}
			if !ok {
				continue
			}
			if len(events) != appended-id {
				t.Fatalf("%d appended: After(%d) has %d events", appended, id, len(events))
			}
			for i, e := range events {
				if want := fmt.Sprintf("event %d", id+1+i); e.ID != uint64(id+1+i) || string(e.Data) != want {
					t.Fatalf("%d appended: After(%d)[%d] is %d %q, want %q", appended, id, i, e.ID, e.Data, want)
				}
			}
		}
	}
}

func TestByHandWakesItsWaiters(t *testing.T) {
	l := NewByHand(4)
	c := l.Changed(0)
	l.Append(nil)
	<-c
	if l.Changed(0) != nil {
		t.Fatal("there is an event after 0 and yet Changed waits")
	}
}

func TestByHandStoreFindsItsSessions(t *testing.T) {
	s := NewByHandStore()
	a, b := s.Create("a", 4), s.Create("b", 4)
	if s.Get("a") != a || s.Get("b") != b || s.Get("c") != nil {
		t.Fatal("Get does not return what Create made")
	}
	if s.Delete("a"); s.Get("a") != nil {
		t.Fatal("Delete left the session")
	}
}
