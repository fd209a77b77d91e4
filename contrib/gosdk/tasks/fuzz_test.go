package tasks

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// Whatever a log holds, its state is one of the extension's, and an end stays.
func FuzzLog(f *testing.F) {
	types := []string{EventWorking, EventProgress, EventOutput, EventInput, EventAnswer, EventCancel, EventCompleted,
		EventFailed, EventCancelled, "other"}
	f.Add(uint8(0), `{}`, uint8(4), `{"key":"a","answer":1}`, uint8(7), `{"error":{"code":1}}`)
	f.Add(uint8(3), `{"inputRequests":{"a":{},"b":null}}`, uint8(4), `{"key":"a"}`, uint8(6), `null`)
	f.Fuzz(func(t *testing.T, type1 uint8, data1 string, type2 uint8, data2 string, type3 uint8, data3 string) {
		s, end := newState("t", facts{}), ""
		for i, e := range []ring.Event{{Type: types[int(type1)%len(types)], Data: []byte(data1)},
			{Type: types[int(type2)%len(types)], Data: []byte(data2)},
			{Type: types[int(type3)%len(types)], Data: []byte(data3)}} {
			e.Seq = uint64(i + 1)
			if s.apply(e) != nil {
				return
			}
			d := s.detailed()
			switch {
			case s.status == statusInput && len(d.InputRequests) == 0:
				t.Fatal("input is required, and nothing is asked")
			case end != "" && s.status != end:
				t.Fatalf("%s, and then %s", end, s.status)
			case s.ended():
				end = s.status
			}
		}
	})
}

// No request makes the server fail.
func FuzzRequest(f *testing.F) {
	m, err := shard.New(shard.Config{})
	if err != nil {
		f.Fatal(err)
	}
	defer m.Close()
	x, err := New(replay.Local(m), Config{})
	if err != nil {
		f.Fatal(err)
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "test", Version: "1"}, nil)
	if err := x.Install(server); err != nil {
		f.Fatal(err)
	}
	handler := x.Handler(mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, DisableLocalhostProtection: true}))
	methods := []string{methodGet, methodUpdate, methodCancel, methodListen}
	for i := range methods {
		f.Add(uint8(i), "x", `{"taskId":"x","inputResponses":{}}`)
		f.Add(uint8(i), "=?base64?eA==?=", `{"taskId":"x","notifications":{"taskIds":["x","y"]}}`)
	}
	meta := `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",` +
		`"io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}`
	f.Fuzz(func(t *testing.T, method uint8, name, params string) {
		q := request{method: methods[int(method)%len(methods)], name: name}.httpRequest(t, "/")
		rest, isObject := strings.CutPrefix(params, "{")
		if isObject {
			params = "{" + meta + "," + rest
			if strings.TrimSpace(rest) == "}" {
				params = "{" + meta + "}"
			}
		}
		body := `{"jsonrpc":"2.0","id":1,"method":"` + q.Header.Get("Mcp-Method") + `","params":` + params + `}`
		q.Body = readCloser{strings.NewReader(body)}
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, q); w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
	testkit.Eventually(f, "nothing is left", func() bool { return m.Stats().Attached == 0 })
}
