package mcpstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestReasonsSayWhatIsTheClientsBusinessAndNothingElse(t *testing.T) {
	for err, want := range map[error]string{
		ring.ErrEventTooLarge:           "larger",
		shard.ErrOverBudget:             "memory",
		errors.New("no such host: db7"): "could not keep it",
	} {
		got := Reason(fmt.Errorf("10.0.0.1: %w", err))
		if !strings.Contains(got, want) || strings.Contains(got, "10.0.0.1") || strings.Contains(got, "db7") {
			t.Errorf("%v: %q", err, got)
		}
	}
}
