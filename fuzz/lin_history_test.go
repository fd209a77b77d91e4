package fuzz_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// A client is one goroutine of a history. What it does it does through do, which takes down when
// that began and ended.
type client struct {
	id   int
	rand *rand.Rand
	now  func() int64
	ops  []porcupine.Operation
}

// do calls op, which describes itself, and records it.
func (c *client) do(op func() (input, output any)) {
	call := c.now()
	input, output := op()
	c.ops = append(c.ops, porcupine.Operation{ClientId: c.id, Input: input, Call: call, Output: output,
		Return: c.now()})
}

// record runs n clients at once, each doing steps steps, and returns the history.
func record(n, steps int, seed uint64, now func() int64, step func(*client)) (history []porcupine.Operation) {
	var clients []*client
	var running sync.WaitGroup
	start := make(chan struct{})
	for id := range n {
		c := &client{id: id, rand: rand.New(rand.NewPCG(seed, uint64(id))), now: now}
		clients = append(clients, c)
		running.Go(func() {
			<-start
			for range steps {
				if c.rand.IntN(3) == 0 {
					runtime.Gosched()
				}
				step(c)
			}
		})
	}
	close(start)
	running.Wait()
	for _, c := range clients {
		history = append(history, c.ops...)
	}
	return history
}

// stopwatch is the clock of histories in real time. Nothing is shared that could put the clients in
// step.
func stopwatch() func() int64 {
	start := time.Now()
	return func() int64 { return int64(time.Since(start)) }
}

// patience is how long one history may take to check, which is some milliseconds as a rule; one
// that takes longer proves nothing, and fails.
const patience = 2 * time.Minute

// linearizable reports whether there is an order of the operations that the model allows. If there
// is none, it returns where the history has been drawn.
func linearizable(t testing.TB, model porcupine.Model, history []porcupine.Operation) (ok bool, drawing string) {
	t.Helper()
	switch porcupine.CheckOperationsTimeout(model, history, patience) {
	case porcupine.Ok:
		return true, ""
	case porcupine.Unknown:
		t.Fatalf("a history of %d operations was not decided in %v", len(history), patience)
	}
	_, info := porcupine.CheckOperationsVerbose(model, history, patience)
	dir := os.Getenv("REPRISE_DRAWINGS")
	if dir == "" {
		dir = os.TempDir()
	}
	file, err := os.CreateTemp(dir, "reprise-history-*.html")
	if err == nil {
		defer file.Close()
		err = porcupine.Visualize(model, info, file)
	}
	if err != nil {
		t.Fatalf("a history that is not linearizable could not be drawn: %v", err)
	}
	drawing, _ = filepath.Abs(file.Name())
	return false, drawing
}

// histories is how many histories of each kind run at each GOMAXPROCS: a few, or what
// REPRISE_HISTORIES says.
func histories(t testing.TB, preset int) int {
	t.Helper()
	s := os.Getenv("REPRISE_HISTORIES")
	if s == "" {
		return preset
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("REPRISE_HISTORIES is %q, want a number from 1 up", s)
	}
	return n
}

// atEveryGOMAXPROCS runs check n times at GOMAXPROCS 1, 2, 4 and 8, each time with another seed.
func atEveryGOMAXPROCS(t *testing.T, n int, check func(t *testing.T, seed uint64)) {
	widenRaces(t)
	for _, procs := range []int{1, 2, 4, 8} {
		t.Run("procs="+strconv.Itoa(procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			for seed := range uint64(n) {
				check(t, seed)
			}
			t.Logf("%d histories", n)
		})
	}
}
