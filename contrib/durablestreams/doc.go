// Package durablestreams serves the Durable Streams protocol over any [replay.Store] that is a
// [replay.Creator] and a [replay.Batcher]: streams of bytes or of JSON messages that have a URL,
// are appended to by POST, and are read from any offset by GET, once, by long-poll or as
// server-sent events.
//
// The protocol is that of PROTOCOL.md 1.0 (draft) in the public repository
// durable-streams/durable-streams. Its reserved subscription APIs below __ds are answered with 501.
//
// A stream of the protocol is a session here; its messages are events of the session's default
// stream, each with an offset for its ID. What the protocol asks a server to remember beside the
// data (the state of idempotent producers, Stream-Seq, closure, forks) goes into the same log, as
// records of a stream of their own, in the same batch as the data that they belong to. So data and
// state are stored together or not at all, and survive what the Store survives. Package comments in
// state.go say how.
package durablestreams
