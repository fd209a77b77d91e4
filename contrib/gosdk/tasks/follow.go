package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const (
	minPause = 20 * time.Millisecond // between attempts to reach a Store that fails
	maxPause = 2 * time.Second
)

// follow reads the task's log until the task has ended: that is how the tool hears of its client,
// whichever process that talks to.
func (t *Task) follow() {
	defer func() { t.reader.Close() }()
	at, pause := replay.Position{}, minPause
	var e ring.Event
	for {
		for t.reader.Next(&e) {
			t.take(e)
			at, pause = replay.Position{LastEventID: e.ID, All: true}, minPause
		}
		err := t.reader.Err()
		if err == nil {
			if err = t.reader.Wait(t.following); err == nil {
				continue
			}
		}
		switch {
		case t.following.Err() != nil:
			return
		case errors.Is(err, shard.ErrNotFound) || errors.Is(err, shard.ErrFinished):
			t.end()
			return
		case errors.Is(err, ring.ErrEvicted) || errors.Is(err, ring.ErrUnknownID):
			at = replay.Position{} // what is asked of the tool is among the newest events
		}
		t.x.cfg.Logger.Warn("tasks: following a task is interrupted", "task", t.id, "error", err)
		if t.reader.Err() == nil { // it can go on
			sleep(t.following, pause)
		} else if !t.reopen(at, pause) {
			return
		}
		pause = min(2*pause, maxPause)
	}
}

// reopen replaces a reader that has ended. It returns false when there is nothing to read any more.
func (t *Task) reopen(at replay.Position, pause time.Duration) bool {
	for {
		sleep(t.following, pause)
		r, err := t.x.store.Open(t.following, t.id, at)
		switch {
		case err == nil:
			t.reader.Close()
			t.reader = r
			return true
		case t.following.Err() != nil:
			return false
		case errors.Is(err, shard.ErrNotFound):
			t.end()
			return false
		case errors.Is(err, ring.ErrEvicted) || errors.Is(err, ring.ErrUnknownID):
			at = replay.Position{}
		}
		pause = min(2*pause, maxPause)
	}
}

// take acts on an event.
func (t *Task) take(e ring.Event) {
	switch e.Type {
	case EventAnswer:
		var entry Entry
		if err := json.Unmarshal(e.Data, &entry); err == nil { // get tells everybody of one that is none
			t.answered(entry.Key, entry.Answer)
		}
	case EventCancel:
		t.stop(ErrCancelled)
	case EventCompleted, EventFailed, EventCancelled:
		t.end()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Seq > t.followed {
		t.followed = e.Seq
		close(t.moved)
		t.moved = make(chan struct{})
	}
}

// end notes that the task has ended. A tool that still works was not asked.
func (t *Task) end() {
	t.mu.Lock()
	t.ended = true
	t.mu.Unlock()
	t.stop(ErrLost)
	t.unfollow()
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
