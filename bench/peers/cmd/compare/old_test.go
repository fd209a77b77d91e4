package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reprise-go/reprise/bench"
	"github.com/reprise-go/reprise/bench/peers"
	"github.com/reprise-go/reprise/bench/peers/measure"
)

// An older commit is not always there to test with: here another Reprise is a copy of this one.
func TestAnotherRepriseIsMeasuredByAProgramOfItsOwn(t *testing.T) {
	root := must(filepath.Abs("../../../.."))
	dir := t.TempDir()
	tree, program := filepath.Join(dir, "reprise"), filepath.Join(dir, "compare")
	for _, path := range corePaths {
		copyAll(t, filepath.Join(root, path), filepath.Join(tree, path))
	}
	if err := buildIn(t.Context(), root, tree, program); err != nil {
		t.Fatal(err)
	}
	job := measure.Job{Scenario: "reads", Contestant: peers.OldOwn, Sizes: tiny()}
	r, err := bench.Child[measure.Result](t.Context(), program, jobFlag, job)
	if err != nil || r["next.ns"] <= 0 || r["seek10.ns"] <= 0 {
		t.Errorf("measured %v, error %v", r, err)
	}
}

func TestACommitIsCheckedOutWithAllThatReadsOfIt(t *testing.T) {
	root := must(output(t.Context(), "git", "rev-parse", "--show-toplevel"))
	tree := filepath.Join(t.TempDir(), "reprise")
	if err := checkOut(t.Context(), root, "HEAD", tree); err != nil {
		t.Fatal(err)
	}
	for _, path := range corePaths {
		if _, err := os.Stat(filepath.Join(tree, path)); err != nil {
			t.Error(err)
		}
	}
}

func TestACommitThatIsNotThereIsAnErrorThatNamesIt(t *testing.T) {
	_, err := buildOld(context.Background(), "no-such-commit")
	if err == nil || !strings.Contains(err.Error(), "no-such-commit") {
		t.Errorf("error is %v", err)
	}
}

func copyAll(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if info.IsDir() {
		err = os.CopyFS(to, os.DirFS(from))
	} else if data, readErr := os.ReadFile(from); readErr != nil {
		err = readErr
	} else {
		err = os.WriteFile(to, data, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
