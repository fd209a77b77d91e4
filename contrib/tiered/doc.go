// Package tiered is a [replay.Store] in two tiers: sessions are written and followed in this
// process, at the speed of memory, and their events are copied, in batches, to another Store behind
// it, which survives the process and which other processes share.
//
// # One writer
//
// A session is written by one process at a time. The Store behind knows which one by a lease
// ([replay.Leaser]), which the process renews. When it has not done so for a Term, another process
// that is asked for the session takes it over: it loads the session from behind, with its IDs and
// sequence numbers, and goes on. A process that starts on a Store with sessions serves them in
// the same way, each when it is first asked for. Everywhere else a session can be read, touched,
// terminated and asked for; writing to it is [ErrElsewhere].
//
// A writer that was only paused, or cut off, and comes back after it has lost a session cannot
// write to the copy any more: its session ends here, its readers are told to come back, callers
// that wait for a copy get replay.ErrFenced, and later ones ErrElsewhere.
//
// A session that has finished here, and that another process then terminates, ends here too within
// a third of Term. Where the Store behind has no Linger, it cannot tell that from an end by itself:
// then the session stays readable here until its own Linger is over.
//
// Copies go by the incarnation of a session, never by its ID alone: a session that is created anew
// under an ID that was used before has nothing to do with the old one, here and behind.
//
// # What is lost
//
// With Config.Sync nothing is lost that an Append has confirmed. Without, an event is confirmed
// once it is in memory, and copied a moment later: a process that dies loses those of the last
// round trip to the Store behind, or, while that cannot be reached, of as long as it could not.
// [Store.Lag] tells how many they are. Whoever had read such an event, and comes back with its ID
// or with a place after it, is told ring.ErrUnknownID: the next writer's log has a tag of its own,
// so no ID is given twice. The price is that IDs from before a takeover take an entry in the index
// like those of the application, and are unknown instead of evicted once their events are gone. So
// is a place in the middle after an event with an ID of the application's own. With Config.Sync the
// tag stays, and readers of this process see an event only once it is behind. All processes of one
// Store want the same Config.Sync.
//
// While the Store behind is away, sessions go on here. Should one of them have expired behind
// meanwhile, its copy is made anew from what is retained here. When the log here drops events that
// are not yet copied, the copy goes on behind the gap, and readers behind are told ring.ErrEvicted.
//
// # What may be left
//
// A Create that fails, and a session that ends while its copy is made anew, end what is behind.
// They cannot end what is not there yet: where the network or the Store behind carries a call out
// only after this process has given it up, a session is left that nobody has made. It is like one
// that another process has left, empty, until somebody terminates it or its TTL is over.
package tiered
