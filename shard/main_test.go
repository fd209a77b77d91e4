package shard_test

import (
	"testing"

	"github.com/reprise-go/reprise/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
