package shard

import "fmt"

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
