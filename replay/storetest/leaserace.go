package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
)

func leaseRacing(k *kit) {
	const racers = 8
	k.start(Config{})
	leaser := has[replay.Leaser](k)
	k.create("s")
	won := make([]bool, racers)
	together(racers, func(i int) {
		_, err := leaser().Acquire(k.ctx, "s", longTerm(fmt.Sprint(i)))
		if won[i] = err == nil; err != nil && !errors.Is(err, replay.ErrHeld) {
			k.Errorf("Acquire: %v", err)
		}
	})
	one := slices.Index(won, true)
	if one < 0 || slices.Contains(won[one+1:], true) {
		k.Fatalf("of %d racing writers these got the session: %v", racers, won)
	}
	_, err := leaser().Acquire(k.ctx, "s", longTerm("another"))
	k.wantHeld("Acquire after the race", err, fmt.Sprint(one))
}

// Writers with one holder's name fence each other again and again. What is stored then has come
// from writers in the order of their tokens, and everything that was confirmed is there.
func leaseTakeovers(k *kit) {
	const writers, rounds, size = 4, 8, 3
	k.start(Config{Ring: ring.Config{MaxEvents: 1000}})
	leaser := has[replay.Leaser](k)
	k.create("s")
	confirmed := make([][]string, writers)
	together(writers, func(g int) {
		for n := range rounds {
			w, err := leaser().Acquire(k.ctx, "s", longTerm("all"))
			if err != nil {
				k.Errorf("Acquire: %v", err)
				return
			}
			next, data := w.Held().Last+1, fmt.Sprintf("%d %d/%d", w.Held().Token, g, n)
			for err == nil && next < w.Held().Last+3*size {
				if err = w.Append(k.ctx, leased(next, next+size-1, data)); err == nil {
					confirmed[g] = append(confirmed[g], fmt.Sprint(next, " ", data))
				}
				next += size
			}
			if err != nil && !errors.Is(err, replay.ErrFenced) {
				k.Errorf("a writer's Append: %v", err)
			}
		}
	})
	token, found := uint64(0), map[string]bool{}
	for i, e := range k.stored("s") {
		k.equal("sequence", e.Seq, i+1)
		var by uint64
		if _, err := fmt.Sscan(string(e.Data), &by); err != nil || by < token {
			k.Errorf("event %d %q is of a writer before that with token %d", e.Seq, e.Data, token)
		}
		token = by
		found[fmt.Sprintf("%d %s", e.Seq, e.Data)] = true
	}
	for _, all := range confirmed {
		for _, batch := range all {
			if !found[batch] {
				k.Errorf("%s was confirmed, and is not stored", batch)
			}
		}
	}
}
