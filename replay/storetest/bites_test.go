package storetest

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/shard"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// A recorder takes a case's failures, so that the test of the case can want them.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed bool
	said   []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatal(args ...any) { r.Fatalf("%s", fmt.Sprint(args...)) }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

func (r *recorder) Logf(string, ...any) {}

// attempt runs one case on a Store and returns what it has to say against it.
func attempt(t *testing.T, c test, s Subject) (said []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.run(newKit(r, s))
		}()
		<-done
		r.mu.Lock()
		defer r.mu.Unlock()
		said = r.said
		if r.failed && len(said) == 0 {
			said = []string{"failed"}
		}
	})
	return said
}

func newLocal(t testing.TB, cfg Config) replay.Store {
	t.Helper()
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return finisher{replay.Local(m), m}
}

type finisher struct {
	replay.Store
	m *shard.Manager
}

func (f finisher) finish(id string) error {
	s, err := f.m.Get(id)
	if err != nil {
		return err
	}
	return s.Finish()
}

func subject(m mutant) Subject {
	return Subject{
		FakeTime: true,
		Open: func(t testing.TB, cfg Config) replay.Store {
			if m.config != nil {
				m.config(&cfg)
			}
			return &broken{newLocal(t, cfg).(finisher), m}
		},
		Finish: func(_ context.Context, s replay.Store, id string) error { return s.(*broken).sound.finish(id) },
	}.withDefaults()
}

// Every mutant is a sound Store with one mistake. The case that is there for that mistake must find
// it, and must find nothing without it.
func TestEveryMistakeIsFound(t *testing.T) {
	all := map[string]test{}
	for _, c := range cases() {
		all[c.name] = c
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			c, ok := all[m.found]
			if !ok {
				t.Fatalf("there is no case %q", m.found)
			}
			if said := attempt(t, c, subject(mutant{})); len(said) > 0 {
				t.Errorf("%q fails on a sound Store: %q", c.name, said)
			}
			said := attempt(t, c, subject(m))
			if len(said) == 0 {
				t.Fatalf("%q does not notice", c.name)
			}
			t.Logf("%.200s", said[0])
		})
	}
}

func TestCasesHaveNamesOfTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases() {
		if seen[c.name] {
			t.Errorf("two cases are named %q", c.name)
		}
		seen[c.name] = true
	}
}
