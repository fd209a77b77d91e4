package redis

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func mustCreate(t testing.TB, s *Store, id string, md shard.Metadata) {
	t.Helper()
	if _, err := s.Create(t.Context(), id, md); err != nil {
		t.Fatal(err)
	}
}

func mustStore(t testing.TB, s *Store, id string, e ring.Event) ring.Event {
	t.Helper()
	stored, err := s.Append(t.Context(), id, e)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func mustRead(t testing.TB, s *Store, id string, at replay.Position) replay.Reader {
	t.Helper()
	r, err := s.Open(t.Context(), id, at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

func TestNewNamesTheFieldThatIsWrong(t *testing.T) {
	client := dial(t, startServer(t))
	for field, cfg := range map[string]Config{
		"Prefix": {Prefix: "a{b}"}, "Lease": {Lease: time.Millisecond}, "Timeout": {Timeout: -1},
		"TTL":    {TTL: time.Microsecond},
		"Linger": {Linger: 1}, "MaxEvents": {Ring: ring.Config{MaxEvents: -1}},
	} {
		if _, err := New(client, cfg); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("Config.%s: error %v", field, err)
		}
	}
	if _, err := New(nil, Config{}); err == nil {
		t.Error("New without a client")
	}
}

func TestAuthorize(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{})
	mustCreate(t, s, "mine", shard.Metadata{Principal: "me"})
	mustCreate(t, s, "nobody's", shard.Metadata{})
	for _, c := range []struct {
		id, principal string
		want          error
	}{
		{"mine", "me", nil}, {"mine", "them", shard.ErrPrincipal}, {"mine", "", shard.ErrPrincipal},
		{"nobody's", "", nil}, {"nobody's", "me", shard.ErrPrincipal},
		{"unknown", "me", shard.ErrNotFound}, {"a b", "", shard.ErrNotFound},
	} {
		wantErr(t, c.id+" for "+c.principal, s.Authorize(t.Context(), c.id, c.principal), c.want)
	}
}

// What a session leaves on the server goes by itself: nobody needs to touch it again.
func TestEveryKeyOfASessionExpires(t *testing.T) {
	s := newStore(
		t, dial(t, startServer(t)),
		Config{TTL: time.Second, Linger: time.Second, Lease: 3 * time.Second, MaxSessions: -1},
	)
	mustCreate(t, s, "s", shard.Metadata{Principal: "me"})
	mustStore(t, s, "s", ring.Event{ID: "own"})
	mustStore(t, s, "s", ring.Event{})
	r := mustRead(t, s, "s", replay.Position{})
	if n := len(keysOf(t, s)); n != 4 {
		t.Errorf("%d keys, want 4", n)
	}
	for _, key := range keysOf(t, s) {
		if ms, _ := strconv.Atoi(call(t, s, "PTTL", key)); ms <= 0 || ms > 6000 {
			t.Errorf("%s lives for another %d ms", key, ms)
		}
	}
	r.Close()
	Eventually(t, "all keys are gone", func() bool { return len(keysOf(t, s)) == 0 })
}

func TestTerminatedSessionHoldsNoEvents(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{MaxSessions: -1})
	mustCreate(t, s, "s", shard.Metadata{})
	mustStore(t, s, "s", ring.Event{ID: "own"})
	r := mustRead(t, s, "s", replay.Position{})
	if err := s.Terminate(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	if events, err := replay.Drain(r); err != nil || len(events) != 1 {
		t.Errorf("%d events, error %v: the reader was to get what was stored", len(events), err)
	}
	r.Close()
	events := s.buckets.keys("s")[1]
	if call(t, s, "XLEN", events) != "0" {
		t.Error("the events outlive their last reader")
	}
	if call(t, s, "HLEN", s.buckets.keys("s")[2]) != "3" {
		t.Error("the index outlives the session")
	}
}

// The index holds the IDs of what is retained, and some that are to go, however many there were.
func TestIndexDoesNotGrow(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{Ring: ring.Config{MaxEvents: 500, MaxBytes: 100_000}})
	mustCreate(t, s, "s", shard.Metadata{Principal: "me"})
	for i := range 3000 {
		e := ring.Event{ID: strconv.Itoa(i % 2000), Data: []byte("x")} // IDs come again when they are free
		if i%700 == 699 {
			e.Data = make([]byte, 90_000) // pushes out nearly everything at once
		}
		mustStore(t, s, "s", e)
		if i%100 != 0 {
			continue
		}
		info, err := s.Info(t.Context(), "s")
		wantErr(t, "Info", err, nil)
		if n, _ := strconv.Atoi(call(t, s, "HLEN", s.buckets.keys("s")[2])); n > info.Log.Events+4+64 {
			t.Fatalf("after %d events, of which %d are retained, the index has %d fields", i+1, info.Log.Events, n)
		}
	}
}

