package redis_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// BenchmarkTable measures the Store beside what Redis can do at most, all on one machine, and
// prints the tables. make bench-redis runs it.
func BenchmarkTable(b *testing.B) {
	for b.Loop() {
		s := newServer(b)
		fmt.Printf(
			"\nRedis %s and the clients on the same machine; %d bytes an event, %d retained a session\n\n",
			s.info("redis_version"), len(payload), retained,
		)
		appendTable(b, s)
		replayTable(b, s)
		followTable(b, s)
		memoryTable(b, s)
	}
}

// appendTable measures the contenders in turn, several times, so that a machine that others use as
// well treats them alike.
func appendTable(b *testing.B, s *server) {
	const rounds, round = 7, 400 * time.Millisecond
	fmt.Println("| writers | contender | appends/s | of scripted XADD | server µs/append |")
	fmt.Println("|---:|---|---:|---:|---:|")
	for _, writers := range []int{1, 8, 64} {
		all := contenders(b, s, writers)
		perSecond, server := make([][]float64, len(all)), make([][]float64, len(all))
		share := make([][]float64, len(all))
		var plain, piped []float64
		var from atomic.Int64
		for n := range rounds {
			var rates []rate
			for _, c := range all {
				rates = append(rates, c.run(b, s, writers, round, &from))
			}
			if n == 0 {
				continue // it fills the logs
			}
			for i, r := range rates {
				perSecond[i], server[i] = append(perSecond[i], r.perSecond), append(server[i], r.server)
				share[i] = append(share[i], 100*r.perSecond/rates[1].perSecond)
			}
			plain = append(plain, redisBenchmark(b, s, writers, 1, 2000*min(writers, 8)))
			piped = append(piped, redisBenchmark(b, s, 1, writers, 2000*min(writers, 16)))
		}
		fmt.Printf("| %d | redis-benchmark XADD, a connection each | %.0f | | |\n", writers, median(plain))
		fmt.Printf("| %d | redis-benchmark XADD, one connection, pipelined | %.0f | | |\n", writers, median(piped))
		for i, c := range all {
			fmt.Printf(
				"| %d | %s | %.0f | %.0f%% | %.1f |\n", writers, c.name, median(perSecond[i]), median(share[i]),
				median(server[i]),
			)
		}
	}
}

// replayTable measures what a client that comes back costs: Open after one of the last events,
// Drain, Close.
func replayTable(b *testing.B, s *server) {
	ctx := context.Background()
	client := newClient(b, s.addr)
	store := newStoreOn(b, redis.Config{Prefix: "replay"}, client)
	create(b, store, "s")
	var ids []string
	for range retained {
		e, err := store.Append(ctx, "s", ring.Event{Data: []byte(payload)})
		wantNoErr(b, "Append", err)
		ids = append(ids, e.ID)
		wantNoErr(
			b, "XADD",
			client.Do(ctx, client.B().Xadd().Key("replayed").Id("*").FieldValue().FieldValue("d", payload).Build()).
				Error(),
		)
	}
	fmt.Println("\n| replay of 1000 retained | median µs | p99 µs |")
	fmt.Println("|---|---:|---:|")
	for _, n := range []int{10, retained - 1} {
		timed(fmt.Sprintf("Open, Drain of %d events, Close", n), 1000, func() {
			r, err := store.Open(ctx, "s", replay.Position{LastEventID: ids[retained-1-n]})
			wantNoErr(b, "Open", err)
			events, err := replay.Drain(r)
			r.Close()
			if err != nil || len(events) != n {
				b.Fatalf("%d events, error %v", len(events), err)
			}
		})
	}
	timed("XREVRANGE of 10 entries", 1000, func() {
		wantNoErr(
			b, "XREVRANGE",
			client.Do(ctx, client.B().Xrevrange().Key("replayed").End("+").Start("-").Count(10).Build()).Error(),
		)
	})
	timed("PING", 1000, func() { wantNoErr(b, "PING", client.Do(ctx, client.B().Ping().Build()).Error()) })
}

// timed prints a line of a table: how long do takes.
func timed(what string, times int, do func()) {
	var took []float64
	for range times {
		start := time.Now()
		do()
		took = append(took, float64(time.Since(start).Nanoseconds())/1e3)
	}
	fmt.Printf("| %s | %.0f | %.0f |\n", what, median(took), percentile(took, 99))
}

// followTable measures how long an event takes from the Append of one process to the reader of
// another, an event at a time.
func followTable(b *testing.B, s *server) {
	const events = 1000
	p := startProcess(b, s.addr)
	store := newStore(b, processConfig(), s.addr)
	create(b, store, "s")
	r, err := store.Open(context.Background(), "s", replay.Position{Live: true})
	wantNoErr(b, "Open", err)
	defer r.Close()
	var took []float64
	for n := range events + 100 {
		answer, err := http.Post("http://"+p.addr+"/?session=s", "text/plain", strings.NewReader(strconv.Itoa(n)))
		wantNoErr(b, "POST", err)
		answer.Body.Close()
		var e ring.Event
		for !r.Next(&e) {
			wantNoErr(b, "Wait", r.Wait(context.Background()))
		}
		if n >= 100 { // the connections are up by then
			took = append(took, float64(time.Since(e.Time).Nanoseconds())/1e3)
		}
	}
	fmt.Println("\n| from Append in one process to Next in another | median µs | p99 µs |")
	fmt.Println("|---|---:|---:|")
	fmt.Printf("| one event at a time | %.0f | %.0f |\n", median(took), percentile(took, 99))
}

// memoryTable measures what full sessions take in the server, beside plain streams with the same
// data.
func memoryTable(b *testing.B, s *server) {
	const logs = 20
	ctx := context.Background()
	client := newClient(b, s.addr)
	store := newStoreOn(b, redis.Config{Prefix: "memory"}, client)
	used := func() int {
		n, err := strconv.Atoi(s.info("used_memory"))
		wantNoErr(b, "used_memory", err)
		return n
	}
	fmt.Printf("\n| server memory | bytes/event, of which %d data |\n|---|---:|\n", len(payload))
	grown := func(what string, per int, fill func(log int)) {
		before := used()
		for log := range logs {
			fill(log)
		}
		fmt.Printf("| %s | %d |\n", what, (used()-before)/logs/per)
	}
	grown("plain stream", retained, func(log int) {
		for range retained {
			xadd := client.B().Xadd().Key("memory"+strconv.Itoa(log)).Id("*").FieldValue().FieldValue("d", payload)
			wantNoErr(b, "XADD", client.Do(ctx, xadd.Build()).Error())
		}
	})
	for _, kind := range []string{"assigned", "own"} {
		grown("session, "+kind+" IDs", retained, func(log int) {
			session := kind + strconv.Itoa(log)
			create(b, store, session)
			for n := range retained {
				e := ring.Event{Data: []byte(payload)}
				if kind == "own" {
					e.ID = fmt.Sprintf("event-%08d", n)
				}
				_, err := store.Append(ctx, session, e)
				wantNoErr(b, "Append", err)
			}
		})
	}
	grown("an empty session, in all", 1, func(log int) {
		_, err := store.Create(ctx, "empty"+strconv.Itoa(log), shard.Metadata{})
		wantNoErr(b, "Create", err)
	})
}
