package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"
)

// config is what the command line sets, and what only tests do.
type config struct {
	sessions  int           // of the load
	eventSize int           // of the load, in bytes
	duration  time.Duration // of the load
	addr      string        // of serve
	seed      uint64        // of what happens at random

	events   int           // notifications that the tool sends in part 1
	interval time.Duration // between two of them
	cuts     int           // of the connection meanwhile
	durable  int           // events of part 3
}

const (
	minEventSize = 16 // room for the number that the followers check
	maxEventSize = 1 << 20
	maxSessions  = 1_000_000
	maxVolume    = 512 << 20 // bytes of data when every session has one event
	minDuration  = 100 * time.Millisecond
	maxDuration  = 10 * time.Minute
)

func defaults() config {
	return config{
		sessions: 10_000, eventSize: 256, duration: 5 * time.Second, addr: "127.0.0.1:8080", seed: rand.Uint64(),
		events: 2000, interval: 2 * time.Millisecond, cuts: 10, durable: 1000,
	}
}

// parse reads a command line. Its errors name the flag and the value; flag.ErrHelp asks for help.
func parse(args []string) (config, error) {
	cfg := defaults()
	flags := flagSet(&cfg)
	if err := flags.Parse(args); err != nil {
		return cfg, err
	}
	if flags.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q: the only command is serve, and it comes first", flags.Arg(0))
	}
	return cfg, cfg.check()
}

func flagSet(cfg *config) *flag.FlagSet {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	flags.IntVar(&cfg.sessions, "sessions", cfg.sessions, "")
	flags.IntVar(&cfg.eventSize, "event-size", cfg.eventSize, "")
	flags.DurationVar(&cfg.duration, "duration", cfg.duration, "")
	flags.StringVar(&cfg.addr, "addr", cfg.addr, "")
	flags.Uint64Var(&cfg.seed, "seed", cfg.seed, "")
	return flags
}

func (c config) check() error {
	if c.sessions < 1 || c.sessions > maxSessions {
		return fmt.Errorf("-sessions is %d, want 1 to %s", c.sessions, grouped(maxSessions))
	}
	if c.eventSize < minEventSize || c.eventSize > maxEventSize {
		return fmt.Errorf("-event-size is %d, want %d to %s bytes", c.eventSize, minEventSize, grouped(maxEventSize))
	}
	if c.sessions*c.eventSize > maxVolume {
		return fmt.Errorf(
			"-sessions is %d and -event-size %d, want a product of %s bytes at most",
			c.sessions,
			c.eventSize,
			grouped(maxVolume),
		)
	}
	if c.duration < minDuration || c.duration > maxDuration {
		return fmt.Errorf("-duration is %v, want %v to %v", c.duration, minDuration, maxDuration)
	}
	_, port, err := net.SplitHostPort(c.addr)
	if err != nil {
		return fmt.Errorf("-addr is %q, want host:port, such as 127.0.0.1:8080", c.addr)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("-addr is %q, want a port from 0 to 65535, not %d or %q", c.addr, n, port)
	}
	return nil
}

func help() string {
	d := defaults()
	return strings.TrimLeft(fmt.Sprintf(`
Reprise, demonstrated on real parts.

  demo [flags]         1. an MCP server and client of the official Go SDK; the connection between them is
                          cut ten times in mid-stream, and nothing may be lost, doubled or out of order
                       2. the core under load
  demo serve [flags]   the MCP server alone, for a client of your own, until Ctrl-C; and on loopback addresses a
                       page whose stream you can cut, and the Inspector

Flags of the load:
  -sessions n          sessions that are active at any time, 1 to %s (default %s)
  -event-size bytes    size of an event's data, %d to %s bytes (default %d), and
                       %s bytes at most when multiplied with the sessions
  -duration time       how long, %v to %v, such as 500ms or 1m (default %v)
  -seed n              what happens at random: the cuts, and the sessions that are written to and ended,
                       0 to 2^64-1 (default: another one each time)

Flags of serve:
  -addr host:port      where to listen; port 0 takes any that is free (default %s)

Output is plain when it goes to a file or a pipe, and without colour when NO_COLOR is set.
Exit code: 0 when everything held, 1 when not, 2 for a wrong command line.
`, grouped(maxSessions), grouped(int64(d.sessions)), minEventSize, grouped(maxEventSize), d.eventSize, grouped(maxVolume),
		minDuration, maxDuration, d.duration, d.addr), "\n")
}
