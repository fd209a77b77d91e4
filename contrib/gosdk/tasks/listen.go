package tasks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	methodListen       = "subscriptions/listen"
	notificationAck    = "notifications/subscriptions/acknowledged"
	notificationStatus = "notifications/tasks"
	// maxListen is how many tasks one subscription hears of. Others are left out of what is
	// acknowledged.
	maxListen = 100
)

// listen serves a subscription. One that names no tasks is the SDK's alone.
func (x *Extension) listen(w http.ResponseWriter, r *http.Request, next http.Handler) {
	m, ok := x.message(w, r)
	if !ok {
		return
	}
	ids, rest := splitTaskIDs(m.Params)
	if len(ids) == 0 {
		next.ServeHTTP(w, r)
		return
	}
	var meta mcp.ParamsBase
	if json.Unmarshal(m.Params, &meta) != nil || !declares(&meta) {
		writeError(w, m.ID, missing(Name))
		return
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": m.ID, "method": m.Method, "params": rest})
	if err != nil {
		http.Error(w, "malformed payload", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	r = r.WithContext(ctx)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	principal, _ := ctx.Value(principalKey{}).(string)
	s := &subscription{ResponseWriter: w, id: m.ID, cancel: cancel}
	s.follow = func() []string {
		agreed := x.agree(ctx, ids, principal)
		for _, id := range agreed {
			s.watchers.Go(func() { x.watch(ctx, id, principal, s.notify) })
		}
		return agreed
	}
	next.ServeHTTP(s, r)
	s.finish()
}

// splitTaskIDs takes the IDs out of a subscription's params.
func splitTaskIDs(raw json.RawMessage) (ids []string, rest map[string]json.RawMessage) {
	var wanted map[string]json.RawMessage
	if json.Unmarshal(raw, &rest) != nil || json.Unmarshal(rest["notifications"], &wanted) != nil ||
		json.Unmarshal(wanted["taskIds"], &ids) != nil {
		return nil, nil
	}
	delete(wanted, "taskIds")
	rest["notifications"], _ = json.Marshal(wanted) // of what was JSON
	slices.Sort(ids)
	return slices.Compact(ids), rest
}

// agree returns the tasks that there are for principal.
func (x *Extension) agree(ctx context.Context, ids []string, principal string) []string {
	agreed := []string{}
	for _, id := range ids {
		if len(agreed) == maxListen {
			break
		}
		if _, err := x.load(ctx, id, principal); err == nil {
			agreed = append(agreed, id)
		} else if !errors.Is(err, errUnknown) {
			x.cfg.Logger.WarnContext(ctx, "tasks: a subscription does without a task", "task", id, "error", err)
		}
	}
	return agreed
}
