package pebble

// A lease says who writes a session.
type lease struct {
	note string
}

func (l *lease) yield(id string, now int64) error { return nil }
