// Package shard is the session manager: it creates sessions, finds them, limits them, and ends them when they have been idle for too
// long.
//
// A [Manager] holds its sessions in shards, each with a concurrent map and a timing wheel of its own. Every [Session] has an event
// log (package ring); appending to one touches nothing that another session writes. All methods of both are safe for concurrent
// use, and none blocks but [Session.Wait] and [Manager.Close].
//
// A session is active until it ends. It ends by [Session.Terminate], by [Manager.Close], by going without activity for its TTL, or
// Config.Linger after [Session.Finish]. An ended session lingers: for Config.Linger it still answers [Manager.Info], and its ID
// stays taken.
//
// [Session.Health] tells what is wrong with a session, or may soon be: a reader about to lose events, a log that reaches back too
// little, a client that does not come back. Package replay/inspector shows it for all sessions.
package shard
