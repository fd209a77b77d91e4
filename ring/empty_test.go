package ring

import (
	"strings"
	"testing"
)

// An event without data may end where its page does. The race detector's build wants every pointer
// to point into what it belongs to.
func TestEventsWithoutDataFillPages(t *testing.T) {
	for n := 1; n <= 64; n++ {
		r, err := New(Config{MaxEvents: 4096})
		if err != nil {
			t.Fatal(err)
		}
		id := strings.Repeat("x", n)
		for range 2048 {
			if e, err := r.Append(Event{Stream: id}); err != nil || e.Data != nil {
				t.Fatalf("%v, %v", e, err)
			}
		}
		c, err := r.Seek("")
		if err != nil {
			t.Fatal(err)
		}
		c = c.All()
		read := 0
		for e := (Event{}); c.Next(&e); read++ {
			if e.Data != nil || e.Stream != id {
				t.Fatalf("event %d is %+v", read+1, e)
			}
		}
		if read != 2048 {
			t.Fatalf("%d events", read)
		}
	}
}
