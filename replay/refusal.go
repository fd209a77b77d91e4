package replay

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/reprise-go/reprise/internal/sse"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A refusal is an answer other than a stream. Its text is one of ours, never the client's or the
// Store's.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, text string) error { return &refusal{status, text} }

// answer writes the refusal that err stands for.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	re := refusalOf(err)
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if re.status == http.StatusNotFound && h.NotFoundStatus == http.StatusNoContent && reads {
		re = &refusal{status: http.StatusNoContent}
	}
	h.counters.countAnswer(re.status)
	again := orDefault(h.Retry, DefaultRetry)
	switch {
	case re.status == http.StatusTooManyRequests:
		h.log(r.Context(), slog.LevelDebug, "replay: limit reached", err)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int((again+time.Second-1)/time.Second))))
	case re.status >= 500 && err != errHandlerClosed && r.Context().Err() == nil:
		h.log(r.Context(), slog.LevelError, "replay: request failed", err)
	}
	if h.RetryOnError && reads && (re.status == http.StatusServiceUnavailable ||
		re.status == http.StatusTooManyRequests) {
		sse.SetHeader(w.Header())
		if r.Method == http.MethodGet {
			w.Write(sse.AppendRetry([]byte(sse.Comment), again, h.RetryMax))
		}
		return
	}
	w.Header().Set("Cache-Control", "no-store") // 404, 405 and 410 may be cached otherwise
	if re.status == http.StatusNoContent {
		w.WriteHeader(re.status)
		return
	}
	http.Error(w, re.text, re.status)
}

// Status returns the HTTP status that a [Handler] gives for an error of a Store, for a handler of
// one's own: 404, 410, 204 (shard.ErrFinished), 429 for a limit, and 503 for any other.
func Status(err error) int { return refusalOf(err).status }

// refusalOf maps what a Store or Reader answers to HTTP. What must not be told apart gets the same
// refusal.
func refusalOf(err error) *refusal {
	var re *refusal
	switch {
	case errors.As(err, &re):
		return re
	case errors.Is(err, shard.ErrNotFound), errors.Is(err, shard.ErrPrincipal), errors.Is(err, shard.ErrInvalidID):
		return &refusal{http.StatusNotFound, "session not found"}
	case errors.Is(err, ring.ErrEvicted):
		return &refusal{http.StatusGone, "events after Last-Event-ID are no longer retained"}
	case errors.Is(err, ring.ErrUnknownID):
		return &refusal{http.StatusGone, "Last-Event-ID is not a retained event of this session"}
	case errors.Is(err, shard.ErrFinished):
		return &refusal{http.StatusNoContent, ""}
	case errors.Is(err, shard.ErrAttachLimit):
		return &refusal{http.StatusTooManyRequests, "too many readers of this session"}
	case errors.Is(err, shard.ErrSessionLimit), errors.Is(err, shard.ErrOverBudget),
		errors.Is(err, shard.ErrClaimLimit):
		return &refusal{http.StatusTooManyRequests, "a limit has been reached"}
	}
	return &refusal{http.StatusServiceUnavailable, "session store unavailable"}
}
