// Package tasks is the tasks extension of MCP (io.modelcontextprotocol/tasks) for servers built on
// the official Go SDK, over any replay.Store: a long call answers with a handle at once, and the
// client asks for its state and its result later, over any connection, from any process that shares
// the Store.
//
// It is written against the draft of the extension in the repository modelcontextprotocol/ext-tasks
// as of commit e434597 (21 August 2026), for MCP 2026-07-28.
//
//	extension, err := tasks.New(store, tasks.Config{})
//	err = extension.Install(server)
//	mcp.AddTool(server, &mcp.Tool{Name: "count"}, tasks.Tool(count, tasks.Options{}))
//	stateless := mcp.NewStreamableHTTPHandler(get, &mcp.StreamableHTTPOptions{Stateless: true})
//	http.Handle("/mcp", extension.Handler(stateless))
//
// A client that declares the extension with a call gets a task; for any other the tool works as
// before. A tool that wants to decide for itself calls [Begin]. What a tool can do with its task is
// said at [Task].
//
// # A task is a session
//
// Its ID is a session's, which cannot be guessed; it belongs to a principal, and has a TTL. Its log
// holds what has happened, as events whose types are the constants of this package and whose data
// is an [Entry]: what the tool has said, what the client has answered, that it has cancelled, and
// last how the task has ended, which the Store admits once. All of it is there before anybody is
// told: the first event before the client gets its handle.
//
// What a client is told is read from the log each time. So every process gives the same answer, and
// nothing is remembered anywhere else. It costs the Store three or four calls, one of which brings
// the whole log: Config.MaxEvents bounds it.
//
// What a client sends is an event too. The process that runs the tool follows the log, and so hears
// of it whichever process the client has talked to. A cancellation ends the tool's context; whether
// the tool heeds that is the tool's business, and a result that it returns all the same counts.
//
// # When the process that runs a task dies
//
// Each process has one session more, which it keeps from expiring: its lease (Config.Lease). A task
// names the one that it belongs to. Whoever looks at a task that has not ended looks there too, and
// when that session has gone, writes the end of the task: failed, with the reason. The clock of the
// Store decides, and not that of any process. A process that was cut off from the Store for so long
// learns of it when it comes back, and its tools are stopped ([ErrLost]); a result that comes too
// late changes nothing.
//
// # Which Store
//
// Several processes share tasks over contrib/redis. One process keeps them over a restart in
// contrib/pebble, and in memory with replay.Local. A Store in which a session belongs to one
// process at a time, as contrib/tiered, is for one process: others cannot cancel its tasks, nor
// tell whether it lives.
//
// Tasks count among the Store's sessions, and so does each process that has begun one: a Store that
// strangers reach bounds the sessions of a principal (MaxPerPrincipal). Of the readers of a session
// (MaxAttached), the tool takes one, and each request that asks for the task one for a moment.
//
// # TTL
//
// The extension's ttlMs counts from the task's creation. No task is gone before. See Config.TTL for
// how long after, and for what becomes of a tool that still works.
//
// # Status notifications
//
// A subscriptions/listen that names tasks gets notifications/tasks for those that are the
// principal's, 100 at most: the state at the beginning, and then each change, until all of them
// have ended; then the subscription ends, unless the SDK has more to say in it. What changes faster
// than it can be sent is sent once. Over transports other than HTTP there are none.
package tasks
