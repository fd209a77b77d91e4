// Command scale shows that what a session and an event cost stays flat up to a million sessions and
// ten million events, and that expiry hurts nobody:
//
//	go run ./bench/scale              # about ten minutes, up to 9 GiB
//	go run ./bench/scale -quick       # less of everything, in about a minute: does it work?
//	go run ./bench/scale -only expiry # one scenario; this one: three minutes, up to 2 GiB
//
// It prints one table: what was measured, what is demanded of it, and whether that holds. Each
// piece of work is done in a process of its own, so that it begins with an empty heap.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == jobFlag {
		exit(work(os.Args[2], os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(report(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// work is what a child process does.
func work(arg string, out io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(arg), &j); err != nil {
		return err
	}
	f, err := j.run()
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(f)
}

func report(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("scale", flag.ContinueOnError)
	flags.SetOutput(progress)
	var (
		quick = flags.Bool("quick", false, "less of everything: to see that it works")
		file  = flags.String("o", "", "also write the table to `file`")
		only  = flags.String(
			"only",
			"",
			"these `scenarios` alone, separated by commas: "+strings.Join(scenarioNames(), ", "),
		)
		rounds = flags.Int("runs", 0, "rounds of expiry and collector; 0: 3, or 1 with -quick")
		note   = flags.String("note", "", "a `remark` on the circumstances, for the header")
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	z := full()
	if *quick {
		z = less()
	}
	if *rounds > 0 {
		z.Rounds = *rounds
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}
	header := circumstances(*quick, *note)
	start := time.Now()
	results, err := runAll(ctx, plan(chosen, z), progress)
	if err != nil {
		return err
	}
	var rows []row
	for _, s := range chosen {
		rows = append(rows, s.rows(z, results[s.name])...)
	}
	page := fmt.Sprintf("%s Took %s.\n\n%s", header, time.Since(start).Round(time.Second), table(rows))
	if _, err := io.WriteString(out, page); err != nil {
		return err
	}
	if *file == "" {
		return nil
	}
	return os.WriteFile(*file, []byte(page), 0o644)
}
