package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reprise-go/reprise/internal/testkit"
)

// A reader is a connection that follows a stream by server-sent events. It looks at no more of them
// than it takes to count: "~" stands in the messages alone.
type reader struct {
	conn net.Conn
	in   *bufio.Reader
}

func follow(t testing.TB, url string) *reader {
	t.Helper()
	addr, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /%s?offset=-1&live=sse HTTP/1.1\r\nHost: %s\r\n\r\n", path, addr)
	r := &reader{conn, bufio.NewReaderSize(conn, 64<<10)}
	for line := ""; !strings.HasPrefix(line, "event: control"); { // it is following now
		conn.SetReadDeadline(time.Now().Add(testkit.Patience))
		if line, err = r.in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// count reads until so many "~" have come.
func (r *reader) count(want int) error {
	b := make([]byte, 64<<10)
	for want > 0 {
		r.conn.SetReadDeadline(time.Now().Add(testkit.Patience))
		n, err := r.in.Read(b)
		if err != nil {
			return err
		}
		want -= bytes.Count(b[:n], []byte("~"))
	}
	return nil
}

const followed = 256 // bytes of a message

// deliver appends messages to a stream, one after the other, and returns when each of its readers
// has them all.
func deliver(t testing.TB, url string, readers []*reader, messages int) {
	t.Helper()
	var all sync.WaitGroup
	for _, r := range readers {
		all.Go(func() {
			if err := r.count(messages * followed); err != nil {
				t.Error(err)
			}
		})
	}
	addr, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	post := fmt.Appendf(nil, "POST /%s HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\n", path, addr)
	post = fmt.Appendf(post, "Content-Length: %d\r\n\r\n%s", followed, strings.Repeat("~", followed))
	in := bufio.NewReader(conn)
	for range messages {
		if _, err := conn.Write(post); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil || res.StatusCode >= 300 {
			t.Fatalf("append: %v, %v", res, err)
		}
		io.Copy(io.Discard, res.Body)
	}
	all.Wait()
}
