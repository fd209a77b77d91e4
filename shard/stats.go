package shard

import "unsafe"

// sessionBytes is about what a session costs beside its log and metadata: itself, a UUID, its entry
// in the map and its part of a bucket.
const sessionBytes = int64(unsafe.Sizeof(Session{})) + 48 + 32 + 32

// Stats adds up the shards' counters: its cost does not depend on the number of sessions.
func (m *Manager) Stats() Stats {
	u := m.tally.Sum()
	st := Stats{
		Active:     int(m.limits.active.Load()),
		Events:     u.Events,
		Bytes:      u.Bytes,
		Memory:     u.Memory,
		Appended:   uint64(u.Appended),
		Duplicates: uint64(u.Duplicates),
		Evicted:    uint64(max(0, u.Appended-u.Events-u.Released)),
		Replayed:   uint64(u.Replayed),

		AppendedBytes: uint64(u.AppendedBytes),
		EvictedBytes:  uint64(max(0, u.AppendedBytes-u.Bytes-u.ReleasedBytes)),
	}
	var refused [reasons]uint64
	for i := range m.shards {
		sh := &m.shards[i]
		st.Total += int(sh.total.Load())
		st.Attached += int(sh.attached.Load())
		st.Created += sh.created.Load()
		st.Terminated += sh.terminated.Load()
		st.Expired += sh.expired.Load()
		st.Finished += sh.drained.Load()
		st.Memory += sh.extras.Load()
		for r := range refused {
			refused[r] += sh.refused[r].Load()
		}
	}
	st.Memory += int64(st.Total) * sessionBytes
	st.addRefused(&refused)
	return st
}

// Stats describe a Manager. They cost the same however many sessions there are, and are exact when
// nothing else runs.
type Stats struct {
	Total    int   // sessions that answer Info: active and lingering ones
	Active   int   // sessions that Get finds: those that have not ended
	Attached int   // readers
	Events   int64 // retained in all sessions
	Bytes    int64 // the same, in bytes as MaxBytes counts them
	Memory   int64 // estimate of the heap that the sessions hold, in bytes, overhead included

	Created    uint64 // sessions, ever
	Terminated uint64 // of these, ended by Terminate or Close
	Expired    uint64 // of these, ended for want of activity
	Finished   uint64 // of these, ended by themselves after Finish

	Appended   uint64 // events stored, ever
	Duplicates uint64 // appends refused for their event ID
	Evicted    uint64 // events dropped to stay within the limits
	Replayed   uint64 // events handed to readers that were stored before the reader came
	Gaps       uint64 // readers told that events are missing
	GapsBy     Gaps   // the same, by the cause

	Refused Refused

	AppendedBytes, EvictedBytes uint64 // as MaxBytes counts them, Size and Overhead; of what Appended and Evicted count
}
