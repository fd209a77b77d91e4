package verdict

import (
	"fmt"
	"time"
)

func refusesLateAppend(s Subject) error {
	store, err := open(s, Limits{Events: 100, EventBytes: 8})
	if err != nil {
		return err
	}
	defer store.Close()
	ids, err := fill(store, session, stream, 1, 3)
	if err != nil {
		return err
	}
	if err := store.End(session); err != nil {
		return err
	}
	late, err := store.Append(session, stream, "late", "late")
	if err != nil {
		return nil
	}
	if late == "" {
		late = ids[0]
	}
	if _, err := resume(store, session, stream, late); err == nil {
		return fmt.Errorf("an append after the end is accepted, and the session is there again")
	}
	return nil
}

func refusesEndedSession(s Subject) error {
	store, err := open(s, Limits{Events: 100, EventBytes: 8})
	if err != nil {
		return err
	}
	defer store.Close()
	ids, err := fill(store, session, stream, 1, 3)
	if err != nil {
		return err
	}
	if err := store.End(session); err != nil {
		return err
	}
	if got, err := resume(store, session, stream, ids[0]); err == nil {
		return fmt.Errorf("a client of an ended session gets %v and no error", brief(got))
	}
	return nil
}

// expires writes to a session for longer than its TTL, and then no more, in real time: the subjects
// know no other.
func expires(s Subject) error {
	store, err := open(s, Limits{Events: 100, EventBytes: 8, TTL: 2 * time.Second})
	if err != nil {
		return err
	}
	defer store.Close()
	var first string
	for n := range 15 {
		ids, err := fill(store, session, stream, n, 1)
		if err != nil {
			return fmt.Errorf("%v after the last event: %w", 200*time.Millisecond, err)
		}
		if n == 0 {
			first = ids[0]
		}
		time.Sleep(200 * time.Millisecond)
	}
	if _, err := resume(store, session, stream, first); err != nil {
		return fmt.Errorf("%v after the last event: %w", 200*time.Millisecond, err)
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if _, err := resume(store, session, stream, first); err != nil {
			return nil
		}
	}
	return fmt.Errorf("five seconds after the last event everything is there")
}
