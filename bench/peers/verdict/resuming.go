package verdict

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

func replaysWhatWasMissed(s Subject) error {
	store, err := open(s, Limits{Events: 100, EventBytes: 8})
	if err != nil {
		return err
	}
	defer store.Close()
	ids, err := fill(store, session, stream, 1, 10)
	if err != nil {
		return err
	}
	got, err := resume(store, session, stream, ids[3])
	if err != nil || !slices.Equal(got, numbers(5, 10)) {
		return fmt.Errorf("after event 4 of 10 a client gets %v, %v", brief(got), err)
	}
	return nil
}

func replaysNothingAfterTheNewest(s Subject) error {
	store, err := open(s, Limits{Events: 20, EventBytes: 2})
	if err != nil {
		return err
	}
	defer store.Close()
	for n := 10; n < 60; n++ {
		ids, err := fill(store, session, stream, n, 1)
		if err != nil {
			return err
		}
		got, err := since(store, session, stream, ids[0], strconv.Itoa(n))
		if err != nil || len(got) > 0 {
			return fmt.Errorf("after the newest of %d events a client gets %v, %v", n-9, brief(got), err)
		}
	}
	return nil
}

func tellsOfEviction(s Subject) error {
	const retain = 20
	store, err := open(s, Limits{Events: retain, EventBytes: 2})
	if err != nil {
		return err
	}
	defer store.Close()
	ids, err := fill(store, session, stream, 10, 5*retain-10) // two digits: as many bytes as they are
	if err != nil {
		return err
	}
	if got, err := resume(store, session, stream, ids[0]); err == nil {
		return fmt.Errorf(
			"%d events after Last-Event-ID, the newest %d retained: a client gets %v and no error",
			len(ids)-1,
			retain,
			brief(got),
		)
	}
	return nil
}

func refusesUnknownID(s Subject) error {
	other, err := open(s, Limits{Events: 100, EventBytes: 8})
	if err != nil {
		return err
	}
	defer other.Close()
	old, err := fill(other, session, stream, 1, 20)
	if err != nil {
		return err
	}
	store, err := open(s, Limits{Events: 100, EventBytes: 8})
	if err != nil {
		return err
	}
	defer store.Close()
	if _, err := fill(store, session, stream, 101, 10); err != nil {
		return err
	}
	if got, err := resume(store, session, stream, old[19]); err == nil {
		return fmt.Errorf(
			"after the ID of event 20 of another instance, with 10 events in this one, a client gets %v and no error",
			brief(got),
		)
	}
	return nil
}

// Both sessions have a stream of their own, with a name that the other has not got, as the MCP SDKs
// name theirs.
func refusesAnotherSessionsID(s Subject) error {
	store, err := s.Open(Limits{Events: 100, EventBytes: 8})
	if err != nil {
		return err
	}
	defer store.Close()
	mine, hers := "my-stream", "her-stream"
	if err := errors.Join(store.Open("mine", mine), store.Open("hers", hers)); err != nil {
		return err
	}
	var id string
	for i := range 10 {
		if _, err := fill(store, "mine", mine, 100+i, 1); err != nil {
			return err
		}
		ids, err := fill(store, "hers", hers, 200+i, 1)
		if err != nil {
			return err
		}
		if i == 4 {
			id = ids[0]
		}
	}
	if got, err := resume(store, "mine", mine, id); err == nil {
		return fmt.Errorf(
			"after an ID that another session was given a client gets %v of its own and no error",
			brief(got),
		)
	}
	return nil
}

func keepsStreamsApart(s Subject) error {
	store, err := s.Open(Limits{Events: 100, EventBytes: 8})
	if err != nil {
		return err
	}
	defer store.Close()
	if err := errors.Join(store.Open(session, "a"), store.Open(session, "b")); err != nil {
		return err
	}
	var first string
	for i := range 10 {
		ids, err := fill(store, session, "a", 100+i, 1)
		if err != nil {
			return err
		}
		if i == 0 {
			first = ids[0]
		}
		if _, err := fill(store, session, "b", 200+i, 1); err != nil {
			return err
		}
	}
	got, err := since(store, session, "a", first, "100")
	if err != nil || !slices.Equal(got, numbers(101, 109)) {
		return fmt.Errorf(
			"after event 100 on stream a, with nine more there and ten on stream b, a client of stream a gets %v, %v",
			got,
			err,
		)
	}
	return nil
}
