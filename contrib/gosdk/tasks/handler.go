package tasks

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	internal "github.com/reprise-go/reprise/internal/jsonrpc"
	"github.com/reprise-go/reprise/internal/mcphttp"
)

const (
	headerName = "Mcp-Name"
	// maxIDHeader is more than any task's ID has, encoded.
	maxIDHeader = 1 << 10
)

// Handler stands in front of the SDK's stateless handler, next. It tells the rest of the extension
// in whose name a request comes, checks that Mcp-Name is the task's ID, and serves the status
// notifications of subscriptions/listen: it adds them to the SDK's stream. For servers of both eras
// it goes into gosdk.HandlerOptions.Modern.
func (x *Extension) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), principalKey{}, x.cfg.Principal(r)))
		if r.Method == http.MethodPost && r.Body != nil {
			switch r.Header.Get(mcphttp.Method) { // the SDK refuses one that does not fit the body
			case methodGet, methodUpdate, methodCancel:
				if !x.checkName(w, r) {
					return
				}
			case methodListen:
				x.listen(w, r, next)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// checkName answers a request whose Mcp-Name is not its task's ID, and reports whether it is.
func (x *Extension) checkName(w http.ResponseWriter, r *http.Request) bool {
	m, ok := x.message(w, r)
	if !ok {
		return false
	}
	var p struct {
		TaskID string `json:"taskId"`
	}
	if json.Unmarshal(m.Params, &p) != nil {
		return true // for the SDK to refuse
	}
	name, ok := decodeHeader(r.Header.Get(headerName))
	if ok && name == p.TaskID {
		return true
	}
	text := "header mismatch: Mcp-Name is not params.taskId"
	if r.Header.Get(headerName) == "" {
		text = fmt.Sprintf("missing required Mcp-Name header for method %q", m.Method)
	}
	writeError(w, m.ID, &jsonrpc.Error{Code: mcp.CodeHeaderMismatch, Message: text})
	return false
}

// decodeHeader decodes a header's value as MCP encodes those that are no plain text.
func decodeHeader(value string) (string, bool) {
	const prefix, suffix = "=?base64?", "?="
	if len(value) < len(prefix+suffix) || len(value) > maxIDHeader || !strings.HasPrefix(value, prefix) ||
		!strings.HasSuffix(value, suffix) {
		return value, true
	}
	encoded := value[len(prefix) : len(value)-len(suffix)]
	data, err := base64.StdEncoding.DecodeString(encoded)
	return string(data), err == nil
}

// message reads the body, puts it back and returns the message in it. It has answered when it
// reports false. What is no message is the SDK's to refuse.
func (x *Extension) message(w http.ResponseWriter, r *http.Request) (m internal.Message, ok bool) {
	if x.cfg.MaxRequestBodyBytes >= 0 {
		r.Body = http.MaxBytesReader(w, r.Body, x.cfg.MaxRequestBodyBytes)
	}
	body, err := io.ReadAll(r.Body)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		http.Error(w, "request body too large", http.StatusRequestEntityTooLarge)
		return m, false
	case err != nil:
		http.Error(w, "failed to read body", http.StatusBadRequest)
		return m, false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if messages, parsed := internal.Parse(body); parsed && len(messages) == 1 {
		m = messages[0]
	}
	return m, true
}

// writeError answers a request with an error, by HTTP status 400.
func writeError(w http.ResponseWriter, id json.RawMessage, failure error) {
	if len(id) == 0 {
		id = json.RawMessage("null")
	}
	data, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "error": failure})
	if err != nil {
		http.Error(w, failure.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	w.Write(data)
}
