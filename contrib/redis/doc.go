// Package redis is a [replay.Store] on Redis or Valkey, version 7 or newer, a single server or a
// cluster: any process that uses the same servers and the same [Config] can append to a session,
// replay it and follow it.
//
// Each session is a Redis stream and three small keys beside it, all in one slot. One Lua script is
// one operation, so that each is atomic. Followers learn of events through sharded pub/sub and read
// them from the stream, so that a notification that is lost delays an event and never loses it.
package redis
