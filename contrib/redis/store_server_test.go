package redis

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/rueidis"
)

// startServer starts a redis-server of the test's own and returns its address.
func startServer(t testing.TB) string {
	t.Helper()
	for range 10 {
		port := FreePort(t)
		if p := Start(t, port, "--save", "", "--dir", t.TempDir()); p != nil {
			t.Cleanup(p.Kill)
			return "127.0.0.1:" + port
		}
	}
	t.Fatal("redis-server does not start")
	return ""
}

func dial(t testing.TB, addr string) rueidis.Client {
	t.Helper()
	var client rueidis.Client
	Eventually(t, "the client is connected", func() bool {
		var err error
		client, err = rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{addr}, DisableCache: true})
		return err == nil
	})
	t.Cleanup(client.Close)
	return client
}

// newStore returns a Store that shares its sessions with no other one on the server, unless cfg has
// a Prefix.
func newStore(t testing.TB, client rueidis.Client, cfg Config) *Store {
	t.Helper()
	orElse(&cfg.Prefix, "test-"+randomText(tagLen))
	s, err := New(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// beside returns another Store with the sessions of s.
func beside(t testing.TB, s *Store) *Store {
	t.Helper()
	cfg := s.cfg
	if cfg.Linger == 0 { // which is not the default any more
		cfg.Linger = -1
	}
	return newStore(t, s.client, cfg)
}

// keysOf returns the names of all keys that a Store has.
func keysOf(t testing.TB, s *Store) []string {
	t.Helper()
	keys, err := s.client.Do(context.Background(), s.client.B().Keys().Pattern("{"+s.cfg.Prefix+"*").Build()).
		AsStrSlice()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func call(t testing.TB, s *Store, command ...string) string {
	t.Helper()
	m, err := s.client.Do(context.Background(), s.client.B().Arbitrary(command...).Build()).ToAny()
	if err != nil && !rueidis.IsRedisNil(err) {
		t.Fatalf("%s: %v", strings.Join(command, " "), err)
	}
	return fmt.Sprint(m)
}
