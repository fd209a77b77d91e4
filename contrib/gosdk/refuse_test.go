package gosdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/mcphttp"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func TestASessionThatCannotBeginSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		cfg    shard.Config
		status int
		says   string
	}{
		"a limit on sessions":   {shard.Config{MaxSessions: 1}, 429, "too many sessions"},
		"a limit on principals": {shard.Config{MaxPerPrincipal: 1}, 429, "too many sessions"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, c.cfg, mcp.StreamableHTTPOptions{}, nil)
			begin(t, b, "alice")
			resp := post(t, b.url, "2025-11-25", "", "alice", initialize)
			if text := body(t, resp); resp.StatusCode != c.status || resp.Header.Get("Retry-After") == "" ||
				!strings.Contains(text, c.says) {
				t.Errorf("%d, Retry-After %q: %s", resp.StatusCode, resp.Header.Get("Retry-After"), text)
			}
			if n := b.endpoint.Stats().Refused[c.status]; n != 1 {
				t.Errorf("%d counted", n)
			}
		})
	}
	t.Run("a failing Store", func(t *testing.T) {
		b := newBackendOn(t, func(h *hooked) {
			h.create = func(context.Context, string, shard.Metadata) (string, error) {
				return "", errors.New("10.0.0.1: no connection")
			}
		})
		resp := post(t, b.url, "2025-11-25", "", "", initialize)
		if text := body(t, resp); resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" ||
			!strings.Contains(text, "store unavailable") ||
			strings.Contains(text, "10.0.0.1") {
			t.Errorf("%d: %s", resp.StatusCode, text)
		}
	})
}

func TestWhoTheClientIsStandsInTheMetadata(t *testing.T) {
	b := newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil)
	info, err := b.manager.Info(begin(t, b, ""))
	if err != nil || info.ClientInfo["name"] != "c" || info.ClientInfo["version"] != "1" {
		t.Errorf("%v, %v", info.ClientInfo, err)
	}
	large := strings.Replace(
		initialize,
		`"name":"c"`,
		`"name":"c","icons":["`+strings.Repeat("x", shard.MaxMetadataBytes)+`"]`,
		1,
	)
	resp := post(t, b.url, "2025-11-25", "", "", large)
	if body(t, resp); resp.StatusCode != 200 {
		t.Fatalf("with large icons: %d", resp.StatusCode)
	}
	info, err = b.manager.Info(resp.Header.Get(mcphttp.SessionID))
	if err != nil || info.ClientInfo["name"] != "c" || len(info.ClientInfo) != 2 {
		t.Errorf("with large icons: %v, %v", info.ClientInfo, err)
	}
}

func TestASessionIsInitializedOnce(t *testing.T) {
	for name, b := range map[string]*backend{
		"Local":                  newBackend(t, shard.Config{}, mcp.StreamableHTTPOptions{}, nil),
		"a Store without claims": newBackendOn(t, func(*hooked) {}),
		"with request IDs that differ": newBackendWith(t, shard.Config{}, mcp.StreamableHTTPOptions{},
			Options{Principal: user, UniqueRequestIDs: true}, nil),
	} {
		session := begin(t, b, "")
		again := strings.Replace(initialize, `"id":1`, `"id":9`, 1)
		for _, message := range []string{again, strings.Replace(again, "initialize", `initi\u0061lize`, 1)} {
			resp := post(t, b.url, "2025-11-25", session, "", message)
			if text := body(t, resp); resp.StatusCode != 400 || !strings.Contains(text, "initialized before") ||
				!strings.Contains(text, `"id":9`) {
				t.Errorf("%s: %d: %s", name, resp.StatusCode, text)
			}
		}
		if _, text := call(t, b, session, "", 1); !strings.Contains(text, "result") {
			t.Errorf("%s: a call afterwards: %s", name, text)
		}
	}
}

func TestARequestIDIsUsedOnceIfAsked(t *testing.T) {
	b := newBackendWith(
		t,
		shard.Config{MaxClaims: 4},
		mcp.StreamableHTTPOptions{},
		Options{Principal: user, UniqueRequestIDs: true},
		nil,
	)
	session := begin(t, b, "") // claims ID 1, and that it has been initialized
	send := func(id string) (int, string) {
		resp := post(t, b.url, "2025-11-25", session, "", `{"jsonrpc":"2.0","id":`+id+`,"method":"ping"}`)
		return resp.StatusCode, body(t, resp)
	}
	for _, c := range []struct {
		id     string
		status int
	}{{"1", 400}, {"2", 200}, {"2", 400}, {"2.0", 400}, {`"2"`, 200}, {"3", 429}} {
		if status, text := send(c.id); status != c.status {
			t.Errorf("ID %s: %d: %s", c.id, status, text)
		}
	}
	other := begin(t, b, "")
	resp := post(t, b.url, "2025-11-25", other, "", `{"jsonrpc":"2.0","id":2,"method":"ping"}`)
	if resp.StatusCode != 200 {
		t.Errorf("ID 2 in another session: %d", resp.StatusCode)
	}
}

func TestABodyIsBounded(t *testing.T) {
	b := newBackendWith(t, shard.Config{}, mcp.StreamableHTTPOptions{}, Options{MaxRequestBodyBytes: 1000}, nil)
	session := begin(t, b, "")
	resp := post(t, b.url, "2025-11-25", session, "", fmt.Sprintf(callCount, 2, 1)+strings.Repeat(" ", 1000))
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d", resp.StatusCode)
	}
	io.Copy(io.Discard, resp.Body)
}

func TestALongRequestIDIsClaimedByItsHash(t *testing.T) {
	long := func(c string) []byte { return []byte(`"` + strings.Repeat(c, 10_000) + `"`) }
	a, b := claimOf(long("a")), claimOf(long("b"))
	if a == b || a != claimOf(long("a")) || len(a) > ring.MaxIDBytes {
		t.Errorf("%q, %q", a, b)
	}
}
