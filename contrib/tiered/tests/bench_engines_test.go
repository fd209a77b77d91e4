package tests

import (
	"context"
	"encoding/binary"
	"path/filepath"
	"testing"

	pebbledb "github.com/cockroachdb/pebble/v2"
	"github.com/redis/rueidis"

	"github.com/reprise-go/reprise/contrib/pebble"
	"github.com/reprise-go/reprise/contrib/redis"
	"github.com/reprise-go/reprise/replay"
	"github.com/reprise-go/reprise/ring"
	"github.com/reprise-go/reprise/shard"
)

func (s counted) CreateHeld(ctx context.Context, o shard.Options, l replay.Lease) (replay.Writer, error) {
	w, err := s.whole.CreateHeld(ctx, o, l)
	if err != nil {
		return nil, err
	}
	return countedWriter{w, s}, nil
}

type countedWriter struct {
	replay.Writer
	store counted
}

func (w countedWriter) Append(ctx context.Context, es []ring.Event) error {
	err := w.Writer.Append(ctx, es)
	if err == nil {
		w.store.events.Add(int64(len(es)))
	}
	return err
}

func pebbleEngine(*testing.B) engine {
	return engine{
		open: func(b *testing.B) whole { return newPebble(b, filepath.Join(b.TempDir(), "d"), pebble.Config{}) },
		bare: barePebble,
	}
}

// barePebble has each writer give the engine one event a batch, with a sync; under the options that
// contrib/pebble has.
func barePebble(b *testing.B) func(writer, n int) error {
	cache := pebbledb.NewCache(64 << 20)
	defer cache.Unref()
	db, err := pebbledb.Open(b.TempDir(), &pebbledb.Options{
		FormatMajorVersion: pebbledb.FormatNewest, MemTableSize: 32 << 20, Cache: cache, Logger: silent{},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	data := make([]byte, benchBytes)
	return func(w, n int) error {
		key := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64([]byte{'e'}, uint64(w)), uint64(n))
		return db.Set(key, data, pebbledb.Sync)
	}
}

type silent struct{}

func (silent) Infof(string, ...any)  {}
func (silent) Errorf(string, ...any) {}
func (silent) Fatalf(string, ...any) {}

func redisEngine(b *testing.B) engine {
	addr := newServer(b).addr
	return engine{
		open: func(b *testing.B) whole { return newRedis(b, addr, redis.Config{}).(whole) },
		bare: func(b *testing.B) func(writer, n int) error { return bareRedis(b, addr) },
	}
}

// bareRedis has the writers share a client, which sends what comes together in one go.
func bareRedis(b *testing.B, addr string) func(writer, n int) error {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	data, ctx := string(make([]byte, benchBytes)), b.Context()
	return func(w, _ int) error {
		xadd := client.B().Xadd().Key("bare-" + string(rune('a'+w))).Maxlen().Almost().Threshold("1000").Id("*")
		return client.Do(ctx, xadd.FieldValue().FieldValue("d", data).Build()).Error()
	}
}
