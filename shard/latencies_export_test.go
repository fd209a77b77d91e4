package shard

// Sampling reports whether appends are being timed.
func Sampling(m *Manager) bool {
	for i := range m.shards {
		if m.shards[i].watch.Load() == nil {
			return false
		}
	}
	return true
}

// LapseSampling lets the window end now.
func LapseSampling(m *Manager) { m.watch.until.Store(0) }
