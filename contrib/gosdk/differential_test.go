package gosdk

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// TestAnswersAreThoseOfTheSDKsOwnStore holds both stores against each other where they agree:
// streams are opened before use, nothing is evicted, and closed sessions do not come back.
func TestAnswersAreThoseOfTheSDKsOwnStore(t *testing.T) {
	for seed := range uint64(30) {
		ours, theirs := newStore(t, shard.Config{}), mcp.NewMemoryEventStore(nil)
		compareStores(t, rand.New(rand.NewPCG(seed, 2)), ours, theirs)
	}
}

func compareStores(t *testing.T, rng *rand.Rand, ours, theirs mcp.EventStore) {
	t.Helper()
	ctx := t.Context()
	both := func(what string, call func(mcp.EventStore) error) {
		t.Helper()
		if a, b := call(ours), call(theirs); (a == nil) != (b == nil) {
			t.Fatalf("%s: %v, the SDK's says %v", what, a, b)
		}
	}
	sessions, streams := []string{"S0", "S1"}, []string{"", "a", "b_1"}
	opened := map[string]bool{}
	for op := range 500 {
		k := rng.IntN(len(sessions))
		session, stream := sessions[k], streams[rng.IntN(len(streams))]
		key := session + " " + stream
		switch kind := rng.IntN(100); {
		case kind == 0:
			both("SessionClosed", func(s mcp.EventStore) error { return s.SessionClosed(ctx, session) })
			compareAfter(t, ours, theirs, session, stream, -1)
			sessions[k] = fmt.Sprint("S", len(opened), ".", op)
		case !opened[key] && kind < 30 || kind < 5:
			both("Open", func(s mcp.EventStore) error { return s.Open(ctx, session, stream) })
			opened[key] = true
		case opened[key] && kind < 70:
			d := []([]byte){nil, {}, fmt.Appendf(nil, "event %d", op)}[rng.IntN(3)]
			both("Append", func(s mcp.EventStore) error { return s.Append(ctx, session, stream, d) })
		default:
			compareAfter(t, ours, theirs, session, stream, rng.IntN(40)-1)
		}
	}
}

func compareAfter(t *testing.T, ours, theirs mcp.EventStore, session, stream string, index int) {
	t.Helper()
	got, gotErr := after(t.Context(), ours, session, stream, index)
	want, wantErr := after(t.Context(), theirs, session, stream, index)
	if errors.Is(gotErr, ring.ErrUnknownID) && wantErr == nil && len(want) == 0 {
		return // an index from the future, of which the SDK's store says nothing
	}
	if !slices.Equal(got, want) || (gotErr == nil) != (wantErr == nil) {
		t.Fatalf(
			"After(%q, %q, %d) = %q, %v; the SDK's store says %q, %v",
			session,
			stream,
			index,
			got,
			gotErr,
			want,
			wantErr,
		)
	}
}
