package interop

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/gosdk"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

const secret = "what only alice may read"

// victim is a Manager with sessions of alice's and one of mallory's, who attacks.
type victim struct {
	*shard.Manager
	alices, mallorys *shard.Session
	eventID          string // of an event of alice's that others follow
}

func newVictim(t testing.TB) *victim {
	t.Helper()
	v := &victim{Manager: newManager(t, shard.Config{})}
	v.alices, v.mallorys = create(t, v.Manager, "alices", "alice"), create(t, v.Manager, "mallorys", "mallory")
	v.eventID = add(t, v.alices, ring.Event{Data: []byte(secret)}).ID
	add(t, v.alices, ring.Event{Data: []byte(secret)})
	finished := create(t, v.Manager, "finished", "alice")
	add(t, finished, ring.Event{Data: []byte(secret)})
	finished.Finish()
	create(t, v.Manager, "ended", "alice").Terminate()
	create(t, v.Manager, "nobodys", "")
	fill(t, v.mallorys, 3)
	return v
}

// foreign are the sessions of which mallory must not learn that they exist.
var foreign = []string{"alices", "finished", "ended", "nobodys"}

// onEachStore runs a test with the Store that the Handler knows, and with one that it knows by its
// interface alone.
func onEachStore(t *testing.T, test func(t *testing.T, v *victim, store replay.Store)) {
	t.Run("Local", func(t *testing.T) { v := newVictim(t); test(t, v, replay.Local(v.Manager)) })
	t.Run(
		"another Store",
		func(t *testing.T) { v := newVictim(t); test(t, v, &recorder{Store: replay.Local(v.Manager)}) },
	)
}

func TestAForeignSessionIsAnsweredByteForByteLikeAnUnknownOne(t *testing.T) {
	onEachStore(t, func(t *testing.T, v *victim, store replay.Store) {
		h := &replay.Handler{Store: store, Principal: user, Exclusive: true}
		addr := listen(t, h, h.Close)
		before := v.alices.Info()
		for _, method := range []string{"GET", "DELETE"} {
			unknown := undated(raw(t, addr, request(method, "/?session=unknown", "mallory")))
			for _, session := range foreign {
				for _, id := range []string{"", v.eventID, "unknown"} {
					for _, principal := range []string{"mallory", "alic", "alicee", "Alice"} {
						answer := rawStream(
							t,
							addr,
							request(method, "/?session="+session, principal, "Last-Event-ID: "+id),
						)
						if undated(answer) != unknown {
							t.Errorf(
								"%s %s by %q after %q:\n%swant\n%s",
								method,
								session,
								principal,
								id,
								answer,
								unknown,
							)
						}
					}
				}
			}
		}
		wantUntouched(t, before, v.alices.Info())
	})
}

// wantUntouched checks that a session is as it was: an attack must not even keep it from expiring.
func wantUntouched(t *testing.T, before, after shard.Info) {
	t.Helper()
	// the same reading of the clock differs by nanoseconds as wall time
	active := after.LastActivity.Sub(before.LastActivity).Abs()
	if active > time.Millisecond || after.Attached != before.Attached || after.Status != before.Status ||
		after.Log != before.Log {
		t.Errorf("the attack left traces: %+v, before %+v", after, before)
	}
}

func TestAnotherSessionsEventIDIsAnsweredLikeAnUnknownOne(t *testing.T) {
	onEachStore(t, func(t *testing.T, v *victim, store replay.Store) {
		for _, policy := range []replay.GapPolicy{replay.GapError, replay.GapFromOldest} {
			h := &replay.Handler{Store: store, Principal: user, OnGap: policy}
			addr := listen(t, h, h.Close)
			made := strings.Repeat("x", len(v.eventID)) // an ID of the same length that never was
			answer := func(id string) string {
				text := rawStream(t, addr, request("GET", "/?session=mallorys", "mallory", "Last-Event-ID: "+id))
				return strings.ReplaceAll(undated(text), id, "ID")
			}
			if theirs, none := answer(v.eventID), answer(made); theirs != none {
				t.Errorf("alice's event:\n%s\nan unknown one:\n%s", theirs, none)
			}
		}
	})
}

