package mcpgo

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mark3labs/mcp-go/server"
	"github.com/reprise-go/reprise/shard"
)

// pair is our store beside the SDK's own. They agree as long as nothing is evicted and no purged
// session is stored to again.
type pair struct {
	ours, theirs server.EventStore
	rng          *rand.Rand
	sessions     []string
	issued       [][2]string // IDs that stand for the same event, of all sessions
}

func TestAnswersAreThoseOfTheSDKsOwnStore(t *testing.T) {
	for seed := range uint64(50) {
		p := &pair{
			ours:     newStore(t, shard.Config{}),
			theirs:   server.NewInMemoryEventStore(),
			rng:      rand.New(rand.NewPCG(seed, 3)),
			sessions: []string{"S0", "S1", "S2"},
			issued:   [][2]string{{"never", "never"}, {"", ""}},
		}
		for op := range 400 {
			switch kind := p.rng.IntN(100); {
			case kind < 2:
				p.purge(t, op)
			case kind < 60:
				p.store(t, op)
			default:
				p.replay(t)
			}
		}
	}
}

func (p *pair) session() string { return p.sessions[p.rng.IntN(len(p.sessions))] }

func (p *pair) store(t *testing.T, op int) {
	t.Helper()
	session, stream, message := p.session(), streams[p.rng.IntN(len(streams))], fmt.Sprintf(`{"op":%d}`, op)
	p.issued = append(p.issued, [2]string{
		mustStore(t, p.ours, session, stream, message), mustStore(t, p.theirs, session, stream, message),
	})
}

func (p *pair) purge(t *testing.T, op int) {
	t.Helper()
	i := p.rng.IntN(len(p.sessions))
	if a, b := p.ours.PurgeSession(t.Context(), p.sessions[i]), p.theirs.PurgeSession(t.Context(),
		p.sessions[i]); a != nil ||
		b != nil {
		t.Fatalf("PurgeSession: %v and %v", a, b)
	}
	for _, ids := range p.issued {
		p.compare(t, p.sessions[i], ids)
	}
	p.sessions[i] = fmt.Sprint("S", op, "'")
}

func (p *pair) replay(t *testing.T) {
	t.Helper()
	p.compare(t, p.session(), p.issued[p.rng.IntN(len(p.issued))])
}

func (p *pair) compare(t *testing.T, session string, ids [2]string) {
	t.Helper()
	got, gotErr := replayAfter(t.Context(), p.ours, session, ids[0])
	want, wantErr := replayAfter(t.Context(), p.theirs, session, ids[1])
	if (gotErr == nil) != (wantErr == nil) ||
		errors.Is(gotErr, server.ErrUnknownEventID) != errors.Is(wantErr, server.ErrUnknownEventID) {
		t.Fatalf("replay of %q after %q: %v, the SDK's says %v", session, ids, gotErr, wantErr)
	}
	if got.stream != want.stream || !slices.Equal(got.messages, want.messages) {
		t.Fatalf(
			"replay of %q after %q: %.20q %q, the SDK's says %.20q %q",
			session,
			ids,
			got.stream,
			got.messages,
			want.stream,
			want.messages,
		)
	}
	for i := range got.ids {
		if !slices.Contains(p.issued, [2]string{got.ids[i], want.ids[i]}) {
			t.Fatalf("event %d has the ID %q, the SDK's %q", i, got.ids[i], want.ids[i])
		}
	}
}
