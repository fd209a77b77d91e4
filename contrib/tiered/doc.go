// Package tiered is a [replay.Store] in two tiers: sessions are written and followed in this process, at the speed of memory, and their events
// are copied to another Store behind it, which other processes share. A client that comes back to another process resumes there.
//
// A session is written by the process that created it: its front. Appends there go to the log in memory, from which they are copied in
// the same order and with the same IDs; the log itself is the queue, so that copying takes no memory. Elsewhere a session can be read,
// touched and terminated, through the Store behind; an Append or Update is [ErrElsewhere].
//
// # What is lost
//
// When a process dies, the events that it had not yet copied are lost to clients that resume elsewhere: those of the last round trip or so to the Store
// behind, up to a whole log while that cannot be reached. [Store.Lag] tells how many they are. A client that had received such an event
// is told that it is unknown; what was copied has no gap. With Config.Sync nothing is lost that an Append had returned.
//
// When the log drops events that are not yet copied, the copy is ended, because it would have a gap: elsewhere the session is then
// shard.ErrNotFound, and in its own process it goes on.
package tiered
