package redis_test

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// payload is the data of the events that benchmarks append.
var payload = strings.Repeat("x", 256)

// retained is how many events each session or plain stream retains.
const retained = 1000

// A contender is a way to append one event to a log of the writer's own that retains the newest
// thousand or so.
type contender struct {
	name   string
	append func(writer, n int) error
	events int // that one call appends; 0: one
}

// A rate is what a contender achieved in one round.
type rate struct {
	perSecond float64
	server    float64 // microseconds of the server's main thread for one append
}

// contenders are plain XADD, a script that does nothing else, and the Store.
func contenders(b *testing.B, s *server, writers int) []contender {
	b.Helper()
	client := newClient(b, s.addr)
	ctx := context.Background()
	script := rueidis.NewLuaScript("return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'd', ARGV[2])")
	store := newStoreOn(b, redis.Config{Prefix: fmt.Sprint("bench", writers)}, client)
	for w := range writers {
		for _, kind := range []string{"own", "assigned", "batch"} {
			_, err := store.Create(ctx, kind+strconv.Itoa(w), shard.Metadata{})
			wantNoErr(b, "Create", err)
		}
	}
	limit, data := strconv.Itoa(retained), []byte(payload)
	sixteen := make([]ring.Event, 16)
	for i := range sixteen {
		sixteen[i].Data = data
	}
	return []contender{
		{name: "XADD", append: func(w, _ int) error {
			xadd := client.B().Xadd().Key("plain" + strconv.Itoa(w)).Maxlen().Almost().Threshold(limit).Id("*")
			return client.Do(ctx, xadd.FieldValue().FieldValue("d", payload).Build()).Error()
		}},
		{name: "scripted XADD", append: func(w, _ int) error {
			return script.Exec(ctx, client, []string{"scripted" + strconv.Itoa(w)}, []string{limit, payload}).Error()
		}},
		{name: "Append, assigned IDs", append: func(w, _ int) error {
			_, err := store.Append(ctx, "assigned"+strconv.Itoa(w), ring.Event{Data: data})
			return err
		}},
		{name: "Append, own IDs", append: func(w, n int) error {
			_, err := store.Append(ctx, "own"+strconv.Itoa(w), ring.Event{ID: strconv.Itoa(n), Data: data})
			return err
		}},
		{name: "AppendAll of 16, assigned IDs", events: len(sixteen), append: func(w, _ int) error {
			_, err := store.AppendAll(ctx, "batch"+strconv.Itoa(w), sixteen)
			return err
		}},
	}
}

// run lets the writers append for that long, beginning with event number from.
func (c contender) run(b *testing.B, s *server, writers int, d time.Duration, from *atomic.Int64) rate {
	b.Helper()
	var done atomic.Int64
	var writing sync.WaitGroup
	before, start := s.cpu(), time.Now()
	for w := range writers {
		writing.Go(func() {
			for time.Since(start) < d {
				if err := c.append(w, int(from.Add(1))); err != nil {
					b.Error(err)
					return
				}
				done.Add(int64(max(1, c.events)))
			}
		})
	}
	writing.Wait()
	n, took := float64(done.Load()), time.Since(start)
	return rate{n / took.Seconds(), float64((s.cpu() - before).Microseconds()) / n}
}

// cpu is what the server's main thread has used.
func (s *server) cpu() time.Duration {
	var sum float64
	for _, field := range []string{"used_cpu_user_main_thread", "used_cpu_sys_main_thread"} {
		n, err := strconv.ParseFloat(s.info(field), 64)
		wantNoErr(s.t, field, err)
		sum += n
	}
	return time.Duration(sum * float64(time.Second))
}

// redisBenchmark is the rate of XADD that redis-benchmark gets with that many connections and that
// many commands on their way in each.
func redisBenchmark(b *testing.B, s *server, connections, pipeline, n int) float64 {
	b.Helper()
	_, port, _ := strings.Cut(s.addr, ":")
	out, err := exec.Command(program(b, "redis-benchmark", "redis-tools"), "-p", port, "-c", strconv.Itoa(connections),
		"-P", strconv.Itoa(pipeline), "-n", strconv.Itoa(n), "-r", strconv.Itoa(connections), "--csv",
		"XADD", "bench:__rand_int__", "MAXLEN", "~", strconv.Itoa(retained), "*", "d", payload).Output()
	wantNoErr(b, "redis-benchmark", err)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	fields := strings.Split(lines[len(lines)-1], "\",\"")
	if len(fields) < 2 {
		b.Fatalf("redis-benchmark printed %q", out)
	}
	perSecond, err := strconv.ParseFloat(fields[1], 64)
	wantNoErr(b, "the rate of redis-benchmark", err)
	return perSecond
}

func median(all []float64) float64 { return percentile(all, 50) }

func percentile(all []float64, p int) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}
