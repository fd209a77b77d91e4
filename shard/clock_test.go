package shard

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reprise-go/reprise/internal/clock"
)

// clocks are an operating system's two: both go on with the fake time, and step where a test says.
type clocks struct {
	begin           time.Time
	monotonic, wall atomic.Int64 // by how many nanoseconds each has stepped so far
}

func (c *clocks) read() (monotonic, wall int64) {
	return int64(time.Since(c.begin)+time.Hour) + c.monotonic.Load(), time.Now().UnixNano() + c.wall.Load()
}

// onClocks runs a test with a manager whose sessions live for ten minutes.
func onClocks(t *testing.T, test func(t *testing.T, c *clocks, m *Manager)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &clocks{begin: time.Now()}
		m, err := newOn(clock.From(c.read), Config{TTL: 10 * time.Minute, Linger: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		test(t, c, m)
	})
}

func wantAlive(t *testing.T, m *Manager, id string, alive bool) {
	t.Helper()
	if _, err := m.Get(id); (err == nil) != alive || err != nil && !errors.Is(err, ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
}

func TestStepsOfTheWallClockNeitherEndASessionNorKeepIt(t *testing.T) {
	for _, step := range []time.Duration{-100 * 24 * time.Hour, -time.Minute, time.Minute, 100 * 24 * time.Hour} {
		onClocks(t, func(t *testing.T, c *clocks, m *Manager) {
			s, err := m.Create(Metadata{})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Minute)
			c.wall.Add(int64(step))
			wantAlive(t, m, s.ID(), true)
			time.Sleep(5 * time.Minute)
			wantAlive(t, m, s.ID(), true)
			time.Sleep(m.cfg.Tick)
			synctest.Wait()
			if m.Stats().Expired != 1 {
				t.Errorf("step of %v: the driver lets it live", step)
			}
			wantAlive(t, m, s.ID(), false)
		})
	}
}

// As after a suspension on systems whose monotonic clock goes on meanwhile.
func TestASessionWhoseTimePassedWhileTheMachineSleptIsRefusedAtOnceAndTheOthersLive(t *testing.T) {
	onClocks(t, func(t *testing.T, c *clocks, m *Manager) {
		old, err := m.Create(Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		young, err := m.Create(Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		c.monotonic.Add(int64(7 * time.Minute))
		wantAlive(t, m, old.ID(), false)
		wantAlive(t, m, young.ID(), true)
		time.Sleep(3 * time.Minute)
		wantAlive(t, m, young.ID(), true)
		time.Sleep(m.cfg.Tick)
		wantAlive(t, m, young.ID(), false)
	})
}

// A monotonic clock does not go back, but for the errors of machines and their hypervisors. A
// session then lives longer by the step and no more, without anybody's help.
func TestASessionOutlivesABackwardStepByNoMoreThanTheStep(t *testing.T) {
	const step = 30 * time.Minute
	onClocks(t, func(t *testing.T, c *clocks, m *Manager) {
		s, err := m.Create(Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Minute)
		c.monotonic.Add(-int64(step))
		for _, then := range []time.Duration{5 * time.Minute, step - time.Second} {
			time.Sleep(then)
			wantAlive(t, m, s.ID(), true)
			if err := s.Touch(); err != nil {
				t.Errorf("Touch: %v", err)
			}
		}
		time.Sleep(10 * time.Minute)
		wantAlive(t, m, s.ID(), true)
		time.Sleep(time.Second + m.cfg.Tick)
		synctest.Wait()
		if m.Stats().Expired != 1 {
			t.Error("the driver lets it live")
		}
	})
}
