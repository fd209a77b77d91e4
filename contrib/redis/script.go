package redis

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/redis/rueidis"
	"github.com/reprise-go/reprise/ring"
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
	//go:embed lua/expires.lua
	luaExpires string
	//go:embed lua/reserve.lua
	luaReserve string
	//go:embed lua/settle.lua
	luaSettle string
)

// scripts are the operations. All of them are sent as writing ones, so that no client hands any to a replica.
type scripts struct {
	append, read, open, renew, detach, create, end, touch, info, update, expires, reserve, settle *rueidis.Lua
}

// Scripts with allowed memory take little or give some back: they run on a server that is out of memory too.
const allowOOM = "#!lua flags=allow-oom\n"

func newScripts() scripts {
	of := func(flags, body string) *rueidis.Lua { return rueidis.NewLuaScript(flags + luaSession + body) }
	return scripts{
		append: rueidis.NewLuaScript(luaAppend),
		read:   of("", luaRead), open: of(allowOOM, luaOpen), renew: of(allowOOM, luaRenew), detach: of(allowOOM, luaDetach),
		create: of("", luaCreate), end: of(allowOOM, luaEnd), touch: of(allowOOM, luaTouch), info: of("", luaInfo),
		update: of("", luaUpdate), expires: of("", luaExpires),
		reserve: rueidis.NewLuaScript(luaReserve), settle: rueidis.NewLuaScript(allowOOM + luaSettle),
	}
}

// limits packs what every script is told of the Config, as five doubles, times in milliseconds.
func limits(c Config) string {
	var b []byte
	for _, n := range []int64{int64(c.Ring.MaxEvents), int64(c.Ring.MaxBytes), c.TTL.Milliseconds(), c.Linger.Milliseconds(), c.Lease.Milliseconds()} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(n)))
	}
	return string(b)
}

// refusal is the error for the number that a script answers.
func refusal(n int64, id string) error {
	switch n {
	case 1:
		return about(shard.ErrNotFound, id)
	case 2:
		return about(shard.ErrFinished, id)
	case 4:
		return about(shard.ErrExists, id)
	case 5:
		return about(shard.ErrAttachLimit, id)
	case 6:
		return ring.ErrEvicted
	case 7:
		return ring.ErrUnknownID
	case 8:
		return fmt.Errorf("%w: %w", ring.ErrEvicted, ErrLost)
	case 9:
		return errConflict
	case 10:
		return fmt.Errorf("%w: the answer to an append was lost, and with it whether the event was stored before others pushed it out", ErrUnavailable)
	case 11:
		return about(shard.ErrPrincipal, id)
	}
	return fmt.Errorf("%w: a script answered %d", ErrUnavailable, n)
}

// errConflict means that somebody else was faster, or the call too slow; it does not leave the package.
var errConflict = errors.New("redis: try again")

// run runs a script until it was answered, ctx or Config.Timeout ends, or there is no hope. again, if set, returns the arguments of
// another attempt, when so much time has passed since the first.
func (s *Store) run(
	ctx context.Context, script *rueidis.Lua, keys, args []string, again func(since time.Duration) []string,
) (rueidis.RedisMessage, error) {
	if s.closed.Load() {
		return rueidis.RedisMessage{}, shard.ErrClosed
	}
	return s.attempt(ctx, script, keys, args, again)
}

// attempt is run on a Store that may be closed.
func (s *Store) attempt(
	parent context.Context, script *rueidis.Lua, keys, args []string, again func(time.Duration) []string,
) (rueidis.RedisMessage, error) {
	ctx, cancel := context.WithTimeout(parent, s.cfg.Timeout)
	defer cancel()
	start := time.Now()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		m, err := script.Exec(ctx, s.client, keys, args).ToMessage()
		if err == nil || rueidis.IsRedisNil(err) {
			return m, nil
		}
		if !passing(err) {
			return m, failure(parent, err)
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return m, failure(parent, err)
		}
		if again != nil {
			args = again(time.Since(start))
		}
	}
}

// list runs a script that answers a list, or the number of a refusal.
func (s *Store) list(ctx context.Context, script *rueidis.Lua, id string, keys, args []string) ([]rueidis.RedisMessage, error) {
	m, err := s.run(ctx, script, keys, args, nil)
	if err != nil {
		return nil, err
	}
	return listOf(m, id)
}

func listOf(m rueidis.RedisMessage, id string) ([]rueidis.RedisMessage, error) {
	if m.IsInt64() {
		n, _ := m.AsInt64()
		return nil, refusal(n, id)
	}
	list, err := m.ToArray()
	if err != nil {
		return nil, fmt.Errorf("%w: unexpected answer: %w", ErrUnavailable, err)
	}
	return list, nil
}

// do runs a script that answers 0, or the number of a refusal.
func (s *Store) do(ctx context.Context, script *rueidis.Lua, id string, keys, args []string) error {
	m, err := s.run(ctx, script, keys, args, nil)
	if err != nil {
		return err
	}
	if n, err := m.AsInt64(); err != nil {
		return fmt.Errorf("%w: unexpected answer: %w", ErrUnavailable, err)
	} else if n != 0 {
		return refusal(n, id)
	}
	return nil
}

func number(m rueidis.RedisMessage) int64 {
	n, _ := m.AsInt64()
	return n
}

func text(m rueidis.RedisMessage) string {
	s, _ := m.ToString()
	return s
}
