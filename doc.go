// Package reprise is the root of a library for resumable event streams: a server keeps a session
// for each client and appends events to it, and a client whose connection broke gets every event
// that it missed, once and in order, and then goes on live.
//
// The package itself is empty. Start with one of these:
//
//   - package shard, whose Manager creates, finds, limits and expires the sessions of a process;
//   - package replay, whose Handler serves them over HTTP as server-sent events, and whose Store
//     is the interface for sessions that live elsewhere;
//   - package replay/inspector, pages that show an operator what the sessions do;
//   - package ring, the log of a single session, for use without the rest.
//
// Adapters are modules of their own, so that nobody pulls in what they do not use: contrib/gosdk
// and contrib/mcpgo for MCP servers, contrib/pebble, contrib/redis and contrib/tiered for sessions
// that outlive a process, contrib/prometheus and contrib/otel for metrics. contrib/examples has
// programs to start from, and the README a first one.
package reprise
