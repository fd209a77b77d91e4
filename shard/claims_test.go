package shard_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reprise-go/reprise/shard"
)

func TestAKeyIsClaimedOnceForEachSession(t *testing.T) {
	m := newManager(t, shard.Config{})
	a, b := create(t, m, "a"), create(t, m, "b")
	for _, s := range []*shard.Session{a, b} {
		for _, key := range []string{"1", "2", "ключ", " ", strings.Repeat("x", shard.MaxClaimBytes)} {
			if err := s.Claim(key); err != nil {
				t.Errorf("%s: the first claim of %q: %v", s.ID(), key, err)
			}
			wantErr(t, "the second of "+key, s.Claim(key), shard.ErrClaimed)
		}
	}
	for _, key := range []string{"", strings.Repeat("x", shard.MaxClaimBytes+1), "a\xff"} {
		wantErr(t, fmt.Sprintf("%.9q", key), a.Claim(key), shard.ErrInvalidClaim)
	}
}

func TestOfManyWhoClaimAtOnceOneGetsEachKeyAndTheLimitIsExact(t *testing.T) {
	const keys, limit, callers = 200, 150, 8
	m := newManager(t, shard.Config{MaxClaims: limit})
	s := create(t, m, "id")
	var won [keys]atomic.Int64
	var full atomic.Int64
	together(callers, func(g int) {
		for i := range keys {
			k := (i*7 + g*13) % keys
			switch err := s.Claim(fmt.Sprint(k)); {
			case err == nil:
				won[k].Add(1)
			case strings.HasPrefix(err.Error(), shard.ErrClaimLimit.Error()):
				full.Add(1)
			default:
				wantErr(t, "Claim", err, shard.ErrClaimed)
			}
		}
	})
	total := int64(0)
	for k := range won {
		if won[k].Load() > 1 {
			t.Errorf("key %d was claimed %d times", k, won[k].Load())
		}
		total += won[k].Load()
	}
	if total != limit || full.Load() == 0 {
		t.Errorf("%d keys were claimed, the limit is %d; %d refused for it", total, limit, full.Load())
	}
}

func TestNegativeMaxClaimsIsUnlimitedAndTheDefaultIsAThousand(t *testing.T) {
	for limit, most := range map[int]int{0: 1000, -1: 5000, 3: 3} {
		s := create(t, newManager(t, shard.Config{MaxClaims: limit}), "id")
		for i := range most {
			if err := s.Claim(fmt.Sprint(i)); err != nil {
				t.Fatalf("MaxClaims %d, claim %d: %v", limit, i, err)
			}
		}
		if limit >= 0 {
			wantErr(t, "one more", s.Claim("more"), shard.ErrClaimLimit)
			wantErr(t, "an old one", s.Claim("0"), shard.ErrClaimed)
		}
	}
}

func TestClaimIsActivityUnlessRefused(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Minute})
		s := create(t, m, "id")
		sleep(50 * time.Second)
		if err := s.Claim("a"); err != nil {
			t.Fatal(err)
		}
		sleep(50 * time.Second)
		wantErr(t, "again", s.Claim("a"), shard.ErrClaimed)
		sleep(10*time.Second + tick)
		wantErr(t, "after its TTL", s.Claim("b"), shard.ErrNotFound)
	})
}

// The claim itself finds that the session is due: nobody has looked at it since.
func TestClaimOfAnOverdueSessionEndsIt(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{TTL: time.Minute, Tick: time.Minute})
		s := create(t, m, "id")
		if err := s.Claim("a"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		wantErr(t, "b", s.Claim("b"), shard.ErrNotFound)
		if m.Stats().Expired != 1 {
			t.Error("it has not ended")
		}
	})
}

func TestFinishedAndEndedSessionsRefuseClaimsAndForgetTheirKeys(t *testing.T) {
	inTime(t, func(t *testing.T) {
		m := newManager(t, shard.Config{Linger: time.Minute})
		s := create(t, m, "id")
		s.SetValue(1)
		before := m.Stats().Memory
		for i := range 100 {
			if err := s.Claim(fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		if n := m.Stats().Memory - before; n < 4_900 || n > 10_000 {
			t.Errorf("a hundred claims count %d bytes", n)
		}
		s.Finish()
		wantErr(t, "finished", s.Claim("0"), shard.ErrFinished)
		if n := m.Stats().Memory; n > before {
			t.Errorf("finished: %d bytes are left", n-before)
		}
		s.Terminate()
		wantErr(t, "ended", s.Claim("0"), shard.ErrNotFound)
		sleep(time.Minute + tick)
		if n := m.Stats().Memory; n != 0 {
			t.Errorf("%d bytes without a session", n)
		}
	})
}

func TestNoClaimSucceedsAfterTerminateReturned(t *testing.T) {
	for range 200 / slow {
		m := newManager(t, shard.Config{Linger: -1, MaxClaims: -1})
		s := create(t, m, "id")
		var over atomic.Bool
		together(3, func(g int) {
			if g == 0 {
				s.Terminate()
				over.Store(true)
				return
			}
			for i := 0; ; i++ {
				was := over.Load()
				err := s.Claim(fmt.Sprint(g, i))
				if err != nil {
					wantErr(t, "Claim", err, shard.ErrNotFound)
					return
				}
				if was {
					t.Error("a claim succeeded after Terminate had returned")
					return
				}
			}
		})
		if n := m.Stats().Memory; n != 0 {
			t.Fatalf("%d bytes are left", n)
		}
	}
}
