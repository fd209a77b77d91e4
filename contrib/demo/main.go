// Command demo shows what Reprise does, on real parts: first a client of the official MCP SDK whose
// TCP connection is cut ten times in the middle of a call and which loses nothing, then the core
// under load, then a server that is killed with SIGKILL and goes on where it was. "demo serve"
// keeps the MCP server up for a client of the user's own, beside a page whose stream can be cut and
// the Inspector.
//
// It exits with 0 when everything held, with 1 when something did not, and with 2 for a wrong
// command line.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	if isVictim() {
		if err := runVictim(os.Stdout, os.Stdin); err != nil {
			fmt.Fprintln(os.Stderr, "demo: the server of part 3:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], newScreen(os.Stdout), os.Stderr))
}

var errInterrupted = errors.New("interrupted")

// run is the whole command; it returns the exit code.
func run(ctx context.Context, args []string, out *screen, errs io.Writer) int {
	command := demo
	if len(args) > 0 && args[0] == "serve" {
		command, args = serve, args[1:]
	}
	cfg, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(out, help())
		return 0
	}
	if err != nil {
		fmt.Fprintf(errs, "demo: %v\nTry --help.\n", err)
		return 2
	}
	if err := command(ctx, cfg, out); err != nil {
		fmt.Fprintf(errs, "demo: %v\n", err)
		return 1
	}
	return 0
}

// demo runs all parts, each also after another has failed.
func demo(ctx context.Context, cfg config, out *screen) error {
	out.title(
		"1",
		fmt.Sprintf("a call of %s events over a connection that breaks %d times", grouped(int64(cfg.events)), cfg.cuts),
	)
	broken := resume(ctx, cfg, out)
	if ctx.Err() != nil {
		return errInterrupted
	}
	out.title(
		"2",
		fmt.Sprintf(
			"the core under load: %s sessions, %d-byte events, %v",
			grouped(int64(cfg.sessions)),
			cfg.eventSize,
			cfg.duration,
		),
	)
	loaded := load(ctx, cfg, out)
	if ctx.Err() != nil {
		return errInterrupted
	}
	out.title("3", fmt.Sprintf("%s events from a server that is killed", grouped(int64(cfg.durable))))
	return errors.Join(broken, loaded, survive(ctx, cfg, out))
}
