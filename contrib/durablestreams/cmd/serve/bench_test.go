package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A row is one kind of load. It prepares a server that has just been started, and returns what puts
// the load on it and tells how much was done in which time.
type row struct {
	name    string
	prepare func(b *testing.B, url string) func() (done int, took time.Duration)
}

const (
	warm        = 1 // seconds
	measured    = 3
	connections = 64
)

func rows() (all []row) {
	for _, streams := range []int{1, 64, 1000} {
		all = append(all, row{fmt.Sprintf("append to %d streams", streams), appends(streams, 1)})
	}
	return append(all,
		row{"append to 64 streams, 16 requests in one write", appends(64, 16)},
		row{"messages appended, 100 in a JSON array", jsonAppends},
		row{"read the last 100 of 1000 messages", reads},
		row{"messages delivered to 100 readers (SSE)", deliveries(100, 1000)},
		row{"messages delivered to 1000 readers (SSE)", deliveries(1000, 100)},
	)
}

// BenchmarkServers puts each load on this program and on the protocol authors' Node.js server by
// turns, both in memory, each time in a new process, and prints the medians: what is done in a
// second, and how much processor time of the server one of it takes. The load comes from wrk, on
// the same machine, and from this process for readers. One op is the whole table, of five rounds;
// of one with -short.
func BenchmarkServers(b *testing.B) {
	rounds := 5
	if testing.Short() {
		rounds = 1
	}
	program := build(b)
	servers := []func() *process{
		func() *process { return reprise(b, program) },
		func() *process { return nodeServer(b) },
	}
	for b.Loop() {
		fmt.Print("\n| a second | Reprise | Node.js | ratio | server's µs each: Reprise | Node.js | ratio |\n",
			"|---|---|---|---|---|---|---|\n")
		for _, r := range rows() {
			var rates, costs [2][]float64
			for round := range rounds {
				for i := range servers {
					i = (i + round) % len(servers)
					rate, cost := r.measure(b, servers[i]())
					rates[i], costs[i] = append(rates[i], rate), append(costs[i], cost)
				}
			}
			fmt.Printf("| %s | %.0f | %.0f | %.1f | %.1f | %.1f | %.1f |\n", r.name,
				median(rates[0]), median(rates[1]), median(ratios(rates[0], rates[1])),
				median(costs[0]), median(costs[1]), median(ratios(costs[1], costs[0])))
		}
	}
}

// measure returns what the server does in a second, and the microseconds of processor time that one
// takes.
func (r row) measure(b *testing.B, server *process) (rate, cost float64) {
	b.Helper()
	defer server.kill()
	run := r.prepare(b, server.url)
	before, err := server.processorTime()
	if err != nil {
		b.Fatal(err)
	}
	done, took := run()
	after, err := server.processorTime()
	if err != nil {
		b.Fatal(err)
	}
	return float64(done) / took.Seconds(), float64((after - before).Microseconds()) / float64(done)
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// ratios divides round by round.
func ratios(a, b []float64) (all []float64) {
	for i := range a {
		all = append(all, a[i]/b[i])
	}
	return all
}

func appends(streams, depth int) func(*testing.B, string) func() (int, time.Duration) {
	return func(b *testing.B, url string) func() (int, time.Duration) {
		for i := range streams {
			request(b, http.MethodPut, fmt.Sprintf("%s/v1/stream/%d", url, i), "application/octet-stream", "")
		}
		return wrk(b, url, "append", strconv.Itoa(streams), strconv.Itoa(depth))
	}
}

func jsonAppends(b *testing.B, url string) func() (int, time.Duration) {
	const streams = 64
	for i := range streams {
		request(b, http.MethodPut, fmt.Sprintf("%s/v1/stream/%d", url, i), "application/json", "")
	}
	run := wrk(b, url, "json", strconv.Itoa(streams))
	return func() (int, time.Duration) {
		bodies, took := run()
		return 100 * bodies, took
	}
}

func reads(b *testing.B, url string) func() (int, time.Duration) {
	stream, from := url+"/v1/stream/0", ""
	request(b, http.MethodPut, stream, "text/plain", "")
	for i := range 1000 {
		next := request(b, http.MethodPost, stream, "text/plain", strings.Repeat("~", 256)).Get("Stream-Next-Offset")
		if i == 899 {
			from = next
		}
	}
	return wrk(b, url, "read", from)
}

func deliveries(readers, messages int) func(*testing.B, string) func() (int, time.Duration) {
	return func(b *testing.B, url string) func() (int, time.Duration) {
		stream := url + "/v1/stream/0"
		request(b, http.MethodPut, stream, "text/plain", "")
		all := make([]*reader, readers)
		for i := range all {
			all[i] = follow(b, stream)
		}
		deliver(b, stream, all, messages/10)
		return func() (int, time.Duration) {
			begun := time.Now()
			deliver(b, stream, all, messages)
			took := time.Since(begun)
			for _, r := range all {
				r.conn.Close()
			}
			return readers * messages, took
		}
	}
}

// wrk warms a server up, and returns what runs wrk for the time that is measured.
func wrk(b *testing.B, url string, args ...string) func() (int, time.Duration) {
	run := func(seconds int) (int, time.Duration) {
		b.Helper()
		args := append([]string{
			"--threads", "1", "--connections", strconv.Itoa(connections), "--duration", strconv.Itoa(seconds) + "s",
			"--timeout", "30s", "--script", "testdata/load.lua", url, "--",
		}, args...)
		out, err := exec.CommandContext(b.Context(), "wrk", args...).CombinedOutput()
		if err != nil {
			b.Fatalf("%v (make bench-durable installs wrk)\n%s", err, out)
		}
		var result struct{ Requests, Microseconds, Errors int }
		at := strings.LastIndexByte(string(out), '{')
		if at < 0 || json.Unmarshal(out[at:], &result) != nil || result.Errors > 0 || result.Requests == 0 {
			b.Fatalf("wrk %v said:\n%s", args, out)
		}
		return result.Requests, time.Duration(result.Microseconds) * time.Microsecond
	}
	run(warm)
	return func() (int, time.Duration) { return run(measured) }
}

func request(b *testing.B, method, url, contentType, body string) http.Header {
	req, err := http.NewRequestWithContext(b.Context(), method, url, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	return fetch(b, http.DefaultClient, req)
}
