package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// A check is one run over the modules of a repository.
type check struct {
	root, version, cache string
	unpublished          []string // folders
	out                  io.Writer

	files   []string // of the repository, with slashes
	modules []*mod   // the root's first
	proxy   string   // a GOPROXY: the URL of the packed modules, and the user's
	tried   int      // programs
}

// A mod is a module: a folder with a go.mod file.
type mod struct {
	dir, path string // dir is "." or below the root, with slashes
	file      *modfile.File
	published bool
}

// load finds the modules: in what git tracks, and in what it would if everything were added.
func (c *check) load() error {
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = c.root
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for f := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if _, err := os.Stat(c.at(f)); err != nil {
			continue // deleted, and that is not committed
		}
		c.files = append(c.files, f)
		if path.Base(f) != "go.mod" {
			continue
		}
		data, err := os.ReadFile(c.at(f))
		if err != nil {
			return err
		}
		file, err := modfile.Parse(f, data, nil)
		if err != nil {
			return err
		}
		dir := path.Dir(f)
		published := !slices.Contains(c.unpublished, dir)
		c.modules = append(c.modules, &mod{dir, file.Module.Mod.Path, file, published})
	}
	slices.SortFunc(c.modules, func(a, b *mod) int { return strings.Compare(a.path, b.path) })
	if len(c.modules) == 0 || c.modules[0].dir != "." {
		return errors.New("the repository's root is no module")
	}
	return nil
}

func (c *check) at(file string) string { return filepath.Join(c.root, filepath.FromSlash(file)) }

// requirements wants every module to require c.version of its siblings, and to replace them by
// their folders for work in the tree.
func (c *check) requirements() error {
	dirs := map[string]string{}
	for _, m := range c.modules {
		dirs[m.path] = m.dir
	}
	var wrong []error
	for _, m := range c.modules {
		replaced := map[string]string{}
		for _, r := range m.file.Replace {
			replaced[r.Old.Path] = path.Join(m.dir, r.New.Path)
		}
		for _, r := range m.file.Require {
			dir, ours := dirs[r.Mod.Path]
			switch {
			case !ours:
			case r.Mod.Version != c.version:
				wrong = append(wrong,
					fmt.Errorf("%s/go.mod requires %v, want %s", m.dir, r.Mod, c.version))
			case replaced[r.Mod.Path] != dir:
				wrong = append(wrong,
					fmt.Errorf("%s/go.mod does not replace %s by its folder", m.dir, r.Mod.Path))
			}
		}
	}
	return errors.Join(wrong...)
}

// owner returns the module that a file of the repository belongs to: the nearest above it.
func (c *check) owner(file string) *mod {
	var best *mod
	for _, m := range c.modules {
		if m.dir == "." || strings.HasPrefix(file, m.dir+"/") {
			best = m // the modules are in the order of their paths: what is below comes after
		}
	}
	return best
}
