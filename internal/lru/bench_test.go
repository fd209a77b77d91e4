package lru

import (
	"fmt"
	"testing"
)

// One op finds a key and makes it the most recently used.
func BenchmarkSetOfAKnownKey(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			table := Table{Limit: 1 << 17}
			for i := range uint64(n) {
				table.Set(i*0x9e3779b97f4a7c15, i)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				table.Set(uint64(i%n)*0x9e3779b97f4a7c15, 1)
			}
		})
	}
}
