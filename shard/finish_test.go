package shard_test

import (
	"testing"
	"time"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestFinishedSessionIsReadableForLingerAndThenGone(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var ends endLog
		m := newManager(t, shard.Config{Linger: time.Minute, OnEnd: ends.add})
		s := create(t, m, "id")
		store(t, s, "a", "b")
		reader, _ := s.Seek("")
		for range 2 {
			if err := s.Finish(); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.Append(ring.Event{})
		wantErr(t, "Append", err, shard.ErrFinished)
		wantErr(t, "Err", s.Err(), shard.ErrFinished)
		wantErr(t, "Wait", s.Wait(t.Context(), 2), shard.ErrFinished)
		if err := s.Wait(t.Context(), 1); err != nil {
			t.Errorf("Wait for an event that is there: %v", err)
		}
		time.Sleep(time.Minute - 1)
		if got, err := m.Get("id"); got != s {
			t.Errorf("Get: %v", err)
		}
		if c, err := s.Seek(""); err != nil || read(c) != "a b" {
			t.Errorf("Seek: %v", err)
		}
		detach, err := s.Attach()
		if err != nil {
			t.Fatalf("Attach: %v", err)
		}
		if info := s.Info(); info.Status != shard.Finished || info.Log.Events != 2 || closed(s.Done()) {
			t.Errorf("%+v", info)
		}
		if ends.of("id") != nil {
			t.Error("OnEnd before the end")
		}
		time.Sleep(time.Nanosecond)
		wantRefused(t, m, s)
		_, err = m.Info("id")
		wantErr(t, "Info", err, shard.ErrNotFound)
		if read(reader) != "a b" {
			t.Error("a reader could not read to the end")
		}
		detach()
		late := s.Tail()
		if late = late.Oldest(); read(late) != "" {
			t.Error("events can be read that nobody was attached for")
		}
		sleep(time.Second)
		infos := ends.of("id")
		if len(infos) != 1 || infos[0].Status != shard.Finished || infos[0].Log.Events != 2 {
			t.Errorf("OnEnd got %+v", infos)
		}
		if st := m.Stats(); st.Total != 0 || st.Active != 0 || st.Events != 0 || st.Terminated != 0 ||
			st.Expired != 0 || st.Attached != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestFinishedSessionThatIsTerminatedEndsAtOnce(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Linger: time.Minute})
		s := create(t, m, "id")
		store(t, s, "a")
		s.Finish()
		sleep(10 * time.Second)
		s.Terminate()
		wantRefused(t, m, s)
		if info, err := m.Info("id"); err != nil || info.Status != shard.Terminated {
			t.Errorf("%+v, %v", info, err)
		}
		time.Sleep(50 * time.Second)
		_, err := m.Info("id")
		wantErr(t, "Info a Linger after Finish", err, shard.ErrNotFound)
	})
}

func TestWithoutLingerAFinishedSessionEndsWithItsLastReader(t *testing.T) {
	inTime(t, func(t *testing.T) {
		var ends endLog
		m := newManager(t, shard.Config{Linger: -1, OnEnd: ends.add})
		alone := create(t, m, "alone")
		alone.Finish()
		wantRefused(t, m, alone)

		read := create(t, m, "read")
		a, _ := read.Attach()
		b, _ := read.Attach()
		read.Finish()
		a()
		sleep(time.Hour)
		if _, err := m.Get("read"); err != nil {
			t.Errorf("a reader is attached, Get says %v", err)
		}
		b()
		wantRefused(t, m, read)
		sleep(time.Second)
		if st := m.Stats(); st.Total != 0 || len(ends.of("alone")) != 1 || len(ends.of("read")) != 1 {
			t.Errorf("%+v", st)
		}
	})
}
