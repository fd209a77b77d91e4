// Command compare measures Reprise beside the released alternatives and the ring by hand, and says
// which of the project's targets hold:
//
//	go run ./cmd/compare -o ../RESULTS.md                  # ten minutes on an idle machine
//	go run ./cmd/compare -o ../REPORT.md -charts report    # with charts
//	go run ./cmd/compare -old f62e28a^                     # beside Reprise as of that commit, too
//	go run ./cmd/compare -released=false -only session     # a part of it: what a change does
//	go run ./cmd/compare -quick                            # a minute: does it work?
//
// It needs up to 5 GiB of free memory, and a machine that does nothing else: what it prints says
// how far the runs are apart. -old needs git, tar and the repository's history.
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

// options are what the flags say.
type options struct {
	selection
	sizes  measure.Sizes
	quick  bool
	file   string
	charts string
	plain  string
	ref    string // of Reprise as it was; "" for none
}

func parse(args []string, complaints io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(complaints)
	var only string
	flags.BoolVar(&o.quick, "quick", false, "less of everything: to see that it works")
	flags.IntVar(&o.rounds, "runs", 0, "rounds; 0: 5, or 3 with -quick")
	flags.StringVar(&o.file, "o", "", "also write the result to `file`")
	flags.StringVar(&o.charts, "charts", "",
		"also draw charts into this `directory` beside the file of -o, which shows them")
	flags.StringVar(&o.plain, "plain", "", "also write the result without charts to `file`")
	flags.StringVar(&only, "only", "",
		"these `scenarios` alone, separated by commas: "+strings.Join(scenarioNames(), ", "))
	flags.BoolVar(&o.released, "released", true, "the released libraries take part")
	flags.StringVar(&o.ref, "old", "", "Reprise as of this `commit` takes part")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if o.charts != "" && o.file == "" {
		return o, errors.New("-charts needs -o")
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	o.old = o.ref != ""
	o.sizes = measure.Full()
	if o.quick {
		o.sizes = measure.Quick()
	}
	if o.rounds <= 0 && o.quick {
		o.rounds = 3
	} else if o.rounds <= 0 {
		o.rounds = 5
	}
	return o, nil
}

func compare(ctx context.Context, args []string, out, progress io.Writer) error {
	o, err := parse(args, progress)
	if err != nil {
		return err
	}
	jobs, err := plan(o.sizes, o.selection)
	if err != nil {
		return err
	}
	run := report.Run{
		Command: strings.TrimSpace("cd bench/peers && go run ./cmd/compare " + strings.Join(args, " ")),
		Machine: report.Machine(),
		Start:   time.Now(),
		Runs:    o.rounds,
		Few:     min(o.rounds, fewRounds),
		Quick:   o.quick,
		Sizes:   o.sizes,
		Samples: report.NewSamples(o.rounds),
	}
	program := ""
	if o.ref != "" {
		old, err := buildOld(ctx, o.ref)
		if err != nil {
			return err
		}
		defer old.remove()
		program = old.Program
		run.Machine = append(run.Machine, "old Reprise: commit "+old.Commit)
		run.Start = time.Now()
	}
	if err := runAll(ctx, jobs, program, run.Samples, progress); err != nil {
		return err
	}
	run.Took = time.Since(run.Start)
	return write(run, o, out)
}

// write prints the page, and writes it and its charts into the files that o names.
func write(run report.Run, o options, out io.Writer) error {
	if o.plain != "" {
		if err := os.WriteFile(o.plain, []byte(run.Page()), 0o644); err != nil {
			return err
		}
	}
	if o.charts != "" {
		charts := chart.All(run.Samples, o.sizes)
		if err := chart.WriteAll(filepath.Join(filepath.Dir(o.file), o.charts), charts); err != nil {
			return err
		}
		for _, c := range charts {
			run.Charts = append(run.Charts, report.Image{Title: c.Title, File: o.charts + "/" + c.File})
		}
	}
	page := run.Page()
	if _, err := io.WriteString(out, page); err != nil {
		return err
	}
	if o.file == "" {
		return nil
	}
	return os.WriteFile(o.file, []byte(page), 0o644)
}
