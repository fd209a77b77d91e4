package fuzz_test

import (
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reprise-go/reprise/ring"
)

// A mistake is one that the check must find.
type mistake struct {
	name string
	racy bool // one goroutine alone never sees it
	wrap func(sound) subject
}

var mistakes = []mistake{
	{"the duplicate check is not atomic with the append", true, func(s sound) subject {
		return checksOutside{s,
			new(atomic.Int64), new(sync.Map)}
	}},
	{"an append that began before Close goes on after it", true, func(s sound) subject {
		return closesBeside{s,
			new(atomic.Bool)}
	}},
	{"Stats are of two moments", true, func(s sound) subject { return readsInParts{s} }},
	{"a batch is visible in parts", true, func(s sound) subject { return splitsBatches{s} }},
	{"a batch loses its last event", false, func(s sound) subject { return cutsBatches{s} }},
	{"the tail is stale", false, func(s sound) subject { return readsStale{s, new(atomic.Pointer[ring.Cursor])} }},
	{"an append is lost", false, func(s sound) subject { return losesAppends{s, new(atomic.Int64)} }},
	{"an event is visible before it can be found", false, func(s sound) subject { return hidesNewest{s} }},
	{"a gap is not told", false, func(s sound) subject { return skipsEvents{s} }},
	{"one event more is retained", false, nil},
}

func (m mistake) ring(limits ring.Config, before uint64) (subject, error) {
	if m.wrap == nil {
		limits.MaxEvents++
		return soundRing(limits, before)
	}
	s, err := soundRing(limits, before)
	if err != nil {
		return nil, err
	}
	return m.wrap(s.(sound)), nil
}

// Each mistake is found, and drawn. The racy ones are found for the race alone: histories of a
// single client are accepted.
func TestLinearizabilityCheckRejectsBrokenRings(t *testing.T) {
	const most = 20_000
	t.Setenv("REPRISE_DRAWINGS", t.TempDir())
	widenRaces(t)
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			for seed := range uint64(200) {
				model, history := ringHistory(t, seed, 1, m.ring)
				if ok, drawing := linearizable(t, model, history); m.racy && !ok {
					t.Fatalf("history %d of one client is rejected: %s", seed, drawing)
				}
			}
			for seed := range uint64(most) {
				model, history := ringHistory(t, seed, 5, m.ring)
				if ok, drawing := linearizable(t, model, history); !ok {
					checkDrawing(t, drawing)
					t.Logf("history %d is rejected", seed)
					return
				}
			}
			t.Fatalf("%d histories, and none is rejected", most)
		})
	}
}

// hostMistakes are mistakes of a manager.
var hostMistakes = map[string]func(soundHost) host{
	"Get is from a cache":               func(s soundHost) host { return &cachesSessions{soundHost: s} },
	"a touch is lost":                   func(s soundHost) host { return losesTouches{s} },
	"Terminate returns too early":       func(s soundHost) host { return terminatesLater{s} },
	"an ID is free before its time":     func(s soundHost) host { return replacesSessions{s} },
	"what has expired lives on touched": func(s soundHost) host { return &revives{soundHost: s} },
}

func TestLinearizabilityCheckRejectsBrokenManagers(t *testing.T) {
	const most = 20_000
	t.Setenv("REPRISE_DRAWINGS", t.TempDir())
	for name, broken := range hostMistakes {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(most) {
				model, history := sessionHistory(t, seed, broken)
				if ok, drawing := linearizable(t, model, history); !ok {
					checkDrawing(t, drawing)
					t.Logf("history %d is rejected", seed)
					return
				}
			}
			t.Fatalf("%d histories, and none is rejected", most)
		})
	}
}

func checkDrawing(t *testing.T, path string) {
	t.Helper()
	html, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(html), "<html") || !strings.Contains(string(html), " → ") {
		t.Fatalf("the drawing %s has %d bytes: %v", path, len(html), err)
	}
}
