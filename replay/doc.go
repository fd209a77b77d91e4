// Package replay is what a server does with stored events: it replays what a client missed, follows
// what comes, writes both in the server-sent-event format and serves them over HTTP.
//
// A [Reader] is one cursor over one session: replay is reading it until it has caught up, live is
// waiting for more. There is no second source that replay would have to be joined to, so the
// hand-over from one to the other can neither lose nor repeat an event.
//
// [Store] is where sessions live: [Local] serves those of a shard.Manager in this process.
// [Handler] is the HTTP side, and [Follow], [After], [Send] and [AppendSSE] are its parts for
// programs that bring their own transport.
//
// # Somebody's own handler
//
// [Handler.Accept] is what ServeHTTP itself begins with: it refuses what is to be refused and
// returns the reader's [Stream], in which events can be changed or left out on their way. [Status]
// says what an error of a Store is over HTTP, [Authorize] who may use a session, [SameOrigin] which
// requests foreign pages have made.
//
// # Event IDs
//
// Over HTTP an event ID comes back in a header, so that a ring takes no control characters in it,
// and none at either end. IDs that are not ASCII come back as they were from browsers, which send
// UTF-8, but mangled from several other clients, to which a header is Latin-1 or nothing else than
// ASCII: such a client meets 410 or 400 whenever it resumes. Use printable ASCII, as the IDs that
// are assigned do; ring.Config.StrictIDs refuses anything else.
//
// # What arrives in a browser
//
// The event-stream format is text: lines end in LF, so a CR or CRLF in the data arrives as LF, and
// a client decodes it as UTF-8, so that bytes which are not UTF-8 arrive as U+FFFD. Everything else
// arrives as stored, leading spaces, line ends and empty data included. Encode binary payloads, for
// instance as base64.
package replay
