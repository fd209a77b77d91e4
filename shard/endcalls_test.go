package shard

import (
	"testing"
)

func TestCallsAreTakenInTheOrderInWhichTheyWereAdded(t *testing.T) {
	for _, backlog := range []int{0, 1, ahead - 1, ahead, 10 * ahead} {
		e := new(endCalls)
		e.due.Store(&making) // as if a goroutine were there: this test takes what is due
		sessions := make([]Session, 1000)
		taken := 0
		take := func() {
			if end := e.take(); end == nil || end.s != &sessions[taken] {
				t.Fatalf("with a backlog of %d, call %d is not the oldest", backlog, taken)
			}
			taken++
		}
		for i := range sessions {
			e.add(&endCall{s: &sessions[i]})
			if i >= backlog {
				take()
			}
		}
		for taken < len(sessions) {
			take()
		}
		if end := e.take(); end != nil || e.due.Load() != nil || e.oldest != nil {
			t.Error("one is left")
		}
	}
}
