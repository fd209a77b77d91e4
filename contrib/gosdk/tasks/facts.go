package tasks

import (
	"fmt"
	"time"

	"github.com/reprise-go/reprise/shard"
)

// What tells sessions of this package from others in the same Store.
const (
	transportTask   = "mcp-task"
	transportRunner = "mcp-task-runner"
	// principalRunner keeps a runner's session from whoever asks for it over HTTP.
	principalRunner = "gosdk/tasks runner"
)

// facts are what is true of a task from its creation on. They are in its session's metadata, where
// no eviction can reach them.
type facts struct {
	Tool    string
	Created time.Time
	TTL     time.Duration // negative: for ever
	Poll    time.Duration
	Runner  string // the session of the process that runs it
}

// metadata is what a task's session gets. All values are text, which each Store brings back as it
// was.
func (f facts) metadata(principal string) shard.Metadata {
	return shard.Metadata{Transport: transportTask, Principal: principal, ClientInfo: map[string]any{
		"tool": f.Tool, "created": f.Created.UTC().Format(time.RFC3339Nano),
		"ttl": f.TTL.String(), "pollInterval": f.Poll.String(), "runner": f.Runner,
	}}
}

func factsOf(info shard.Info) (f facts, err error) {
	field := func(name string) string {
		text, _ := info.ClientInfo[name].(string)
		return text
	}
	f.Tool, f.Runner = field("tool"), field("runner")
	if f.Created, err = time.Parse(time.RFC3339Nano, field("created")); err == nil {
		if f.TTL, err = time.ParseDuration(field("ttl")); err == nil {
			f.Poll, err = time.ParseDuration(field("pollInterval"))
		}
	}
	if err != nil {
		return f, fmt.Errorf("tasks: metadata of task %.64q: %w", info.ID, err)
	}
	return f, nil
}
