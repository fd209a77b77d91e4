package shard

import (
	"fmt"
	"time"

	"github.com/reprise-go/reprise/ring"
)

// Status is where a session is in its life.
type Status uint8

const (
	Active     Status = iota // takes events
	Finished                 // takes no more events; readable for Config.Linger
	Terminated               // ended by Terminate or Close
	Expired                  // ended for want of activity
)

func (s Status) String() string {
	switch s {
	case Active:
		return "active"
	case Finished:
		return "finished"
	case Terminated:
		return "terminated"
	case Expired:
		return "expired"
	}
	return fmt.Sprintf("Status(%d)", uint8(s))
}

// Info is what is known of one session at one moment.
type Info struct {
	ID string
	Metadata
	Created, LastActivity time.Time
	Status                Status
	Attached              int        // open streams
	Log                   ring.Stats // zero once the session has ended, except in OnEnd
}

// Stats describe a Manager. They cost the same however many sessions there are, and are exact when nothing else runs.
type Stats struct {
	Total    int   // sessions that answer Info: active and lingering ones
	Active   int   // sessions that Get finds: those that have not ended
	Attached int   // open streams
	Events   int64 // retained in all sessions
	Bytes    int64 // the same, in bytes as MaxBytes counts them
	Memory   int64 // estimate of the heap that the sessions hold, in bytes, overhead included

	Created    uint64 // sessions, ever
	Terminated uint64 // of these, ended by Terminate or Close
	Expired    uint64 // of these, ended for want of activity
	Finished   uint64 // of these, ended by themselves after Finish

	Appended   uint64 // events stored, ever
	Duplicates uint64 // appends refused for their event ID
	Evicted    uint64 // events dropped to stay within the limits
	Replayed   uint64 // events handed to readers that were stored before the reader came
	Gaps       uint64 // readers told that events are missing

	Visits uint64 // looks that expiry has taken at a session, ever: when it comes, when it ends, when it goes, and about once per TTL between

	AppendedBytes, EvictedBytes uint64 // as MaxBytes counts them, Size and Overhead; of what Appended and Evicted count
}
