// Command verdict puts Reprise and the released alternatives through the same correctness cases and
// prints who passes which:
//
//	go run ./cmd/verdict                      # about a minute
//	go run ./cmd/verdict -only "evicted ID"   # one case
//
// It exits with 1 when Reprise fails a case.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/reprise-go/reprise/bench/peers/verdict"
)

func main() {
	only := flag.String("only", "", "this `case` alone")
	flag.Parse()
	var cases []verdict.Case
	for _, c := range verdict.Cases() {
		if *only == "" || c.Name == *only {
			cases = append(cases, c)
		}
	}
	if len(cases) == 0 || flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "verdict: no case %q, arguments %q; the cases are:\n", *only, flag.Args())
		for _, c := range verdict.Cases() {
			fmt.Fprintln(os.Stderr, "  ", c.Name)
		}
		os.Exit(2)
	}
	subjects := verdict.Subjects()
	failed := false
	var outcomes []verdict.Outcome
	for _, c := range cases {
		for _, s := range subjects {
			fmt.Fprintf(os.Stderr, "%s: %s\n", c.Name, s.Name)
			o := verdict.Try(c, s)
			outcomes = append(outcomes, o)
			failed = failed || s.Name == subjects[0].Name && !o.Passed
		}
	}
	fmt.Print(verdict.Table(cases, subjects, outcomes))
	if failed {
		os.Exit(1)
	}
}
