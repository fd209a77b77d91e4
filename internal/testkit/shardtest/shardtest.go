// Package shardtest makes managers and sessions for the tests of several modules.
package shardtest

import (
	"testing"

	"github.com/reprise-go/reprise/shard"
)

// New returns a manager that is closed with the test.
func New(t testing.TB, cfg shard.Config) *shard.Manager {
	t.Helper()
	m, err := shard.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// Create creates a session that belongs to principal, "" for nobody.
func Create(t testing.TB, m *shard.Manager, id, principal string) *shard.Session {
	t.Helper()
	s, err := m.CreateWithID(id, shard.Metadata{Principal: principal})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
