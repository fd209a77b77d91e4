package redis

import (
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/shard"
)

var (
	//go:embed lua/session.lua
	luaSession string
	//go:embed lua/append.lua
	luaAppend string
	//go:embed lua/read.lua
	luaRead string
	//go:embed lua/open.lua
	luaOpen string
	//go:embed lua/renew.lua
	luaRenew string
	//go:embed lua/detach.lua
	luaDetach string
	//go:embed lua/create.lua
	luaCreate string
	//go:embed lua/end.lua
	luaEnd string
	//go:embed lua/touch.lua
	luaTouch string
	//go:embed lua/info.lua
	luaInfo string
	//go:embed lua/update.lua
	luaUpdate string
	//go:embed lua/claim.lua
	luaClaim string
	//go:embed lua/hold.lua
	luaHold string
	//go:embed lua/place.lua
	luaPlace string
	//go:embed lua/expires.lua
	luaExpires string
	//go:embed lua/reserve.lua
	luaReserve string
	//go:embed lua/settle.lua
	luaSettle string
)

// scripts are the operations. All of them are sent as writing ones, so that no client hands any to
// a replica.
type scripts struct {
	append, read, open, renew, detach, create, end, touch, info, update *rueidis.Lua
	claim, hold, place, expires, reserve, settle                        *rueidis.Lua
}

// Scripts with allowed memory take little or give some back: they run on a server that is out of
// memory too.
const allowOOM = "#!lua flags=allow-oom\n"

func newScripts() scripts {
	names := luaNames()
	of := func(flags, body string) *rueidis.Lua { return rueidis.NewLuaScript(flags + names + luaSession + body) }
	return scripts{
		append: of("", luaAppend), create: of("", luaCreate), update: of("", luaUpdate), claim: of("", luaClaim),
		read: of("", luaRead), info: of("", luaInfo), expires: of("", luaExpires),
		open:  of(allowOOM, luaOpen),
		renew: of(allowOOM, luaRenew), detach: of(allowOOM, luaDetach), end: of(allowOOM, luaEnd),
		touch: of(allowOOM, luaTouch), hold: of(allowOOM, luaHold), place: of(allowOOM, luaPlace),
		reserve: rueidis.NewLuaScript(names + luaReserve), settle: rueidis.NewLuaScript(allowOOM + luaSettle),
	}
}

// settings packs what every script is told of the Config: its fingerprint, Linger and Lease, in
// milliseconds.
func settings(c Config) string {
	b := binary.LittleEndian.AppendUint32(nil, c.fingerprint())
	for _, d := range []time.Duration{c.Linger, c.Lease} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(d.Milliseconds())))
	}
	return string(b)
}

// run runs a script of a session until it was answered, ctx or Config.Timeout ends, or there is no
// hope. A refusal is an error. again, if set, returns the arguments of another attempt, when so
// much time has passed since the first.
func (s *Store) run(
	ctx context.Context, script *rueidis.Lua, id string, args []string, again func(since time.Duration) []string,
) (m rueidis.RedisMessage, err error) {
	if s.closed.Load() {
		return m, shard.ErrClosed
	}
	if m, err = s.attempt(ctx, script, s.buckets.keys(id), args, again); err == nil {
		err = refused(m, id)
	}
	return m, err
}

// attempt is run on a Store that may be closed, with any keys; a refusal is an answer.
func (s *Store) attempt(
	parent context.Context, script *rueidis.Lua, keys, args []string, again func(time.Duration) []string,
) (rueidis.RedisMessage, error) {
	ctx, cancel := s.bound(parent)
	defer cancel()
	start := time.Now()
	for wait := (backoff{}); ; {
		m, err := script.Exec(ctx, s.client, keys, args).ToMessage()
		if err == nil || rueidis.IsRedisNil(err) {
			return m, nil
		}
		if !passing(err) {
			return m, failure(parent, err)
		}
		if moving(err) && len(keys) > 1 && s.absent(ctx, keys[0]) {
			if script != s.scripts.create {
				_, id, _ := strings.Cut(keys[0], "}s:")
				return m, refusal(codeNotFound, id)
			}
			keys = keys[:1] // all that a new session needs to be told
			continue
		}
		if !wait.pause(ctx) {
			return m, failure(parent, err)
		}
		if again != nil {
			args = again(time.Since(start))
		}
	}
}

// absent reports whether a session is not there at all. A cluster that moves a slot refuses every
// script that names several keys of which none exists, and so does not say that; one that names a
// single key is answered by one side or the other.
func (s *Store) absent(ctx context.Context, state string) bool {
	n, err := s.client.Do(ctx, s.client.B().Exists().Key(state).Build()).AsInt64()
	return err == nil && n == 0
}

// bound returns a context that ends with Config.Timeout too.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.cfg.Timeout, errTimeout)
}

// backoff is how long to pause before trying again: from about 5 ms, twice as long each time, to
// 250 ms.
type backoff struct{ next time.Duration }

// pause returns false when ctx has ended.
func (b *backoff) pause(ctx context.Context) bool {
	b.next = min(max(5*time.Millisecond, 2*b.next), 250*time.Millisecond)
	select {
	case <-time.After(b.next/2 + rand.N(b.next)):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// list runs a script that answers a list.
func (s *Store) list(
	ctx context.Context, script *rueidis.Lua, id string, args []string,
) ([]rueidis.RedisMessage, error) {
	m, err := s.run(ctx, script, id, args, nil)
	if err != nil {
		return nil, err
	}
	return listOf(m)
}

func listOf(m rueidis.RedisMessage) ([]rueidis.RedisMessage, error) {
	list, err := m.ToArray()
	if err != nil {
		return nil, fmt.Errorf("%w: unexpected answer: %w", ErrUnavailable, err)
	}
	return list, nil
}

// do runs a script that answers a number.
func (s *Store) do(ctx context.Context, script *rueidis.Lua, id string, args []string) error {
	m, err := s.run(ctx, script, id, args, nil)
	if err != nil {
		return err
	}
	n, err := m.AsInt64()
	if err != nil {
		return fmt.Errorf("%w: unexpected answer: %w", ErrUnavailable, err)
	}
	s.hinted(id, n)
	return nil
}

func unexpected(parts int) error {
	return fmt.Errorf("%w: unexpected answer of %d parts", ErrUnavailable, parts)
}

func number(m rueidis.RedisMessage) int64 {
	n, _ := m.AsInt64()
	return n
}

func text(m rueidis.RedisMessage) string {
	s, _ := m.ToString()
	return s
}