func TestNoHandlerTouchesAForeignSession(t *testing.T) {
	v := newVictim(t)
	store := &recorder{Store: replay.Local(v.Manager)}
	h := &replay.Handler{Store: store, Principal: user}
	sdk := gosdk.Middleware(
		store,
		http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a refused request was passed on") }),
		gosdk.Options{Principal: user},
	)
	for name, handler := range map[string]http.Handler{"replay.Handler": h, "gosdk.Middleware": sdk} {
		addr := listen(t, handler, h.Close)
		for _, method := range []string{"GET", "DELETE"} {
			for _, session := range append([]string{"unknown", "no such\tID", strings.Repeat("x", 200)}, foreign...) {
				answer := rawStream(t, addr, request(method, "/?session="+url.QueryEscape(session), "mallory",
					"Mcp-Session-Id: "+session, "Last-Event-ID: "+v.eventID))
				if calls := store.taken(); status(answer) != 404 || !slices.Equal(calls, []string{"Info"}) {
					t.Errorf(
						"%s: %s %.20q: %d after the calls %q, want 404 after Info",
						name,
						method,
						session,
						status(answer),
						calls,
					)
				}
			}
		}
	}
}

func TestAForeignMCPSessionIsAnsweredByteForByteLikeAnUnknownOne(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	session, eventID := begin(t, b, "alice")
	requests := func(session string) map[string]string {
		header := []string{"Mcp-Session-Id: " + session, "Accept: text/event-stream"}
		return map[string]string{
			"a call":        post(session, "mallory", `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`),
			"a GET":         request("GET", "/mcp", "mallory", header...),
			"a resumption":  request("GET", "/mcp", "mallory", append(header, "Last-Event-ID: "+eventID)...),
			"a DELETE":      request("DELETE", "/mcp", "mallory", header...),
			"nobody's call": post(session, "", `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`),
		}
	}
	unknown := requests(gosdk.NewSessionID())
	for name, attack := range requests(session) {
		theirs, none := undated(rawStream(t, b.addr, attack)), undated(rawStream(t, b.addr, unknown[name]))
		if theirs != none || status(theirs) != 404 {
			t.Errorf("%s:\n%s\nto an unknown session:\n%s", name, theirs, none)
		}
	}
	if answer := raw(t, b.addr, post(session, "alice",
		`{"jsonrpc":"2.0","id":2,"method":"tools/list"}`)); !strings.Contains(
		answer,
		"test_reconnection",
	) {
		t.Errorf("alice can no longer use her session: %s", answer)
	}
}

func TestAnotherMCPSessionsEventIDYieldsNothing(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	_, theirs := begin(t, b, "alice")
	mine, _ := begin(t, b, "mallory")
	for _, id := range []string{theirs, strings.Repeat("A", 26) + "_0", "_-1", "_99999999999999999999",
		theirs + "\x80", "_"} {
		answer := rawStream(t, b.addr, request("GET", "/mcp", "mallory",
			"Mcp-Session-Id: "+mine, "Accept: text/event-stream", "Last-Event-ID: "+id))
		if code := status(answer); code != 400 || strings.Contains(answer, "interop") {
			t.Errorf("after %q:\n%s", id, answer)
		}
	}
}

// IDs are for nobody to guess: 122 random bits each, and no two alike.
func TestSessionIDsAreRandom(t *testing.T) {
	m := newManager(t, shard.Config{})
	ones := make([]int, 128)
	const n = 4000
	for range n {
		s, err := m.Create(shard.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		var high, low uint64
		if _, err := fmt.Sscanf(strings.ReplaceAll(s.ID(), "-", ""), "%16x%16x", &high, &low); err != nil {
			t.Fatal(err)
		}
		for i := range 64 {
			ones[i] += int(high >> i & 1)
			ones[64+i] += int(low >> i & 1)
		}
	}
	fixed := 0
	for i, k := range ones {
		if k == 0 || k == n {
			fixed++
		} else if k < n*2/5 || k > n*3/5 { // 12 standard deviations
			t.Errorf("bit %d is set in %d of %d", i, k, n)
		}
	}
	if fixed != 6 {
		t.Errorf("%d bits are the same in all IDs, want the 6 of a UUIDv4", fixed)
	}
}
