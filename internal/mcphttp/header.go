// Package mcphttp is what stands in front of an MCP SDK's HTTP handler and is the same for each
// SDK.
package mcphttp

import (
	"net/http"
	"unicode/utf8"

	"strings"

	"github.com/reprise-go/reprise/ring"
)

// Headers of MCP's Streamable HTTP transport, in their canonical form.
const (
	SessionID       = "Mcp-Session-Id"
	ProtocolVersion = "Mcp-Protocol-Version"
	LastEventID     = "Last-Event-Id"
	Method          = "Mcp-Method" // since 2026-07-28
)

// Primed is the first protocol version whose clients expect an event without data. Older ones may
// take it for a malformed message.
const Primed = "2025-11-25"

// Stateless is the first protocol version without sessions.
const Stateless = "2026-07-28"

// LastOf returns r with one value for each of MCP's headers: the last one, where a proxy or a
// client has sent several. SDKs go by the first. An empty Last-Event-ID is none. r itself stays as
// it is.
func LastOf(r *http.Request) *http.Request {
	var changed *http.Request
	for _, name := range []string{SessionID, ProtocolVersion, LastEventID} {
		values := r.Header[name]
		empty := name == LastEventID && len(values) > 0 && values[len(values)-1] == ""
		if len(values) < 2 && !empty {
			continue
		}
		if changed == nil {
			changed = r.WithContext(r.Context())
			changed.Header = r.Header.Clone()
		}
		if empty {
			changed.Header.Del(name)
		} else {
			changed.Header[name] = values[len(values)-1:]
		}
	}
	if changed != nil {
		return changed
	}
	return r
}

// prime is the event that a resumed stream begins with: it repeats Last-Event-ID and has no data,
// as the one that SDKs begin a call's stream with. Without it a client that goes by what the
// current connection has told it, as the SDK for TypeScript up to 1.32.2 and the SDK for Go do,
// forgets its place when the connection breaks inside the first event.
func prime(r *http.Request) string {
	id := r.Header.Get(LastEventID)
	if r.Method != http.MethodGet || r.Header.Get(ProtocolVersion) < Primed || !echoable(id) {
		return ""
	}
	return "event: prime\nid: " + id + "\ndata: \n\n"
}

// echoable reports whether what a client sends as an event ID is one, and cannot add a line to a
// stream.
func echoable(id string) bool {
	return id != "" && len(id) <= ring.MaxIDBytes && !strings.ContainsAny(id, "\r\n\x00") && utf8.ValidString(id)
}
