package durablestreams

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// Cursors count intervals since an epoch (section 10.1), so that the URLs of live reads change as
// time goes by and no cache serves an old answer for ever.
const (
	cursorInterval = 20 * time.Second
	maxCursorJump  = time.Hour
)

var cursorEpoch = time.Date(2024, time.October, 9, 0, 0, 0, 0, time.UTC)

// nextCursor returns the cursor of now, or one that is greater than the client's if the client is
// there already.
func nextCursor(client string, now time.Time) string {
	current := int64(now.Sub(cursorEpoch) / cursorInterval)
	if theirs, err := strconv.ParseInt(client, 10, 53); err == nil && theirs >= current {
		current = theirs + 1 + rand.Int64N(int64(maxCursorJump/cursorInterval))
	}
	return strconv.FormatInt(current, 10)
}
