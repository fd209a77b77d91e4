package shard

import "testing"

func TestQueueOfCallsThatIsNeverEmptyDoesNotGrow(t *testing.T) {
	const backlog = 10
	e := endCalls{running: true} // by nobody: this test takes what is due
	sessions := make([]Session, 1000)
	taken := 0
	for i := range sessions {
		e.add(endCall{s: &sessions[i]})
		if i < backlog {
			continue
		}
		if end, ok := e.take(); !ok || end.s != &sessions[taken] {
			t.Fatalf("call %d: not the oldest", taken)
		}
		taken++
	}
	if cap(e.queue) > 8*backlog {
		t.Errorf("room for %d calls, with %d due", cap(e.queue), backlog)
	}
	for ; taken < len(sessions); taken++ {
		if end, ok := e.take(); !ok || end.s != &sessions[taken] {
			t.Fatalf("call %d: not the oldest", taken)
		}
	}
	if _, ok := e.take(); ok || e.running || e.queue != nil {
		t.Error("one is left")
	}
}
