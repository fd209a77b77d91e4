package mcpgo

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestValidateCountsAsActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		store := replay.Local(m)
		s := Sessions(store)
		id := s.Generate()
		mustStore(t, New(store), id, "a", "m")
		for range 10 {
			time.Sleep(50 * time.Second)
			wantValid(t, s, id)
		}
		time.Sleep(62 * time.Second)
		wantTerminated(t, s, id) // it lingers
		time.Sleep(1000 * time.Hour)
		wantTerminated(t, s, id) // the Store has forgotten it
	})
}

func TestAnIDThatStoresNothingLivesByItsRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s := Sessions(replay.Local(m))
		used, unused := s.Generate(), s.Generate()
		for range 5 {
			time.Sleep(59 * time.Minute)
			wantValid(t, s, used)
		}
		wantTerminated(t, s, unused)
		time.Sleep(time.Hour)
		wantTerminated(t, s, used)
		wantTerminated(t, s, used)
	})
}

func TestASessionThatBeganAndExpiredUnseenIsTerminated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		store := replay.Local(m)
		s := Sessions(store)
		id := s.Generate()
		wantValid(t, s, id)
		mustStore(t, New(store), id, "a", "m") // in the course of the request just validated
		time.Sleep(2 * time.Hour)
		wantNoSession(t, store, id)
		wantTerminated(t, s, id)
	})
}

func TestAKeyIsKnownToOtherProcessesAndSuccessors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{Linger: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		cfg := SessionConfig{Key: bytes.Repeat([]byte("k"), 32), Idle: time.Minute}
		a, b := mustSessions(t, replay.Local(m), cfg), mustSessions(t, replay.Local(m), cfg)
		id := a.Generate()
		wantValid(t, b, id)
		time.Sleep(time.Minute)
		wantTerminated(t, b, id)
		wantTerminated(t, a, id)

		cfg.Idle = -1
		forever := mustSessions(t, replay.Local(m), cfg)
		wantValid(t, forever, id)
		cfg.Key[0] = 'l' // a copy was taken
		wantValid(t, forever, id)
		if _, err := mustSessions(t, replay.Local(m), cfg).Validate(id); err == nil {
			t.Error("an ID under another key is valid")
		}
	})
}

func TestNoIDEndsBeforeIdleHowEverShortThatIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for _, idle := range []time.Duration{1, time.Millisecond, 50 * time.Millisecond, 900 * time.Millisecond,
			time.Second, 1500 * time.Millisecond} {
			for range 20 {
				time.Sleep(37 * time.Millisecond) // at any time of a second
				s := mustSessions(t, replay.Local(m), SessionConfig{Idle: idle})
				id := s.Generate()
				wantValid(t, s, id)
				time.Sleep(idle - 1)
				wantValid(t, s, id)
				time.Sleep(idle - 1)
				wantValid(t, s, id) // by the request before
				time.Sleep(idle + 2*tick)
				wantTerminated(t, s, id)
			}
		}
	})
}

func mustSessions(t *testing.T, store replay.Store, cfg SessionConfig) server.SessionIdManager {
	t.Helper()
	s, err := New(store).SessionsWith(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
