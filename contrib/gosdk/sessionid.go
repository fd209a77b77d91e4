package gosdk

import "github.com/google/uuid"

// NewSessionID mints a session ID for mcp.ServerOptions.GetSessionID: a random UUID (version 4) in
// lower case. It only mints; the session comes into being with its first stream. It cannot fail,
// costs about a microsecond and is safe for concurrent use.
func NewSessionID() string { return uuid.NewString() }
