package pebble

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A disk says whether there is room. It looks at most every 50 ms, or as often as a MiB was asked
// for.
type disk struct {
	fs  vfs.FS
	dir string
	min int64

	looked atomic.Int64 // when, in nanoseconds since 1970
	free   atomic.Int64 // what there was then
}

func (d *disk) check() error {
	if d.min < 0 {
		return nil
	}
	now := time.Now().UnixNano()
	if last := d.looked.Load(); now-last > int64(50*time.Millisecond) || now < last {
		usage, err := d.fs.GetDiskUsage(d.dir)
		if err != nil {
			return nil // the file system cannot say
		}
		d.free.Store(int64(min(usage.AvailBytes, 1<<62)))
		d.looked.Store(now)
	}
	if free := d.free.Load(); free < d.min {
		return fmt.Errorf("%w: %d bytes are free, Config.MinFree is %d", ErrDiskFull, free, d.min)
	}
	return nil
}
