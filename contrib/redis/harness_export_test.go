package redis

// KeyOf returns one of the keys of a session, all of which are in one slot.
func KeyOf(prefix, session string) string { return newBuckets(prefix).keys(session)[0] }
