package interop

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
)

// raw sends bytes to a server and returns the bytes of its answer. No client stands between that
// would refuse to send what is malformed.
func raw(t testing.TB, addr, request string) string {
	t.Helper()
	return exchange(t, addr, request, func(string) bool { return false })
}

// rawStream is raw for what may be answered by a stream: of that it returns the beginning.
func rawStream(t testing.TB, addr, request string) string {
	t.Helper()
	return exchange(t, addr, request, func(answer string) bool {
		return strings.Contains(answer, "text/event-stream") && strings.Contains(answer, "\nretry: ")
	})
}

func exchange(t testing.TB, addr, request string, enough func(answer string) bool) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(testkit.Patience))
	go conn.Write([]byte(request)) // it may be refused before it has been read
	var answer strings.Builder
	b := make([]byte, 4096)
	for !enough(answer.String()) {
		n, err := conn.Read(b)
		answer.Write(b[:n])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("no end of the answer in %v to %.200q: %.1000q", testkit.Patience, request, answer.String())
		}
		if err != nil {
			break
		}
	}
	return answer.String()
}

// request is a request by principal, in the form that raw sends. header is any further lines.
func request(method, target, principal string, header ...string) string {
	lines := append(
		[]string{method + " " + target + " HTTP/1.1", "Host: 127.0.0.1", "Connection: close", "X-User: " + principal},
		header...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// status is that of an answer; 0 when there is none.
func status(answer string) int {
	if len(answer) < len("HTTP/1.1 200") {
		return 0
	}
	code, _ := strconv.Atoi(answer[len("HTTP/1.1 "):len("HTTP/1.1 200")])
	return code
}

var date = regexp.MustCompile(`Date: [^\r]*\r\n`)

// undated is an answer without what differs from second to second.
func undated(answer string) string { return date.ReplaceAllString(answer, "") }

// listen serves h on a loopback address with the limits that an embedder should set.
func listen(t testing.TB, h http.Handler, before func()) (addr string) {
	t.Helper()
	return listenAndServe(
		t,
		&http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second},
		before,
	)
}

// post is a JSON-RPC message to an MCP server, in the form that raw sends.
func post(session, principal, body string) string {
	header := []string{
		"Content-Type: application/json",
		"Accept: application/json, text/event-stream",
		fmt.Sprint("Content-Length: ", len(body)),
	}
	if session != "" {
		header = append(header, "Mcp-Session-Id: "+session)
	}
	return request("POST", "/mcp", principal, header...) + body
}

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`

var issued = regexp.MustCompile(`Mcp-Session-Id: ([^\r]*)\r\n`)

// begin initializes an MCP session and returns its ID and the ID of its first event.
func begin(t testing.TB, b *mcpServer, principal string) (session, eventID string) {
	t.Helper()
	answer := raw(t, b.addr, post("", principal, initialize))
	id := issued.FindStringSubmatch(answer)
	event := regexp.MustCompile(`\nid: ([^\r\n]*)`).FindStringSubmatch(answer)
	if status(answer) != http.StatusOK || id == nil || event == nil {
		t.Fatalf("initialize: %s", answer)
	}
	raw(t, b.addr, post(id[1], principal, `{"jsonrpc":"2.0","method":"notifications/initialized"}`))
	return id[1], event[1]
}
