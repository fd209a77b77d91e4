package gosdk

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestARequestUnderAReboundNameDoesNotReachItsSession(t *testing.T) {
	m := newManager(t, shard.Config{})
	if _, err := m.CreateWithID("S", shard.Metadata{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		local, host string
		want        int // when the session exists; the handler behind answers 299
	}{
		{"127.0.0.1:80", "rebound.test", 403},
		{"127.0.0.1:80", "rebound.test:80", 403},
		{"127.0.0.1:80", "localhost.rebound.test", 403},
		{"127.0.0.1:80", "", 403},
		{"[::1]:80", "rebound.test", 403},
		{"127.0.0.1:80", "localhost:80", 299},
		{"127.0.0.1:80", "127.0.0.2", 299},
		{"127.0.0.1:80", "[::1]:80", 299},
		{"[::1]:80", "[::1]", 299},
		{"192.0.2.1:80", "example.com", 299},
	} {
		h := &hooked{Store: replay.Local(m)}
		asked := 0
		h.info = func(ctx context.Context, id string) (shard.Info, error) {
			asked++
			return h.Store.Info(ctx, id)
		}
		local := addrOf(t, c.local)
		w := serve(h, Options{}, sentTo(local, c.host, "S"))
		if w.Code != c.want || (asked > 0) != (c.want == 299) {
			t.Errorf("%q at %s: %d, the store was asked %d times", c.host, c.local, w.Code, asked)
		}
		if unknown := serve(h, Options{}, sentTo(local, c.host, "unknown")); c.want == 403 &&
			(unknown.Code != 403 || unknown.Body.String() != w.Body.String()) {
			t.Errorf("%q at %s: an unknown session is answered with %d %q", c.host, c.local, unknown.Code, unknown.Body)
		}
		sdk := httptest.NewRecorder()
		mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return nil }, nil).
			ServeHTTP(sdk, sentTo(local, c.host, "S"))
		if refuses := sdk.Code == 403; refuses != (c.want == 403) || refuses && sdk.Body.String() != w.Body.String() {
			t.Errorf("%q at %s: the SDK answers %d %q", c.host, c.local, sdk.Code, sdk.Body)
		}
		if w := serve(h, Options{DisableLocalhostProtection: true}, sentTo(local, c.host, "S")); w.Code != 299 {
			t.Errorf("%q at %s without protection: %d", c.host, c.local, w.Code)
		}
	}
}

// sentTo is a request for a session that arrived at a server's address under a name.
func sentTo(local net.Addr, host, session string) *http.Request {
	r := request(session, "")
	r.Host = host
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
}

func addrOf(t *testing.T, addr string) net.Addr {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return tcp
}
