package shard

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// MaxClaimBytes bounds a key that is claimed.
const MaxClaimBytes = 256

// Claim takes a key for whoever asks first: it succeeds once for each key of a session, however
// many callers race, and returns [ErrClaimed] to all others. It makes requests idempotent: claim a
// request's ID before acting on it. Keys belong to the session and go with it. A claim is activity,
// a refused one is not.
//
// The errors are, in this precedence: [ErrNotFound], [ErrFinished], [ErrInvalidClaim] for a key
// that is not 1 to MaxClaimBytes bytes of UTF-8, [ErrClaimed], and [ErrClaimLimit] when
// Config.MaxClaims keys are claimed. It takes a lock that only claims of this session take, and
// costs about 200 ns and, in memory, the key and 48 bytes. A session that never claims pays
// nothing.
func (s *Session) Claim(key string) error {
	for {
		if st := s.stateNow(); st.phase() != active {
			return s.refusal(st)
		}
		if err := validateClaim(key); err != nil {
			return err
		}
		if decided, err := s.withOptional().withClaims().take(s, key); decided {
			return err
		}
	}
}

// take claims the key, or says why not. It is undecided when the session turns out to have finished
// or to be due to end: seeing to that takes the lock.
func (c *claims) take(s *Session, key string) (decided bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, claimed := c.keys[key]; claimed {
		return true, s.home.refuse(keyClaimed, about(ErrClaimed, key))
	}
	if limit := s.home.m.cfg.MaxClaims; limit >= 0 && len(c.keys) >= limit {
		return true, s.home.refuse(claimLimit, &limitError{ErrClaimLimit, len(c.keys), false})
	}
	// The claim takes effect here. If the session leaves phase active later than this, dropClaims
	// waits for the lock and drops the key; if it has left before, this sees it.
	if !s.touchActive() {
		return false, nil
	}
	c.add(s.home, strings.Clone(key))
	return true, nil
}

func validateClaim(key string) error {
	switch {
	case len(key) == 0 || len(key) > MaxClaimBytes:
		return fmt.Errorf("%w: the key is %d bytes, want 1 to %d", ErrInvalidClaim, len(key), MaxClaimBytes)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: the key is not UTF-8: %.64q", ErrInvalidClaim, key)
	}
	return nil
}

// claims are the keys that a session has claimed. mu guards both fields; no other lock is taken
// while it is held.
type claims struct {
	mu    sync.Mutex
	keys  map[string]uint32 // each with the number of those before it
	bytes int64             // what they count in Stats.Memory
}

// claimBytes is about what a key costs beside its bytes.
const claimBytes = 48

func (c *claims) add(home *shard, key string) {
	if c.keys == nil {
		c.keys = make(map[string]uint32)
	}
	c.keys[key] = uint32(len(c.keys))
	n := int64(len(key)) + claimBytes
	c.bytes += n
	home.extras.Add(n)
}

// claimBeyond is for shardaccess.Claim.
func (s *Session) claimBeyond(key string) bool {
	if s.stateNow().phase() != active {
		return true
	}
	c := s.withOptional().withClaims()
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, claimed := c.keys[key]; claimed {
		return false
	}
	if s.touchActive() { // see take
		c.add(s.home, strings.Clone(key))
	}
	return true
}

// reclaim claims keys that were claimed before, whatever Config.MaxClaims says.
func (s *Session) reclaim(keys []string) {
	if len(keys) == 0 {
		return
	}
	c := s.withOptional().withClaims()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		if _, claimed := c.keys[key]; !claimed {
			c.add(s.home, strings.Clone(key))
		}
	}
}

// dropClaims forgets the keys. The session is no longer active, so that none is added after this.
func (s *Session) dropClaims() {
	x := s.optional.Load()
	if x == nil {
		return
	}
	if c := x.claims.Load(); c != nil {
		c.mu.Lock()
		s.home.extras.Add(-c.bytes)
		c.keys, c.bytes = nil, 0
		c.mu.Unlock()
	}
}
