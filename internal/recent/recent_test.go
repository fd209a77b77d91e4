package recent

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAValueIsFoundOutAgainWhenItIsOld(t *testing.T) {
	for _, c := range []struct{ takes, kept time.Duration }{
		{0, minAge}, {time.Millisecond, minAge}, {time.Second, 20 * time.Second}, {time.Minute, 20 * time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			var v Value[int]
			n := 0
			get := func() int {
				return v.Get(func() int {
					time.Sleep(c.takes)
					n++
					return n
				})
			}
			for range 3 {
				if got := get(); got != 1 {
					t.Errorf("it takes %v: found out %d times at once", c.takes, got)
				}
			}
			time.Sleep(c.kept - 1)
			if get() != 1 {
				t.Errorf("it takes %v: found out before %v", c.takes, c.kept)
			}
			time.Sleep(time.Nanosecond)
			if get() != 2 {
				t.Errorf("it takes %v: kept for more than %v", c.takes, c.kept)
			}
		})
	}
}
