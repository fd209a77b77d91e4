package shard

import (
	"bytes"
	"time"
	"unsafe"
)

// SessionSize is the size of a Session, in bytes.
const SessionSize = unsafe.Sizeof(Session{})

// Alarm returns in how long the driver wakes; 0: not at all. The driver must be asleep.
func Alarm(m *Manager) time.Duration {
	at := m.driver.alarm.Load()
	if at >= never {
		return 0
	}
	return time.Duration(at - m.clock.Exact())
}

// Timers returns how many timers are armed. The driver must be asleep.
func Timers(m *Manager) (n int) {
	for i := range m.shards {
		n += m.shards[i].wheel.Len()
	}
	return n
}

// Owners returns how many principals have sessions, by the count that MaxPerPrincipal goes by.
func Owners(m *Manager) int { return m.limits.owners.Size() }

// Waiting returns how many sessions are in the intakes.
func Waiting(m *Manager) (n int) {
	for i := range m.shards {
		for s := m.shards[i].intake.Load(); s != nil; s = s.next {
			n++
		}
	}
	return n
}

// ReaderSize is the size of a Reader, in bytes.
const ReaderSize = unsafe.Sizeof(Reader{})

// Claims returns how many keys the session has claimed.
func Claims(s *Session) int { return s.claimCount() }

// Frames takes a snapshot apart.
func Frames(snapshot []byte) (frames [][]byte) {
	f, err := newFrameReader(bytes.NewReader(snapshot))
	for err == nil && f.kind != frameEnd {
		if err = f.frame(); err == nil {
			frames = append(frames, snapshot[f.at:f.next])
		}
	}
	return frames
}
