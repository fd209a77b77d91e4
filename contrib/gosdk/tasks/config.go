package tasks

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/reprise-go/reprise/ring"
)

// Defaults of a Config.
const (
	DefaultTTL            = time.Hour
	DefaultPollInterval   = time.Second
	DefaultLease          = 15 * time.Second
	DefaultMaxResultBytes = 1 << 20
	DefaultMaxEvents      = 256
)

// envelope is how much larger than its result an event may be: what else is said of the task.
const envelope = 64 << 10

// A Config is what an [Extension] does differently from the default. The zero Config is ready for
// use.
type Config struct {
	// Principal tells who makes a request; "" is nobody in particular. A task belongs to the
	// principal of the call that began it, and anybody else is answered as if there were no such
	// task. Behind the SDK's auth.RequireBearerToken it is the UserID of
	// auth.TokenInfoFromContext(r.Context()). Default: nobody is told from anybody, so that whoever
	// knows a task's ID may use it.
	Principal func(*http.Request) string

	// TTL is how long a task lives from its creation on, from 1 s; negative: for ever (ttlMs is
	// null). A tool that is still working then is stopped, and its task fails. A task that is done
	// can be asked for its result until the TTL has passed without anybody doing so, and for a TTL
	// after it was done at most. Default: [DefaultTTL].
	TTL time.Duration

	// PollInterval is how often a client is told to ask, from 1 ms to 1 hour. Default:
	// [DefaultPollInterval].
	PollInterval time.Duration

	// Lease is how long a process may give no sign of life before its tasks are failed, from 100 ms
	// to 1 hour. It gives one three times in that time, whatever the number of its tasks. Default:
	// [DefaultLease].
	Lease time.Duration

	// MaxResultBytes bounds the JSON of what a tool gives: its result, its error, a partial result,
	// one round of questions; and of one answer of the client's. From 1 KiB to 64 MiB. Default:
	// [DefaultMaxResultBytes].
	MaxResultBytes int

	// MaxEvents is how many events of a task are kept, the newest, from 16 to 1,000,000. What
	// tasks/get answers needs few of them, but reads all. Default: [DefaultMaxEvents].
	MaxEvents int

	// MaxRequestBodyBytes is to be what mcp.StreamableHTTPOptions has under that name: it bounds
	// the requests at which Extension.Handler looks itself. Negative: unlimited.
	MaxRequestBodyBytes int64

	// Finish ends a task's session for writers with its last event, so that its readers end too.
	// The Store then keeps it for its Linger instead of the TTL: this is for a Store whose Linger
	// is no shorter than the tasks' TTL, which is what clients are promised. Default: the session
	// stays open until it expires, and readers know the end by the event's type.
	Finish bool

	// Logger is told of a failing Store and of tasks that were lost (Warn), and of tools that
	// panicked (Error). Default: silent.
	Logger *slog.Logger
}

// withDefaults fills in what is zero. The error names the field that is out of range.
func (c Config) withDefaults() (Config, error) {
	if c.Principal == nil {
		c.Principal = func(*http.Request) string { return "" }
	}
	c.TTL = cmp.Or(c.TTL, DefaultTTL)
	c.PollInterval = cmp.Or(c.PollInterval, DefaultPollInterval)
	c.Lease = cmp.Or(c.Lease, DefaultLease)
	c.MaxResultBytes = cmp.Or(c.MaxResultBytes, DefaultMaxResultBytes)
	c.MaxEvents = cmp.Or(c.MaxEvents, DefaultMaxEvents)
	c.MaxRequestBodyBytes = cmp.Or(c.MaxRequestBodyBytes, mcp.DefaultMaxRequestBodyBytes)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := checkTimes("Config", c.TTL, c.PollInterval); err != nil {
		return c, err
	}
	switch {
	case c.Lease < 100*time.Millisecond || c.Lease > time.Hour:
		return c, fmt.Errorf("tasks: Config.Lease is %v, want 0 (default) or 100ms to 1h", c.Lease)
	case c.MaxResultBytes < 1<<10 || c.MaxResultBytes > 64<<20:
		return c, fmt.Errorf("tasks: Config.MaxResultBytes is %d, want 0 (default) or 1 KiB to 64 MiB",
			c.MaxResultBytes)
	case c.MaxEvents < 16 || c.MaxEvents > 1_000_000:
		return c, fmt.Errorf("tasks: Config.MaxEvents is %d, want 0 (default) or 16 to 1000000", c.MaxEvents)
	}
	return c, nil
}

func checkTimes(what string, ttl, poll time.Duration) error {
	switch {
	case ttl >= 0 && ttl < time.Second:
		return fmt.Errorf("tasks: %s.TTL is %v, want 0 (default), negative (for ever) or at least 1s", what, ttl)
	case poll < time.Millisecond || poll > time.Hour:
		return fmt.Errorf("tasks: %s.PollInterval is %v, want 0 (default) or 1ms to 1h", what, poll)
	}
	return nil
}

// limits are those of a task's session. Whatever is newest fits beside one that is as large.
func (c Config) limits() ring.Config {
	event := c.MaxResultBytes + envelope
	return ring.Config{MaxEvents: c.MaxEvents, MaxEventBytes: event, MaxBytes: max(8<<20, 4*event)}
}

// Options are what one call's task has differently from others. The zero Options have nothing.
type Options struct {
	// Required refuses clients that take no tasks: they get the error that the extension has for
	// it. Otherwise the call goes on for them as before.
	Required bool

	TTL          time.Duration // as in Config; 0: Config.TTL
	PollInterval time.Duration // as in Config; 0: Config.PollInterval
}

func (o Options) withDefaults(c Config) (Options, error) {
	o.TTL, o.PollInterval = cmp.Or(o.TTL, c.TTL), cmp.Or(o.PollInterval, c.PollInterval)
	return o, checkTimes("Options", o.TTL, o.PollInterval)
}

// Why a task's context ends, as context.Cause says, and what else goes wrong.
var (
	// ErrCancelled means that the client has cancelled the task.
	ErrCancelled = errors.New("tasks: the client has cancelled the task")
	// ErrExpired means that the task's TTL has passed.
	ErrExpired = errors.New("tasks: the task's TTL has passed")
	// ErrLost means that the task has been ended from outside: because this process gave no sign of
	// life for longer than its lease, or because somebody has ended the task's session.
	ErrLost = errors.New("tasks: the task was ended by somebody else")
	// ErrClosed means that the Extension is closed, or was while the task was still working.
	ErrClosed = errors.New("tasks: the server is shutting down")

	// ErrNoTask means that a call is no task.
	ErrNoTask = errors.New("tasks: the call is no task")
	// ErrEnded means that the task has ended, so that nothing can be added to it.
	ErrEnded = errors.New("tasks: the task has ended")
	// ErrTooLarge means that something is larger than Config.MaxResultBytes.
	ErrTooLarge = errors.New("tasks: too large")
	// ErrNotInstalled means that a context is not one that an Extension's middleware has made.
	ErrNotInstalled = errors.New("tasks: the call came past the extension: see Extension.Install")
)
