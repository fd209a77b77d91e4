package tests

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/contrib/tiered"
	"github.com/reprise-go/reprise/internal/testkit"
	"github.com/reprise-go/reprise/internal/testkit/proxy"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

// TestChaosBesideLocal makes the same calls on a tiered Store and on Local, from several
// goroutines, while calls to the Store behind fail in every way, and wants the same answers. It
// begins games for as long as REPRISE_CHAOS says: over Redis and over Pebble, beside each other. A
// seed does not repeat a game, for goroutines run as they like.
func TestChaosBesideLocal(t *testing.T) {
	for name, behind := range map[string]func(testing.TB, int) *behind{"redis": redisBehind, "pebble": pebbleBehind} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			end := time.Now().Add(chaosTime(t))
			for seed := uint64(1); time.Now().Before(end) && !t.Failed(); seed++ {
				t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { newGame(t, seed, behind).play() })
			}
		})
	}
}

// chaosTime is for how long games begin: REPRISE_CHAOS, or some seconds.
func chaosTime(t testing.TB) time.Duration {
	text := os.Getenv("REPRISE_CHAOS")
	if text == "" {
		return 20 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("REPRISE_CHAOS: %v", err)
	}
	return d
}

// A behind is what stands behind, and what can be done to it.
type behind struct {
	store
	disturb func(n int)     // something of its own kind, for a moment
	keys    func() []string // that are left; nil where that cannot be seen
	mortal  func() bool     // every key has an expiry

	overTheWire bool // what was sent before a connection broke may land later
}

const (
	players     = 4
	steps       = 500 // of each player in a game, at most
	gameTime    = 3 * time.Second
	briefTTL    = time.Second
	frontLimit  = 1000
	behindLimit = 24 // sessions: less than the players make
)

