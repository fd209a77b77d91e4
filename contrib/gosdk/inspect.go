package gosdk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/reprise-go/reprise/internal/jsonrpc"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

const (
	methodInitialize = "initialize"

	claimInitialize = "mcp initialize"
	claimRequest    = "mcp request "
	maxClaim        = 200 // bytes of a request ID that are claimed as they are

	maxClientInfo = 4 << 10 // bytes of JSON
	maxName       = 256     // bytes of one of its names, if it has more
)

// inspect looks at what a POST carries before the SDK does. What is no JSON-RPC is the SDK's to
// refuse.
func (e *Endpoint) inspect(w http.ResponseWriter, r *http.Request, x *exchange, id string) error {
	if r.Method != http.MethodPost || r.Body == nil {
		return nil
	}
	messages, err := readMessages(w, r, e.opts.MaxRequestBodyBytes)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if !m.IsRequest() {
			continue
		}
		var claims []string
		if m.Method == methodInitialize {
			claims = append(claims, claimInitialize)
			x.clientInfo = clientInfo(m.Params)
		}
		if e.opts.UniqueRequestIDs {
			claims = append(claims, claimOf(m.ID))
		}
		if id == "" {
			x.claims = append(x.claims, claims...) // for the session that this request begins
			continue
		}
		for _, key := range claims {
			if err := e.claim(r.Context(), id, key, m.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// readMessages reads the body, puts it back and returns its messages.
func readMessages(w http.ResponseWriter, r *http.Request, limit int64) ([]jsonrpc.Message, error) {
	if limit > 0 {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
	}
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, fmt.Errorf("%w: over %d bytes", errTooLarge, tooLarge.Limit)
	}
	rest := io.Reader(bytes.NewReader(body))
	if err != nil {
		rest = io.MultiReader(rest, broken{err}) // for the SDK to answer
	}
	r.Body = io.NopCloser(rest)
	messages, _ := jsonrpc.Parse(body)
	return messages, nil
}

// broken is a Reader that fails.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

// claim claims a key for a request of a session that has begun. A session that an EventStore has
// begun has been initialized, whether or not its Store keeps claims.
func (e *Endpoint) claim(ctx context.Context, id, key string, request json.RawMessage) error {
	err := replay.Claim(ctx, e.store, id, key)
	if errors.Is(err, replay.ErrUnsupported) && key == claimInitialize {
		for _, es := range e.known() {
			if es.get(id) != nil {
				err = shard.ErrClaimed
			}
		}
		if !errors.Is(err, shard.ErrClaimed) {
			return nil
		}
	}
	switch {
	case !errors.Is(err, shard.ErrClaimed):
		return err
	case key == claimInitialize:
		return &protocolError{request, "the session has been initialized before"}
	}
	return &protocolError{request, "the session has had a request with this ID before"}
}

// claimOf is the key that stands for a request ID.
func claimOf(id json.RawMessage) string {
	key := jsonrpc.Key(id)
	if len(key) > maxClaim {
		sum := sha256.Sum256([]byte(key))
		key = "sha256 " + hex.EncodeToString(sum[:])
	}
	return claimRequest + key
}

// clientInfo is what an initialize says of its client. A client may send icons of any size in it:
// of more than maxClientInfo bytes, what is text and short remains.
func clientInfo(params json.RawMessage) map[string]any {
	var p struct {
		ClientInfo json.RawMessage `json:"clientInfo"`
	}
	var info map[string]any
	if json.Unmarshal(params, &p) != nil || json.Unmarshal(p.ClientInfo, &info) != nil {
		return nil
	}
	if len(p.ClientInfo) <= maxClientInfo {
		return info
	}
	short := map[string]any{}
	for _, name := range []string{"name", "title", "version", "websiteUrl"} {
		if text, ok := info[name].(string); ok && len(text) <= maxName {
			short[name] = text
		}
	}
	return short
}
