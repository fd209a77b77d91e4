package gosdk

import (
	"cmp"
	"log/slog"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
)

// Options are what [Middleware] does beyond attaching sessions. The zero value is ready for use.
type Options struct {
	// Principal tells who makes a request; "" is nobody in particular. A session belongs to the
	// principal of the request that began it, and a request of anybody else is answered as if there
	// were no such session. Default: nobody is told from anybody.
	Principal func(*http.Request) string

	// Retry is how long a client is told to wait before it comes back after a broken connection, in
	// whole milliseconds. The SDK's client waits one to two seconds unless told. Default: nothing
	// is told.
	Retry time.Duration

	// KeepAlive is how long an event stream may be silent before a comment is sent; 0 means 15 s,
	// negative for ever. Proxies cut silent connections after a minute or so, and clients give up
	// after some cuts.
	KeepAlive time.Duration

	// WriteTimeout is how long 64 KiB of an event stream may take to be written, whatever
	// http.Server.WriteTimeout says; 0 means 10 s, negative for ever. The SDK writes an event at a
	// time while the tool that sends it waits: of a client that reads nothing, the connection ends
	// then, the tool goes on, and the client finds the rest when it comes back. One that reads
	// steadily gets everything, however slowly. A ResponseWriter without write deadlines is served
	// without.
	WriteTimeout time.Duration

	// UniqueRequestIDs refuses a JSON-RPC request whose ID the session has used before, so that a
	// repeated POST does nothing twice. It takes a Store that is a replay.Claimer, of which each ID
	// is a claim: shard.Config.MaxClaims bounds the requests of a session.
	UniqueRequestIDs bool

	// MaxRequestBodyBytes and DisableLocalhostProtection are to be what mcp.StreamableHTTPOptions
	// has under these names. A larger body is answered with 413. Unless it is disabled, a request
	// that arrives at a loopback address with a Host that is none is answered with 403, as the SDK
	// does, before its session is looked at.
	MaxRequestBodyBytes        int64
	DisableLocalhostProtection bool

	// Logger is told of failing Stores (Error). Default: silent.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Principal == nil {
		o.Principal = func(*http.Request) string { return "" }
	}
	o.KeepAlive = cmp.Or(o.KeepAlive, replay.DefaultKeepAlive)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, replay.DefaultWriteTimeout)
	o.MaxRequestBodyBytes = cmp.Or(o.MaxRequestBodyBytes, mcp.DefaultMaxRequestBodyBytes)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
