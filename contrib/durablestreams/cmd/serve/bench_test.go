package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// process starts a server in a process of its own, and returns the URL that it prints.
func process(b *testing.B, cmd *exec.Cmd) string {
	b.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSuffix(line[strings.Index(line, "http://"):len(line)-1], "/")
}

// BenchmarkServers compares the program with the protocol authors' Node.js server, both in memory,
// each in a process of its own. One op is one request: an append of 256 bytes by one of 32
// connections, or a read of the last 100 of 1,000 such messages.
func BenchmarkServers(b *testing.B) {
	program := filepath.Join(b.TempDir(), "serve")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	servers := []struct {
		name  string
		start func(b *testing.B) string
	}{
		{"reprise", func(b *testing.B) string { return process(b, exec.Command(program, "-addr", "127.0.0.1:0")) }},
		{"node", func(b *testing.B) string { return process(b, node(b, "testdata/server.mjs")) }},
	}
	for _, streams := range []int{1, 64, 1000} {
		for _, s := range servers {
			b.Run(fmt.Sprintf("append/streams=%d/%s", streams, s.name), func(b *testing.B) {
				url := s.start(b)
				for i := range streams {
					request(b, http.MethodPut, fmt.Sprintf("%s/v1/stream/%d", url, i), "")
				}
				body := strings.Repeat("x", 256)
				share(b, func(n int64) {
					request(b, http.MethodPost, fmt.Sprintf("%s/v1/stream/%d", url, n%int64(streams)), body)
				})
			})
		}
	}
	for _, s := range servers {
		b.Run("read/"+s.name, func(b *testing.B) {
			stream := s.start(b) + "/v1/stream/a"
			request(b, http.MethodPut, stream, "")
			var from string
			for i := range 1000 {
				next := request(b, http.MethodPost, stream, strings.Repeat("x", 256))
				if i == 899 {
					from = next
				}
			}
			share(b, func(int64) { request(b, http.MethodGet, stream+"?offset="+from, "") })
		})
	}
}

const connections = 32

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}

// share has b.N operations done by all connections together.
func share(b *testing.B, do func(n int64)) {
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range connections {
		all.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				do(n)
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

func request(b *testing.B, method, url, body string) (next string) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return ""
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	return fetch(b, client, req).Get("Stream-Next-Offset")
}
