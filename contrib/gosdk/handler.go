package gosdk

import (
	"encoding/json"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/jsonrpc"
	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/replay"
)

// HandlerOptions are what [Handler] may be told. The zero value is ready for use.
type HandlerOptions struct {
	Options        // of the Middleware for clients with sessions
	Events  Config // of their EventStore

	// SDK are options of the SDK's handlers. EventStore, Stateless, MaxRequestBodyBytes and
	// DisableLocalhostProtection are set by Handler: the last two as in Options.
	SDK mcp.StreamableHTTPOptions

	// Modern serves the clients without sessions, of 2026-07-28 and later. It is where extensions
	// of that protocol are mounted, such as package tasks: another server with other tools, or one
	// behind a handler that looks at requests first. Default: the SDK's stateless handler for the
	// same server.
	Modern http.Handler
}

// Handler serves clients of both eras of MCP at one URL: those up to 2025-11-25 with sessions and
// resumption, from an [EventStore] over store, and those of 2026-07-28 and later statelessly.
// Errors are those of [NewWith].
//
// A request belongs to the later era when its Mcp-Protocol-Version says so. A POST with neither
// that header nor a session also does when it carries a version in its _meta, for which the SDK
// then asks the header.
//
// The servers that server returns should mint session IDs with [NewSessionID]
// (mcp.ServerOptions.GetSessionID), and the Store tell of sessions' ends ([CloseEnded]).
// [Endpoint.Close] ends subscriptions of later clients as it ends listening streams.
func Handler(store replay.Store, server func(*http.Request) *mcp.Server, opts HandlerOptions) (*Endpoint, error) {
	events, err := NewWith(store, opts.Events)
	if err != nil {
		return nil, err
	}
	opts.Options = opts.Options.withDefaults()
	sdk := opts.SDK
	sdk.MaxRequestBodyBytes, sdk.DisableLocalhostProtection = opts.MaxRequestBodyBytes, opts.DisableLocalhostProtection
	sdk.EventStore, sdk.Stateless = nil, true
	modern := opts.Modern
	if modern == nil {
		modern = mcp.NewStreamableHTTPHandler(server, &sdk)
	}
	sdk.EventStore, sdk.Stateless = events, false
	e := Middleware(store, mcp.NewStreamableHTTPHandler(server, &sdk), opts.Options)
	e.modern = modern
	return e, nil
}

// isModern reports whether a request is of a protocol without sessions.
func (e *Endpoint) isModern(w http.ResponseWriter, r *http.Request) (bool, error) {
	version := r.Header.Get(mcphttp.ProtocolVersion)
	switch {
	case e.modern == nil:
		return false, nil
	case version != "":
		return version >= mcphttp.Stateless, nil
	case r.Method != http.MethodPost || r.Body == nil || r.Header.Get(mcphttp.SessionID) != "":
		return false, nil
	}
	messages, err := readMessages(w, r, e.opts.MaxRequestBodyBytes)
	if err != nil {
		return false, err
	}
	for _, m := range messages {
		if hasVersion(m) {
			return true, nil
		}
	}
	return false, nil
}

// hasVersion reports whether a message carries a protocol version of its own.
func hasVersion(m jsonrpc.Message) bool {
	var params struct {
		Meta map[string]json.RawMessage `json:"_meta"`
	}
	if len(m.Params) == 0 || json.Unmarshal(m.Params, &params) != nil {
		return false
	}
	_, has := params.Meta[mcp.MetaKeyProtocolVersion]
	return has
}
