package interop

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// How long a refusal takes must not depend on what is being asked for: whether the session exists,
// how much is in it, whether the event is one of its own, how much of the principal is right. The
// paths are the same (TestNoHandlerTouchesAForeignSession); this measures them side by side,
// without a network between, and would see a scan, a replay or a lock. What remains, such as a hit
// instead of a miss in a hash table, is tens of nanoseconds; against finding session IDs by that
// stand their 122 random bits.
func TestARefusalTakesTheSameTimeWhateverIsAskedFor(t *testing.T) {
	m := newManager(t, shard.Config{Ring: ring.Config{MaxEvents: 100_000}})
	create(t, m, "empty", "alice")
	full := create(t, m, "full", "alice")
	events := fill(t, full, 100_000)
	h := &replay.Handler{Store: replay.Local(m), Principal: user}
	attacks := []*http.Request{
		attack("unknown", "mallory", ""),
		attack(strings.Repeat("unknown", 18), "mallory", events[0].ID),
		attack("empty", "mallory", ""),
		attack("full", "mallory", ""),
		attack("full", "mallory", events[0].ID),
		attack("full", "mallory", "no event"),
		attack("full", "alicf", events[0].ID),
		attack("full", "", events[0].ID),
	}
	const rounds, batch = 300, 20
	took := make([][]time.Duration, len(attacks))
	for range rounds { // in turns: what else the machine does falls on all alike
		for i, r := range attacks {
			began := time.Now()
			for range batch {
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != http.StatusNotFound {
					t.Fatalf("attack %d: status %d", i, w.Code)
				}
			}
			took[i] = append(took[i], time.Since(began)/batch)
		}
	}
	medians := make([]time.Duration, len(attacks))
	for i := range took {
		slices.Sort(took[i])
		medians[i] = took[i][rounds/2]
	}
	if slowest, fastest := slices.Max(medians), slices.Min(medians); slowest > 2*fastest {
		t.Errorf("medians %v", medians)
	}
}

func attack(session, principal, lastEventID string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Mcp-Session-Id", session)
	r.Header.Set("X-User", principal)
	r.Header.Set("Last-Event-ID", lastEventID)
	return r
}
