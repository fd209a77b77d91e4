// Command compare measures Reprise beside the released alternatives and the ring by hand, and says
// which of the project's targets hold:
//
//	go run ./cmd/compare -o ../RESULTS.md                  # about ten minutes on an idle machine
//	go run ./cmd/compare -o ../REPORT.md -charts report    # with charts
//	go run ./cmd/compare -quick                            # a minute: does it work?
//
// It needs up to 5 GiB of free memory, and a machine that does nothing else: what it prints says
// how far the runs are apart.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/reprise-go/reprise/bench/peers/chart"
	"github.com/reprise-go/reprise/bench/peers/measure"
	"github.com/reprise-go/reprise/bench/peers/report"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == jobFlag {
		exit(work(os.Args[2], os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(compare(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// work is what a child process does.
func work(job string, out io.Writer) error {
	var j measure.Job
	if err := json.Unmarshal([]byte(job), &j); err != nil {
		return err
	}
	r, err := measure.Run(j)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

func compare(ctx context.Context, args []string, out, progress io.Writer) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(progress)
	var (
		quick = flags.Bool("quick", false, "less of everything: to see that it works")
		runs  = flags.Int("runs", 0, "rounds; 0: 7, or 3 with -quick")
		file  = flags.String("o", "", "also write the result to `file`")
		dir   = flags.String(
			"charts",
			"",
			"also draw charts into this `directory` beside the file of -o, which shows them",
		)
		plain = flags.String("plain", "", "also write the result without charts to `file`")
		only  = flags.String("only", "", "this `scenario` alone: "+strings.Join(scenarioNames(), ", "))
	)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir != "" && *file == "" {
		return errors.New("-charts needs -o")
	}
	sizes, rounds := measure.Full(), 7
	if *quick {
		sizes, rounds = measure.Quick(), 3
	}
	if *runs > 0 {
		rounds = *runs
	}
	jobs := plan(sizes, rounds, *only)
	if len(jobs) == 0 {
		return fmt.Errorf("no scenario %q: there are %s", *only, strings.Join(scenarioNames(), ", "))
	}
	run := report.Run{
		Command: strings.TrimSpace("cd bench/peers && go run ./cmd/compare " + strings.Join(args, " ")),
		Machine: report.Machine(),
		Start:   time.Now(),
		Runs:    rounds,
		Quick:   *quick,
		Sizes:   sizes,
		Samples: report.NewSamples(rounds),
	}
	if err := runAll(ctx, jobs, run.Samples, progress); err != nil {
		return err
	}
	run.Took = time.Since(run.Start)
	if *plain != "" {
		if err := os.WriteFile(*plain, []byte(run.Page()), 0o644); err != nil {
			return err
		}
	}
	if *dir != "" {
		charts := chart.All(run.Samples, sizes)
		if err := chart.WriteAll(filepath.Join(filepath.Dir(*file), *dir), charts); err != nil {
			return err
		}
		for _, c := range charts {
			run.Charts = append(run.Charts, report.Image{Title: c.Title, File: *dir + "/" + c.File})
		}
	}
	page := run.Page()
	if _, err := io.WriteString(out, page); err != nil {
		return err
	}
	if *file == "" {
		return nil
	}
	return os.WriteFile(*file, []byte(page), 0o644)
}
