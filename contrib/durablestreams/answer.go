package durablestreams

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A refusal is an answer that is no success. Its text is one of ours, never the client's or the
// Store's.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, text string) error { return &refusal{status, text} }

var (
	errNotFound    = refuse(http.StatusNotFound, "stream not found")
	errSoftDeleted = refuse(http.StatusGone, "the stream was deleted and lives on in its forks")
	errTooLarge    = refuse(http.StatusRequestEntityTooLarge, "more than a stream may retain")
	errClosing     = refuse(http.StatusServiceUnavailable, "the server is closing")
	errUnavailable = &refusal{http.StatusServiceUnavailable, "stream store unavailable"}
)

// answer writes the refusal that err stands for.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, err error) {
	re := refusalOf(err)
	if re == errUnavailable && h.Logger != nil && r.Context().Err() == nil {
		h.Logger.LogAttrs(r.Context(), slog.LevelError, "durablestreams: request failed", slog.Any("error", err))
	}
	if re.status == http.StatusTooManyRequests || re.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, re.text, re.status)
}

func refusalOf(err error) *refusal {
	var re *refusal
	switch {
	case errors.As(err, &re):
		return re
	case errors.Is(err, shard.ErrNotFound), errors.Is(err, shard.ErrInvalidID):
		return &refusal{http.StatusNotFound, "stream not found"}
	case errors.Is(err, ring.ErrEventTooLarge), errors.Is(err, shard.ErrMetadataTooLarge):
		return &refusal{http.StatusRequestEntityTooLarge, "more than a stream may retain"}
	case errors.Is(err, shard.ErrSessionLimit),
		errors.Is(err, shard.ErrAttachLimit),
		errors.Is(err, shard.ErrOverBudget):
		return &refusal{http.StatusTooManyRequests, "a limit of the server is reached"}
	}
	return errUnavailable
}

// sessionID names the session for a path.
func (h *Handler) sessionID(r *http.Request, path string) string {
	if h.SessionID != nil {
		return h.SessionID(r, path)
	}
	return SessionID(path)
}

// SessionID is the default of Handler.SessionID: the path itself where that can be a session ID (1
// to 128 bytes of 0x21 to 0x7E), else "sha256:" and the hash of it.
func SessionID(path string) string {
	fits := len(path) > 0 && len(path) <= 128
	for i := 0; fits && i < len(path); i++ {
		fits = path[i] >= 0x21 && path[i] <= 0x7e
	}
	if fits {
		return path
	}
	sum := sha256.Sum256([]byte(path))
	return "sha256:" + base64.RawURLEncoding.EncodeToString(sum[:])
}