func pebbleBehind(t testing.TB, linger int) *behind {
	s, err := pebble.Open(filepath.Join(t.TempDir(), "d"), pebble.Config{
		MaxSessions: behindLimit, MaxClaims: 3, Linger: time.Duration(linger), SyncEvery: time.Hour, MinFree: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &behind{store: s, disturb: func(int) {}}
}

// redisBehind is a server of the game's own behind a proxy.
func redisBehind(t testing.TB, linger int) *behind {
	server := newServer(t)
	cable := proxy.New(t, server.addr)
	prefix := fmt.Sprint("chaos", prefixes.Add(1))
	s := newRedis(t, cable.Addr(), redis.Config{
		Prefix: prefix, MaxSessions: behindLimit, MaxClaims: 3, Linger: time.Duration(linger), Lease: time.Second,
		// so long a place may be taken in vain; sessions have a TTL of their own
		Timeout: 10 * time.Second, TTL: 2 * time.Second,
	})
	direct, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{server.addr}, DisableCache: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(direct.Close)
	ask := func(words ...string) rueidis.RedisResult {
		return direct.Do(context.Background(), direct.B().Arbitrary(words...).Build())
	}
	keys := func() []string {
		keys, err := ask("KEYS", "{"+prefix+"*").AsStrSlice()
		if err != nil {
			t.Error(err)
		}
		return keys
	}
	return &behind{store: s.(store), overTheWire: true, keys: keys, disturb: func(n int) {
		switch n % 3 {
		case 0:
			cable.Cut()
		case 1:
			cable.CutAfter(1 + n%2000)
		case 2:
			server.signal(t, syscall.SIGSTOP)
			<-time.After(time.Duration(n%100) * time.Millisecond)
			server.signal(t, syscall.SIGCONT)
		}
	}, mortal: func() bool {
		for _, key := range keys() {
			if ttl, err := ask("PTTL", key).AsInt64(); err != nil || ttl == -1 {
				t.Logf("%s: expiry %d, %v", key, ttl, err)
				return false
			}
		}
		return true
	}}
}

// A game is one Store in front of one behind it, and the players.
type game struct {
	testing.TB
	seed   uint64
	reuse  bool // sessions do not linger: their IDs are used again at once
	sync   bool
	behind *behind
	faulty faulty
	store  *tiered.Store
	local  replay.Store
	end    time.Time // of play

	players []*player
	team    *team
}

var chaosRing = ring.Config{MaxEvents: 8, MaxBytes: 2000, MaxEventBytes: 500}

func newGame(t testing.TB, seed uint64, make func(testing.TB, int) *behind) *game {
	t.Helper()
	g := &game{TB: t, seed: seed, reuse: seed%4 != 0, sync: seed%2 == 1}
	linger := -1
	if !g.reuse {
		linger = int(time.Hour)
	}
	g.behind = make(t, linger)
	g.faulty = faulty{g.behind.store, newFaults(seed)}
	g.faulty.overTheWire = g.behind.overTheWire
	cfg := shard.Config{MaxSessions: frontLimit, MaxPerPrincipal: 4, MaxAttached: 3, MaxClaims: 3, Ring: chaosRing,
		Linger: time.Duration(linger)}
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	g.local = replay.Local(m)
	g.store = g.open(g.faulty, 200*time.Millisecond)
	for n := range players {
		g.players = append(g.players, newPlayer(g, n))
	}
	g.team = newTeam(g)
	return g
}

func (g *game) open(back replay.Store, timeout time.Duration) *tiered.Store {
	return newTiered(g, back, tiered.Config{Sync: g.sync, Holder: "chaos", Term: 600 * time.Millisecond,
		Timeout: timeout, Copiers: 8,
		Shard: shard.Config{MaxSessions: frontLimit, MaxPerPrincipal: 4, MaxAttached: 3, MaxClaims: 3, Ring: chaosRing,
			Linger: map[bool]time.Duration{true: -1, false: time.Hour}[g.reuse]}})
}

// play lets everybody play in bad weather, and then looks at what has become of it.
func (g *game) play() {
	g.end = time.Now().Add(gameTime)
	var playing sync.WaitGroup
	stop := make(chan struct{})
	var weather sync.WaitGroup
	weather.Go(func() { g.weather(stop) })
	for _, p := range g.players {
		playing.Go(p.play)
	}
	g.team.play(&playing)
	playing.Wait()
	close(stop)
	weather.Wait()
	testkit.Eventually(g, "no call is late", g.faulty.quiet)
	if g.Failed() {
		return
	}
	g.finish()
	calls := 0
	for _, p := range g.players {
		calls += p.calls
	}
	g.Logf("%d calls, %d faults, %d late appends", calls, g.faulty.made.Load(), g.unconfirmed())
}

func (g *game) unconfirmed() (n int) {
	for _, p := range g.players {
		n += p.unconfirmed
	}
	return n
}

// weather makes it good, bad, and so bad that sessions behind expire.
func (g *game) weather(stop chan struct{}) {
	rnd := newRand(g.seed, 99)
	defer g.faulty.set(0, false) // at the end it is good, so that every call comes to an end
	for time.Now().Before(g.end) {
		d := time.Duration(20+rnd.IntN(100)) * time.Millisecond
		switch n := rnd.IntN(10); {
		case n == 0: // longer than a brief session lives without a sign of life
			g.faulty.set(0, true)
			d = briefTTL * 3 / 2
		case n < 3:
			g.faulty.set(0, false)
		case n < 6:
			g.behind.disturb(rnd.IntN(1 << 20))
		default:
			g.faulty.set(20+rnd.IntN(300), false)
		}
		select {
		case <-time.After(d):
		case <-stop:
			return
		}
	}
}

// sentinels are what errors are compared by.
var sentinels = []error{
	shard.ErrNotFound, shard.ErrExists, shard.ErrAttachLimit, shard.ErrSessionLimit, shard.ErrClaimed,
	shard.ErrClaimLimit, shard.ErrInvalidClaim, shard.ErrPrincipal, ring.ErrDuplicateID, ring.ErrEventTooLarge,
	ring.ErrInvalidEvent, ring.ErrEvicted, ring.ErrUnknownID,
}

const unclear = "the call has failed"

// kind names an error. Without Linger, a session that has finished ends when its readers have gone:
// each Store notices in its own time.
func kind(err error) string {
	if err == nil {
		return "no error"
	}
	if errors.Is(err, shard.ErrFinished) {
		err = shard.ErrNotFound
	}
	for _, s := range sentinels {
		if errors.Is(err, s) {
			return s.Error()
		}
	}
	if errors.Is(err, errFault) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, redis.ErrUnavailable) {
		return unclear
	}
	return "another error: " + err.Error()
}

// drained waits until everything is behind.
func (g *game) drained(id string) {
	g.Helper()
	testkit.Eventually(g, "everything of "+id+" is copied", func() bool { return g.store.Lag(id) == 0 })
}

// leftovers are the keys that sessions have left, but for those of the registry, which expire.
func (g *game) leftovers() (left []string) {
	for _, key := range g.behind.keys() {
		if !strings.Contains(key, "}places") {
			left = append(left, key)
		}
	}
	return left
}
