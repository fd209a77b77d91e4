package mint

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func TestUUIDIsARandomUUIDOfVersion4(t *testing.T) {
	var m Minter
	for range 1000 {
		id, err := uuid.Parse(m.UUID())
		if err != nil || id.Version() != 4 || id.Variant() != uuid.RFC4122 {
			t.Fatalf("%v (version %v, variant %v): %v", id, id.Version(), id.Variant(), err)
		}
	}
}

func TestNoIDIsHandedOutTwice(t *testing.T) {
	const goroutines, each = 8, 20_000
	var m Minter
	var wg sync.WaitGroup
	ids := make([][]string, goroutines)
	for g := range ids {
		wg.Go(func() {
			for range each {
				ids[g] = append(ids[g], m.UUID())
			}
		})
	}
	wg.Wait()
	all := slices.Concat(ids...)
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != goroutines*each {
		t.Fatalf("%d different IDs of %d", n, goroutines*each)
	}
}

func TestEveryRandomByteIsUsedOnceAndWiped(t *testing.T) {
	b := &buffer{next: page}
	for n := range 3 * page / 16 {
		b.uuid()
		if want := n*16%page + 16; b.next != want {
			t.Fatalf("after %d IDs, %d bytes are used, want %d", n+1, b.next, want)
		}
		for i, v := range b.data[:b.next] {
			if v != 0 {
				t.Fatalf("byte %d of %d used ones is %d", i, b.next, v)
			}
		}
	}
}

func BenchmarkUUID(b *testing.B) {
	var m Minter
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			m.UUID()
		}
	})
}
