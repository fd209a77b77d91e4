package interop

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// malformed is a request that something is wrong with, or that is unusual, and the statuses that it
// may be answered with; none of them is 5xx but where HTTP knows no better.
type malformed struct {
	name    string
	request string
	want    []int
}

func malformedRequests(lastID string) []malformed {
	const line = "GET /?session=s HTTP/1.1\r\n"
	host := line + "Host: 127.0.0.1\r\nConnection: close\r\n"
	return []malformed{
		{"nothing", "\r\n\r\n", []int{400}},
		{"noise", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}},
		{"no version", "GET /?session=s\r\n\r\n", []int{400}},
		{"HTTP/9.9", "GET /?session=s HTTP/9.9\r\nHost: x\r\n\r\n", []int{505}},
		{"HTTP/1.0", "GET /?session=s HTTP/1.0\r\n\r\n", []int{200}},
		{"no Host", line + "\r\n", []int{400}},
		{"two Hosts", line + "Host: a\r\nHost: b\r\n\r\n", []int{400}},
		{"a header without a colon", host + "Last-Event-ID\r\n\r\n", []int{400}},
		{"a folded header", host + "Last-Event-ID: a\r\n b\r\n\r\n", []int{200, 400, 410}},
		{"a NUL in a header", host + "Last-Event-ID: a\x00b\r\n\r\n", []int{400}},
		{"a bare CR in a header", host + "Last-Event-ID: a\rb\r\n\r\n", []int{400}},
		{"a control character in a header", host + "Last-Event-ID: a\x01b\r\n\r\n", []int{400, 410}},
		{"bytes that are not UTF-8", host + "Last-Event-ID: a\xc3\x28\r\n\r\n", []int{400}},
		{"an overlong form", host + "Last-Event-ID: \xc0\xaf\r\n\r\n", []int{400}},
		{
			"an ID of 256 bytes",
			host + "Last-Event-ID: " + strings.Repeat("x", ring.MaxIDBytes) + "\r\n\r\n",
			[]int{410},
		},
		{"an ID of 1025 bytes", host + "Last-Event-ID: " + strings.Repeat("x", 1025) + "\r\n\r\n", []int{400}},
		{"an ID of 64 KiB", host + "Last-Event-ID: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", []int{400}},
		{"a session ID of 129 bytes", request("GET", "/?session="+strings.Repeat("s", 129), ""), []int{404}},
		{"a session ID of 64 KiB", request("GET", "/?session="+strings.Repeat("s", 64<<10), ""), []int{404}},
		{"a header over 1 MiB", host + "X-Big: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", []int{431}},
		{"a target over 1 MiB", request("GET", "/?session=s&x="+strings.Repeat("x", 2<<20), ""), []int{431}},
		{"ten thousand headers", host + strings.Repeat("X: y\r\n", 10_000) + "\r\n", []int{200, 431}},
		{"ten thousand event IDs", host + strings.Repeat("Last-Event-ID: x\r\n", 10_000) + "\r\n", []int{410, 431}},
		{
			"two event IDs, of which the last counts",
			host + "Last-Event-ID: forged\r\nLast-Event-ID: " + lastID + "\r\n\r\n",
			[]int{200},
		},
		{"two origins", host + "Origin: http://127.0.0.1\r\nOrigin: http://127.0.0.1\r\n\r\n", []int{403}},
		{"a broken query", request("GET", "/?session=s&last_event_id=%zz", ""), []int{400}},
		{"a semicolon in the query", request("GET", "/?session=s;last_event_id=x", ""), []int{400}},
		{"an Accept of commas", host + "Accept: " + strings.Repeat(",", 100_000) + "\r\n\r\n", []int{200}},
		{"an Accept of ranges", host + "Accept: " + strings.Repeat("a/b;q=0.1,", 50_000) + "\r\n\r\n", []int{406}},
		{"a weight that is none", host + "Accept: text/event-stream;q=NaN\r\n\r\n", []int{200, 406}},
		{"a body", host + "Content-Length: 5\r\n\r\nhello", []int{400}},
		{"a body that never comes", host + "Content-Length: 1000000\r\n\r\n", []int{400}},
		{"two lengths", host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", []int{400}},
		{
			"a length and chunks",
			host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			[]int{200, 400},
		},
		{"an unknown encoding", host + "Transfer-Encoding: xchunked\r\n\r\n", []int{501}},
		{"a method in lower case", request("get", "/?session=s", ""), []int{405}},
		{"a method of 1,000 bytes", request(strings.Repeat("G", 1000), "/?session=s", ""), []int{405}},
		{"CONNECT", "CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1:80\r\nConnection: close\r\n\r\n", []int{405}},
		{"an absolute target", request("GET", "http://127.0.0.1/?session=s", ""), []int{200}},
		{"an asterisk", request("OPTIONS", "*", ""), []int{200, 405}},
	}
}

func TestMalformedAndOversizedRequestsAreRefusedAndCostNothing(t *testing.T) {
	m := newManager(t, shard.Config{})
	s := create(t, m, "s", "")
	stored := fill(t, s, 3)
	h := &replay.Handler{Store: replay.Local(m)}
	addr := listen(t, h, h.Close)
	for _, c := range malformedRequests(stored[0].ID) {
		t.Run(c.name, func(t *testing.T) {
			if answer := rawStream(t, addr, c.request); !slices.Contains(c.want, status(answer)) {
				t.Errorf("status %d, want %v: %.300q", status(answer), c.want, answer)
			}
		})
	}
	testkit.Eventually(t, "all streams are closed", func() bool { return s.Info().Attached == 0 })
	if info := m.Stats(); info.Total != 1 || s.Info().Log.Events != 3 {
		t.Errorf("%+v", info)
	}
	arrivals, hangUp := follow(t, http.DefaultClient, "http://"+addr+"/?session=s", stored[0].ID)
	defer http.DefaultClient.CloseIdleConnections()
	defer hangUp()
	want(t, arrivals, stored[1:]...)
}

// Every byte that a header may hold or not, in front of an MCP server.
func TestMalformedSessionIDsReachNoMCPSession(t *testing.T) {
	b := newMCPServer(t, shard.Config{})
	session, _ := begin(t, b, "")
	for c := range 256 {
		for _, id := range []string{string([]byte{byte(c)}), session + string([]byte{byte(c)}),
			string([]byte{byte(c)}) + session} {
			if trimmed := strings.Trim(id, " \t\r\n"); trimmed == session || trimmed == "" {
				continue
			}
			answer := raw(t, b.addr, post(id, "", `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`))
			if code := status(answer); code != 404 && code != 400 || strings.Contains(answer, "test_reconnection") {
				t.Errorf("%q: %.300q", id, answer)
			}
		}
	}
	if n := b.manager.Stats().Total; n != 1 {
		t.Error(fmt.Sprint(n, " sessions"))
	}
}
