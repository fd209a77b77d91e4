// Package shard is the session manager: it creates sessions, finds them, limits them, and ends them
// when they have been idle for too long.
//
// A [Manager] holds its sessions in shards, each with a concurrent map and a timing wheel of its
// own. Every [Session] has an event log (package ring); appending to one touches nothing that
// another session writes. All methods of both are safe for concurrent use.
//
// # What blocks
//
// [Session.Wait] waits for an event, and [Manager.Close] until the last OnEnd has returned.
// [Session.Terminate] and [Manager.Terminate] wait for whoever is ending the same session just
// then, which takes microseconds. Creating, ending and updating sessions, attaching and detaching
// readers, and claims take locks, each held for the few instructions that change a table; growing a
// shard's table holds up those who change the same one, for milliseconds when it has hundreds of
// thousands of sessions. Append, Seek and Tail take no lock. Functions of the application (OnEnd,
// an Update's, the body of a loop over Sessions) run under no lock.
//
// # The life of a session
//
// A session is active until it is finished or ends. It ends by [Session.Terminate], by
// [Manager.Close], by going without activity for its TTL, or Config.Linger after [Session.Finish].
// An ended session lingers for Config.Linger and is forgotten then.
//
//	                      active           finished              ended, lingering  forgotten
//	Info (Status)         answers: Active  answers: Finished     answers: how it   ErrNotFound
//	                                                             ended, no events
//	Get, Touch, Attach    succeed          succeed               ErrNotFound       ErrNotFound
//	Append                stores           ErrFinished           ErrNotFound       ErrNotFound
//	a reader that waits   gets events      gets what is left,    gets what is      (was ended
//	                      as they come     then ErrFinished      left, then        before)
//	                                                             ErrNotFound
//	HTTP GET, no ID       200, all that    200, what is left,    404               404
//	                      is retained,     and the response
//	                      then live        ends
//	HTTP GET, with ID     200, what came   200, and the end;     404               404
//	                      after it, live   204 if all was read
//	the session ID        taken            taken                 taken             free
//	counts in limits      yes              yes                   no                no
//	goes                  after TTL        after Linger          after Linger
//
// An ID that names an event which is no longer retained is answered with 410 while the session is
// active or finished. "HTTP" is package replay's Handler. With a negative Linger nothing lingers,
// and a finished session ends when its last reader detaches.
//
// [Session.Health] tells what is wrong with a session, or may soon be: a reader about to lose
// events, a log that reaches back too little, a client that does not come back. [Manager.Stats]
// counts what was refused, and [Manager.Census] the sessions with each problem. Package
// replay/inspector shows it for all sessions.
package shard
