package shard

import "unsafe"

// sessionBytes is about what a session costs beside its log and metadata: itself, a UUID, its entry in the map and its part of a
// bucket.
const sessionBytes = int64(unsafe.Sizeof(Session{})) + 48 + 32 + 32

// Stats adds up the shards' counters: its cost does not depend on the number of sessions.
func (m *Manager) Stats() Stats {
	u := m.tally.Sum()
	st := Stats{
		Active:     int(m.places.active.Load()),
		Events:     u.Events,
		Bytes:      u.Bytes,
		Memory:     u.Memory,
		Appended:   uint64(u.Appended),
		Duplicates: uint64(u.Duplicates),
		Evicted:    uint64(max(0, u.Appended-u.Events-u.Released)),
		Replayed:   uint64(u.Replayed),
		Gaps:       uint64(u.Gaps),

		AppendedBytes: uint64(u.AppendedBytes),
		EvictedBytes:  uint64(max(0, u.AppendedBytes-u.Bytes-u.ReleasedBytes)),

		Visits: m.driver.visits.Load(),
	}
	for i := range m.shards {
		sh := &m.shards[i]
		st.Total += int(sh.total.Load())
		st.Attached += int(sh.attached.Load())
		st.Created += sh.created.Load()
		st.Terminated += sh.terminated.Load()
		st.Expired += sh.expired.Load()
		st.Finished += sh.drained.Load()
		st.Memory += sh.metadata.Load()
	}
	st.Memory += int64(st.Total) * sessionBytes
	return st
}

// Config returns the configuration in force: what was given to New, with the defaults filled in. Limits that are not there are negative or, where
// that is the default, 0; a TTL without end is 2^60 ns.
func (m *Manager) Config() Config {
	cfg := m.cfg
	cfg.Ring = m.group.Config()
	return cfg
}
