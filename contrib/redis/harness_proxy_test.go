package redis_test

import "bytes"

// notifications tells what carries some of Redis's pub/sub: for clients that have a connection for
// nothing else.
func notifications(chunk []byte) bool { return bytes.Contains(chunk, []byte("smessage")) }
