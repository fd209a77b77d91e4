package replay

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// A refusal is an answer other than a stream. Its text is one of ours, never the client's or the Store's.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, text string) error { return &refusal{status, text} }

// answer writes the refusal that err stands for.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, err error) {
	re := refusalOf(err)
	h.counters.countAnswer(re.status)
	if re.status >= 500 && err != errHandlerClosed && r.Context().Err() == nil {
		h.log(r.Context(), slog.LevelError, "replay: request failed", err)
	}
	if re.status == http.StatusServiceUnavailable && h.RetryOnError && r.Method == http.MethodGet {
		setStreamHeader(w.Header())
		w.Write(appendRetry([]byte(comment), orDefault(h.Retry, DefaultRetry)))
		return
	}
	w.Header().Set("Cache-Control", "no-store") // 404, 405 and 410 may be cached otherwise
	if re.status == http.StatusNoContent {
		w.WriteHeader(re.status)
		return
	}
	http.Error(w, re.text, re.status)
}

// refusalOf maps what a Store or Reader answers to HTTP. What must not be told apart gets the same refusal.
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
	}
	return &refusal{http.StatusServiceUnavailable, "session store unavailable"}
}
