package gosdk

import (
	"context"
	"net/http"
	"strings"

	"github.com/reprise-go/reprise/internal/mcphttp"
)

// An exchange is what an Endpoint and an EventStore tell each other about one request, past the
// SDK. It travels in the request's context. The SDK keeps the values of that context for as long as
// a session lasts; nothing of an exchange is used once the request has been served.
type exchange struct {
	endpoint   *Endpoint
	principal  string
	clientInfo map[string]any // of an initialize
	claims     []string       // what a new session claims at once
	listens    bool           // a listening GET that has been given its place

	opened func(session, stream string) // called when the request has opened a stream
	err    error                        // why it has not
}

// end lets go of what belongs to the request, for whose context the SDK may have a longer use.
func (x *exchange) end() { x.opened, x.clientInfo, x.claims = nil, nil, nil }

type exchangeKey struct{}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

// exchangeOf returns the exchange of the request that ctx belongs to; nil when it did not come
// through an Endpoint.
func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// streamOf returns the stream that a GET asks for, and whether that is the one of messages that
// answer nothing.
func streamOf(r *http.Request) (stream string, listens bool) {
	id := r.Header.Get(mcphttp.LastEventID)
	stream, _, _ = strings.Cut(id, "_")
	return stream, stream == ""
}

// streamKey is unambiguous: a session ID that a Store knows has no line break.
func streamKey(session, stream string) string { return session + "\n" + stream }
