package replay_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// What ExMCP.SessionManager's own tests ask of a session manager, asked of this one through the
// functions that the README maps to.

func original(t *testing.T, cfg shard.Config) *shard.Manager {
	t.Helper()
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func stored(t *testing.T, s *shard.Session, lastEventID string) (data []string) {
	t.Helper()
	for e, err := range replay.After(s, lastEventID) {
		if err != nil {
			t.Fatal(err)
		}
		data = append(data, string(e.Data))
	}
	return data
}

func TestOriginalSessionLifecycle(t *testing.T) {
	m := original(t, shard.Config{})
	a, err := m.Create(shard.Metadata{Transport: "sse", ClientInfo: map[string]any{"name": "client"}})
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.Create(shard.Metadata{Transport: "http"})
	if err != nil || a.ID() == b.ID() {
		t.Fatalf("sessions %q and %q, %v", a.ID(), b.ID(), err)
	}
	info, err := m.Info(a.ID())
	if err != nil || info.Transport != "sse" || info.ClientInfo["name"] != "client" ||
		info.Status != shard.Active || info.Created.IsZero() {
		t.Errorf("info is %+v, %v", info, err)
	}
	if err := a.Update(func(md *shard.Metadata) { md.Transport = "http" }); err != nil || a.Info().Transport != "http" {
		t.Errorf("after the update: %+v, %v", a.Info(), err)
	}
	listed := map[string]bool{}
	for s := range m.Sessions() {
		listed[s.ID()] = true
	}
	if len(listed) != 2 || !listed[a.ID()] || !listed[b.ID()] {
		t.Errorf("listed %v", listed)
	}
	for range 2 {
		if err := m.Terminate(a.ID()); err != nil {
			t.Error(err)
		}
	}
	if _, err := m.Get(a.ID()); !errors.Is(err, shard.ErrNotFound) {
		t.Errorf("a terminated session: %v", err)
	}
}

func TestOriginalUnknownSessionsAndEvents(t *testing.T) {
	m := original(t, shard.Config{})
	if _, err := m.Get("unknown"); !errors.Is(err, shard.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if err := m.Terminate("unknown"); err != nil {
		t.Errorf("Terminate: %v", err)
	}
	s, _ := m.Create(shard.Metadata{})
	s.Append(ring.Event{ID: "1"})
	for _, err := range replay.After(s, "unknown") {
		if !errors.Is(err, ring.ErrUnknownID) {
			t.Errorf("After: %v", err)
		}
	}
	if err := replay.Send(s, "unknown", func(ring.Event) error { t.Error("sent"); return nil }); !errors.Is(err,
		ring.ErrUnknownID) {
		t.Errorf("Send: %v", err)
	}
	s.Terminate()
	if _, err := s.Append(ring.Event{}); !errors.Is(err, shard.ErrNotFound) {
		t.Errorf("Append: %v", err)
	}
}

func TestOriginalReplayIsInOrderAndOnlyWhatWasMissed(t *testing.T) {
	s, _ := original(t, shard.Config{}).Create(shard.Metadata{})
	for n := range 5 {
		s.Append(ring.Event{ID: fmt.Sprint("event-", n), Type: "message", Data: fmt.Append(nil, n)})
	}
	for last, want := range map[string]string{"": "[0 1 2 3 4]", "event-1": "[2 3 4]", "event-4": "[]"} {
		if got := fmt.Sprint(stored(t, s, last)); got != want {
			t.Errorf("after %q: %s, want %s", last, got, want)
		}
	}
	var sent bytes.Buffer
	stop := errors.New("enough")
	err := replay.Send(s, "event-0", func(e ring.Event) error {
		sent.Write(e.Data)
		if sent.Len() == 3 {
			return stop
		}
		return nil
	})
	if sent.String() != "123" || err != stop {
		t.Errorf("sent %q, %v", sent.String(), err)
	}
}

func TestOriginalEventLimitKeepsTheNewest(t *testing.T) {
	s, _ := original(t, shard.Config{Ring: ring.Config{MaxEvents: 3}}).Create(shard.Metadata{})
	for n := range 10 {
		s.Append(ring.Event{Data: fmt.Append(nil, n)})
	}
	if got := fmt.Sprint(stored(t, s, "")); got != "[7 8 9]" {
		t.Errorf("retained %s", got)
	}
}

func TestOriginalStatistics(t *testing.T) {
	m := original(t, shard.Config{Ring: ring.Config{MaxEvents: 2}})
	a, _ := m.Create(shard.Metadata{})
	b, _ := m.Create(shard.Metadata{})
	for n := range 3 {
		a.Append(ring.Event{ID: fmt.Sprint(n)})
	}
	a.Append(ring.Event{ID: "2"})
	stored(t, a, "1")
	b.Terminate()
	s := m.Stats()
	if s.Total != 2 || s.Active != 1 || s.Events != 2 || s.Created != 2 || s.Terminated != 1 ||
		s.Appended != 3 || s.Evicted != 1 || s.Duplicates != 1 || s.Replayed != 1 {
		t.Errorf("statistics are %+v", s)
	}
}

func TestOriginalSessionsExpireWithoutActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := shard.New(shard.Config{TTL: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		idle, _ := m.Create(shard.Metadata{})
		busy, _ := m.Create(shard.Metadata{})
		for range 5 {
			time.Sleep(30 * time.Second)
			if err := busy.Touch(); err != nil {
				t.Error(err)
			}
		}
		if _, err := m.Get(idle.ID()); !errors.Is(err, shard.ErrNotFound) {
			t.Errorf("the idle session: %v", err)
		}
		if s := m.Stats(); s.Expired != 1 || s.Active != 1 {
			t.Errorf("statistics are %+v", s)
		}
	})
}