// The index holds more than IDs.
func TestNoEventHasTheIDOfAnotherField(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{Ring: ring.Config{MaxEvents: 1}})
	mustCreate(t, s, "s", shard.Metadata{Principal: "me"})
	for i := range 100 {
		mustStore(t, s, "s", ring.Event{ID: strconv.Itoa(i)})
	}
	for _, id := range []string{"\x00", "\x00ids"} {
		_, err := s.Open(t.Context(), "s", replay.Position{LastEventID: id})
		wantErr(t, "Open", err, ring.ErrUnknownID)
	}
}

func TestReaderLearnsOfEventsWithoutNotifications(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{Lease: time.Second})
	mustCreate(t, s, "s", shard.Metadata{})
	r := mustRead(t, s, "s", replay.Position{})
	s.hub.mu.Lock()
	s.hub.channels[bucketOf("s")].stop()
	s.hub.mu.Unlock()
	Eventually(t, "the subscription has ended", func() bool { return call(t, s, "PUBSUB", "SHARDCHANNELS") == "[]" })
	mustStore(t, s, "s", ring.Event{Data: []byte("1")})
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	var e ring.Event
	if err := r.Wait(ctx); err != nil || !r.Next(&e) || string(e.Data) != "1" {
		t.Errorf("read %q, error %v", e.Data, err)
	}
}

func TestLeaseHoldsASessionOnlyAsLongAsItsProcessLives(t *testing.T) {
	client := dial(t, startServer(t))
	InTime(t, time.Second, func(lease time.Duration) bool {
		s := newStore(t, client, Config{TTL: lease / 2, Lease: lease})
		start := time.Now()
		if _, err := s.Create(t.Context(), "s", shard.Metadata{}); err != nil {
			t.Fatal(err)
		}
		dead := beside(t, s)
		_, err := dead.Open(t.Context(), "s", replay.Position{})
		dead.hub.stop() // no sign of life from now on
		info, _ := s.Info(t.Context(), "s")
		if time.Since(start) > lease/2 {
			return false
		}
		wantErr(t, "Open", err, nil)
		if info.Status != shard.Active || info.Attached != 1 {
			t.Errorf("status %v with %d readers attached, want active and 1", info.Status, info.Attached)
		}
		Eventually(t, "the session has expired", func() bool {
			info, err := s.Info(t.Context(), "s")
			return err == nil && info.Status == shard.Expired
		})
		if took := time.Since(start); took < lease-10*time.Millisecond { // the server counts whole milliseconds
			t.Errorf("it expired after %v, with a lease of %v", took, lease)
		}
		return true
	})
}

func TestLapsedReaderIsAttachedAgain(t *testing.T) {
	s := newStore(t, dial(t, startServer(t)), Config{Lease: time.Second})
	mustCreate(t, s, "s", shard.Metadata{})
	mustRead(t, s, "s", replay.Position{})
	call(t, s, "DEL", s.buckets.keys("s")[3])
	Eventually(t, "the reader is attached again", func() bool {
		info, err := s.Info(t.Context(), "s")
		return err == nil && info.Attached == 1
	})
}

func TestClosedStore(t *testing.T) {
	client := dial(t, startServer(t))
	s := newStore(t, client, Config{})
	mustCreate(t, s, "s", shard.Metadata{})
	mustStore(t, s, "s", ring.Event{Data: []byte("1")})
	r := mustRead(t, s, "s", replay.Position{})
	waiting := make(chan error)
	idle := mustRead(t, s, "s", replay.Position{Live: true})
	go func() { waiting <- idle.Wait(context.Background()) }()
	for range 2 {
		s.Close()
	}
	wantErr(t, "Wait", <-waiting, nil)
	wantErr(t, "the reader that waited", idle.Err(), shard.ErrClosed)
	var e ring.Event
	if !r.Next(&e) || r.Next(&e) {
		t.Error("the reader does not end after what it had")
	}
	wantErr(t, "the other reader", r.Err(), shard.ErrClosed)
	_, err := s.Append(t.Context(), "s", ring.Event{})
	wantErr(t, "Append", err, shard.ErrClosed)
	_, err = s.Open(t.Context(), "s", replay.Position{})
	wantErr(t, "Open", err, shard.ErrClosed)
	wantErr(t, "Touch", s.Touch(t.Context(), "s"), shard.ErrClosed)
}
