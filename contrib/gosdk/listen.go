package gosdk

import (
	"context"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/jsonrpc"
)

// listen returns the index after which a listening request without a place of its own begins; false
// where the session is not known here, or has counted nothing. That is the newest event's. A
// session's first listener gets what has waited for it, a request of the server's perhaps, if all
// of that is retained.
func (es *EventStore) listen(ctx context.Context, sessionID string) (uint64, bool) {
	s := es.get(sessionID)
	if s == nil {
		return 0, false
	}
	stream := es.hash("")
	next, err := s.next(stream)
	if err != nil || next == 0 {
		return 0, false
	}
	if first := s.hear(); first && s.first == 1 && next > 1 && len(s.lostOf(stream)) == 0 {
		if _, err := es.collect(ctx, sessionID, "", 0); err == nil {
			return 0, true
		}
	}
	return next - 1, true
}

// collectFor is collect for a request. A listening one that was given its place opens in any case:
// what has been dropped since is stood for.
func (es *EventStore) collectFor(ctx context.Context, sessionID, streamID string, index int) ([][]byte, error) {
	data, err := es.collect(ctx, sessionID, streamID, index)
	x := exchangeOf(ctx)
	if !errors.Is(err, mcp.ErrEventsPurged) || x == nil || !x.listens {
		return data, err
	}
	s := es.get(sessionID)
	if s == nil {
		return nil, err
	}
	next, nextErr := s.next(es.hash(streamID))
	if nextErr != nil {
		return nil, nextErr
	}
	for range next - uint64(index+1) {
		data = append(data, jsonrpc.Lost([]byte("{}"), "it was dropped before the stream was opened"))
	}
	return data, nil
}
