package fuzz_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/reprise-go/reprise/shard"
)

// What histories of limited things are made of: somebody takes a place or is refused, and somebody
// gives one back.
type (
	limitCall struct {
		take bool
		who  int
	}
	limitAnswer struct{ refused bool }
)

// A limitState is how many places each of three has.
type limitState [3]int

// limitModel has places for so many in all and for so many of each of the first two.
func limitModel(all, each int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return limitState{} },
		Step: func(state, input, output any) (bool, any) {
			s, call := state.(limitState), input.(limitCall)
			if !call.take {
				s[call.who]--
				return true, s
			}
			full := s[0]+s[1]+s[2] >= all || call.who < 2 && s[call.who] >= each
			if !full {
				s[call.who]++
			}
			return output.(limitAnswer).refused == full, s
		},
		DescribeOperation: func(input, output any) string {
			switch call := input.(limitCall); {
			case !call.take:
				return fmt.Sprintf("%d gives back", call.who)
			case output.(limitAnswer).refused:
				return fmt.Sprintf("%d is refused", call.who)
			default:
				return fmt.Sprintf("%d takes", call.who)
			}
		},
	}
}

// limitHistory records what five clients do with places that take returns, or refuses as the error.
func limitHistory(t *testing.T, seed uint64, refusal error, take func(who int) (giveBack func(),
	err error)) []porcupine.Operation {
	type place struct {
		who      int
		giveBack func()
	}
	held := make([][]place, 5)
	return record(len(held), 12, seed, stopwatch(), func(c *client) {
		mine := &held[c.id]
		if n := len(*mine); n > 0 && c.rand.IntN(2) == 0 {
			p := (*mine)[n-1]
			*mine = (*mine)[:n-1]
			c.do(func() (any, any) {
				p.giveBack()
				return limitCall{who: p.who}, limitAnswer{}
			})
			return
		}
		who := c.rand.IntN(3)
		c.do(func() (any, any) {
			giveBack, err := take(who)
			if err == nil {
				*mine = append(*mine, place{who, giveBack})
			} else if !errors.Is(err, refusal) {
				t.Errorf("refused with %v, want %v", err, refusal)
			}
			return limitCall{take: true, who: who}, limitAnswer{err != nil}
		})
	})
}

// There are never more sessions than MaxSessions and MaxPerPrincipal say, and none is refused that
// there is a place for, at any moment.
func TestSessionLimitsAreLinearizable(t *testing.T) {
	principals := []string{"alice", "bob", ""}
	n := histories(t, 500)
	atEveryGOMAXPROCS(t, n, func(t *testing.T, seed uint64) {
		all, each := 1+int(seed%4), 1+int(seed/4%2)
		m, err := shard.New(shard.Config{Shards: 2, MaxSessions: all, MaxPerPrincipal: each, Linger: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		history := limitHistory(t, seed, shard.ErrSessionLimit, func(who int) (func(), error) {
			s, err := m.Create(shard.Metadata{Principal: principals[who]})
			if err != nil {
				return nil, err
			}
			return s.Terminate, nil
		})
		if ok, drawing := linearizable(t, limitModel(all, each), history); !ok {
			t.Fatalf("history %d is not linearizable: %s", seed, drawing)
		}
	})
}

// There are never more open streams than MaxAttached, and none is refused that there is a place
// for.
func TestAttachLimitIsLinearizable(t *testing.T) {
	n := histories(t, 500)
	atEveryGOMAXPROCS(t, n, func(t *testing.T, seed uint64) {
		all := 1 + int(seed%4)
		m, err := shard.New(shard.Config{Shards: 1, MaxAttached: all})
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		s, err := m.Create(shard.Metadata{})
		if err != nil {
			t.Fatal(err)
		}
		history := limitHistory(t, seed, shard.ErrAttachLimit, func(int) (func(), error) { return s.Attach() })
		if ok, drawing := linearizable(t, limitModel(all, all), history); !ok {
			t.Fatalf("history %d is not linearizable: %s", seed, drawing)
		}
	})
}
