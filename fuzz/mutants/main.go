// Command mutants tells whether the tests would notice: it breaks the core on purpose, in one place
// at a time, and runs the one test that has to fail then. No file of the tree is changed: the go
// command is told to build from a patched copy in the file's place.
//
//	go run ./fuzz/mutants             # all; some minutes
//	go run ./fuzz/mutants -only wheel # those with that in their name, file or test
//
// It prints a table, and exits with an error when a mutant survives, a patch no longer applies, or
// a test fails without any patch.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	only := flag.String("only", "", "break only where name, file or test contain this")
	parallel := flag.Int("parallel", max(1, runtime.NumCPU()), "mutants at a time")
	flag.Parse()
	root, err := moduleRoot()
	if err == nil {
		err = run(root, selected(*only), *parallel)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// all are the mutants, in the order of the table.
func all() []mutant { return slices.Concat(ofTheRing, ofItsMemory, ofSessions, ofReplay) }

func selected(only string) (some []mutant) {
	for _, m := range all() {
		if strings.Contains(m.name+" "+m.file+" "+m.caught.String(), only) {
			some = append(some, m)
		}
	}
	return some
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("no module here: %w", err)
	}
	return filepath.Clean(strings.TrimSpace(string(out))), nil
}

func run(root string, mutants []mutant, parallel int) error {
	began := time.Now()
	if len(mutants) == 0 {
		return fmt.Errorf("none has that name")
	}
	if err := sound(root, mutants); err != nil {
		return err
	}
	fmt.Printf("%-62s %-20s %-80s %-8s %s\n", "mutant", "file", "caught by", "which", "seconds")
	verdicts := make([]chan verdict, len(mutants))
	places := make(chan struct{}, parallel)
	for i, m := range mutants {
		verdicts[i] = make(chan verdict, 1)
		go func() {
			places <- struct{}{}
			verdicts[i] <- m.try(root)
			<-places
		}()
	}
	bad := 0
	for i, m := range mutants {
		v := <-verdicts[i]
		if v.err != nil {
			bad++
			v.how = "PASSES"
		}
		fmt.Printf("%-62s %-20s %-80s %-8s %7.1f\n", m.name, m.file, m.caught, v.how, v.seconds)
		if v.err != nil {
			fmt.Printf("\t%s\n", strings.ReplaceAll(v.err.Error(), "\n", "\n\t"))
		}
	}
	fmt.Printf("%d mutants, %d caught, in %v\n", len(mutants), len(mutants)-bad, time.Since(began).Round(time.Second))
	if bad > 0 {
		return fmt.Errorf("%d are not caught", bad)
	}
	return nil
}

// sound makes sure that the tests pass as long as nothing is broken: one run for all those of a
// package that have the same flags.
func sound(root string, mutants []mutant) error {
	tests := map[check][]string{}
	for _, m := range mutants {
		of := check{pkg: m.caught.pkg, flags: m.caught.flags}
		if !slices.Contains(tests[of], m.caught.test) {
			tests[of] = append(tests[of], m.caught.test)
		}
	}
	var wait sync.WaitGroup
	failed := make(chan error, len(tests))
	for of, names := range tests {
		wait.Go(func() {
			of.test = "(" + strings.Join(names, "|") + ")"
			out, err := of.run(root, "-timeout="+patience)
			if err != nil {
				failed <- fmt.Errorf("without a patch, %s: %w\n%s", of, err, tail(out))
				return
			}
			for _, name := range names {
				if !strings.Contains(out, "--- PASS: "+name+" ") {
					failed <- fmt.Errorf("%s has no test %s", of.pkg, name)
				}
			}
		})
	}
	wait.Wait()
	close(failed)
	return <-failed
}
