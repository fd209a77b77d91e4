package ring

import (
	"testing"

	"github.com/reprise-go/reprise/internal/tally"
)

// Whatever a ring has counted while it lived, Release takes it out again, also when the ring never
// saw an event.
func TestReleaseTakesOutExactlyWhatWasCounted(t *testing.T) {
	for _, c := range []struct {
		name   string
		events []Event
	}{
		{"no event", nil},
		{"one event", []Event{{}}},
		{"own ID", []Event{{ID: "own"}}},
		{"large event", []Event{{Data: make([]byte, 20_000)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			counted := tally.New(1)
			g, err := newGroup(Config{}, shared{Tally: counted})
			if err != nil {
				t.Fatal(err)
			}
			r := g.New()
			for _, e := range c.events {
				mustAppend(t, r, e)
			}
			r.Release()
			if s := counted.Sum(); s.Memory != 0 || s.Events != 0 || s.Bytes != 0 {
				t.Errorf(
					"after Release %d events, %d bytes and %d bytes of heap are counted",
					s.Events,
					s.Bytes,
					s.Memory,
				)
			}
		})
	}
}
