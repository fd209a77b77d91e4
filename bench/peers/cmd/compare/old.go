package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What an older Reprise is: the packages that are measured, and what they import.
var corePaths = []string{"go.mod", "go.sum", "ring", "shard", "replay", "internal", "contrib/gosdk"}

// Reprise as it was is measured by the same code as everything else: this program, of which only
// Reprise itself is taken from another commit. Each job is done in a process of its own anyway, so
// these jobs are done by that program, and neither has the other's code in it.

// An oldReprise is Reprise as of an older commit.
type oldReprise struct {
	Commit  string // its short name, date and subject
	Program string // what does its jobs
	dir     string
}

// buildOld builds the program with Reprise as of the commit that ref names. It lies in a
// directory that remove removes.
func buildOld(ctx context.Context, ref string) (o *oldReprise, err error) {
	root, err := output(ctx, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("-old wants the repository's history: %w", err)
	}
	o = new(oldReprise)
	if o.Commit, err = output(ctx, "git", "log", "-1", "--format=%h (%cs, %s)", ref); err != nil {
		return nil, fmt.Errorf("-old %s: %w", ref, err)
	}
	if o.dir, err = os.MkdirTemp("", "reprise-old-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			o.remove()
		}
	}()
	tree := filepath.Join(o.dir, "reprise")
	if err := checkOut(ctx, root, ref, tree); err != nil {
		return nil, err
	}
	o.Program = filepath.Join(o.dir, "compare")
	return o, buildIn(ctx, root, tree, o.Program)
}

func (o *oldReprise) remove() { os.RemoveAll(o.dir) }

// checkOut writes Reprise as of ref into a directory that it makes.
func checkOut(ctx context.Context, root, ref, tree string) error {
	archive := filepath.Join(filepath.Dir(tree), "core.tar")
	args := append([]string{"-C", root, "archive", "-o", archive, ref}, corePaths...)
	if _, err := output(ctx, "git", args...); err != nil {
		return err
	}
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	_, err := output(ctx, "tar", "-xf", archive, "-C", tree)
	return err
}

// buildIn puts this program's code, from the repository at root, beside the Reprise in tree, and
// builds it there.
func buildIn(ctx context.Context, root, tree, program string) error {
	if err := os.CopyFS(filepath.Join(tree, "bench"), os.DirFS(filepath.Join(root, "bench"))); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/compare")
	build.Dir = filepath.Join(tree, "bench", "peers")
	build.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod -buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("what measures does not build with the Reprise of that commit: %w\n%s", err, out)
	}
	return nil
}

// output returns what a command prints, and what it complains about as an error.
func output(ctx context.Context, name string, args ...string) (string, error) {
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
