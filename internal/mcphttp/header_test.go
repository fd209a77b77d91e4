package mcphttp

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/ring"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func TestOfAHeaderThatComesTwiceTheLastOneCounts(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header[SessionID] = []string{"first", "last"}
	r.Header[LastEventID] = []string{"1", ""} // an empty one is none
	r.Header["X-Other"] = []string{"a", "b"}
	got := LastOf(r)
	if id := got.Header[SessionID]; len(id) != 1 || id[0] != "last" {
		t.Errorf("the session is %q", id)
	}
	if _, there := got.Header[LastEventID]; there {
		t.Errorf("the last event is %q", got.Header[LastEventID])
	}
	if len(got.Header["X-Other"]) != 2 {
		t.Errorf("another header is %q", got.Header["X-Other"])
	}
	if len(r.Header[SessionID]) != 2 || len(r.Header[LastEventID]) != 2 {
		t.Errorf("the request itself has changed: %v", r.Header)
	}
	r.Header.Del(LastEventID)
	r.Header.Set(SessionID, "one")
	if LastOf(r) != r {
		t.Error("a request with one of each is copied")
	}
}

func TestAResumedStreamIsPrimed(t *testing.T) {
	longest := strings.Repeat("x", ring.MaxIDBytes)
	for _, c := range []struct {
		method, version, id, want string
	}{
		{"GET", "2025-11-25", "7", "event: prime\nid: 7\ndata: \n\n"},
		{"GET", "2025-11-25", longest, "event: prime\nid: " + longest + "\ndata: \n\n"},
		{"GET", "2025-06-18", "7", ""}, // takes it for a malformed message
		{"GET", "", "7", ""},
		{"POST", "2025-11-25", "7", ""},
		{"GET", "2025-11-25", "", ""},
		{"GET", "2025-11-25", longest + "x", ""},
		{"GET", "2025-11-25", "a\nb", ""},
		{"GET", "2025-11-25", "a\x00b", ""},
		{"GET", "2025-11-25", "\xff", ""},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		r.Header[ProtocolVersion], r.Header[LastEventID] = []string{c.version}, []string{c.id}
		if got := prime(r); got != c.want {
			t.Errorf("%s of %s after %.20q begins with %q, want %q", c.method, c.version, c.id, got, c.want)
		}
	}
}
