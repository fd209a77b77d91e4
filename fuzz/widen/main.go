// Command widen makes a build of the core in which a goroutine may yield before every statement, so
// that few runs see interleavings for which others would need millions. It changes no file of the
// module: it writes copies of the sources of ring, shard, replay and internal/tally into a
// temporary directory, each statement preceded by a call that yields one time in eight, and prints
// the name of an overlay file that the go command builds them from:
//
//	go test -overlay "$(go run ./fuzz/widen)" -run Linearizable ./fuzz
//
// Run it in the directory of go.mod. Programs built this way are several times slower, and tests of
// cost and real time may fail.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// woven are the packages in which races are widened.
var woven = []string{"ring", "shard", "replay", "internal/tally"}

// yieldFile joins a package that others import anyway and that is not woven itself.
const (
	yieldPackage = "github.com/reprise-go/reprise/internal/step"
	yieldFile    = "internal/step/yield.go"
	yieldSource  = `package step

import (
	"math/rand/v2"
	"runtime"
)

// Yield lets other goroutines run, one time in eight.
func Yield() {
	if rand.Uint32()%8 == 0 {
		runtime.Gosched()
	}
}
`
)

func main() {
	overlay, err := widen(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "widen:", err)
		os.Exit(1)
	}
	fmt.Println(overlay)
}

// widen writes the copies of the module in dir and returns the overlay's path.
func widen(dir string) (string, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	out, err := os.MkdirTemp("", "reprise-widen-*")
	if err != nil {
		return "", err
	}
	o := overlay{root: root, out: out, Replace: map[string]string{}}
	if err := o.add(yieldFile, []byte(yieldSource)); err != nil {
		return "", err
	}
	for _, pkg := range woven {
		files, err := filepath.Glob(filepath.Join(root, pkg, "*.go"))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			if err := o.weave(file); err != nil {
				return "", err
			}
		}
	}
	return o.write()
}

// An overlay says which files the go command is to read instead of others.
type overlay struct {
	root, out string
	Replace   map[string]string
}

// weave adds the woven copy of a source file, unless it is a test, is for some builds only, or has
// no statements.
func (o *overlay) weave(file string) error {
	src, err := os.ReadFile(file)
	if err != nil || strings.HasSuffix(file, "_test.go") || strings.Contains(string(src), "//go:build") {
		return err
	}
	woven, err := weave(file, src)
	if err != nil || woven == nil {
		return err
	}
	name, err := filepath.Rel(o.root, file)
	if err != nil {
		return err
	}
	return o.add(name, woven)
}

// add puts a file in the place of the one of that name in the module.
func (o *overlay) add(name string, content []byte) error {
	path := filepath.Join(o.out, strings.ReplaceAll(name, string(filepath.Separator), "_"))
	o.Replace[filepath.Join(o.root, name)] = path
	return os.WriteFile(path, content, 0o644)
}

func (o *overlay) write() (string, error) {
	content, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	path := filepath.Join(o.out, "overlay.json")
	return path, os.WriteFile(path, content, 0o644)
}
