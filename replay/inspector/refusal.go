package inspector

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/reprise-go/reprise/shard"
)

// A refusal is an answer other than what was asked for.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, text string) error { return &refusal{status, text} }

// refusalOf says how an error of the Manager is answered.
func refusalOf(err error) *refusal {
	var re *refusal
	switch {
	case errors.As(err, &re):
		return re
	case errors.Is(err, shard.ErrNotFound):
		return &refusal{http.StatusNotFound, "session not found"}
	case errors.Is(err, shard.ErrClosed):
		return &refusal{http.StatusServiceUnavailable, "closed"}
	}
	return &refusal{http.StatusInternalServerError, "internal error"}
}

func writeJSON(w http.ResponseWriter, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(data)
	return nil
}
