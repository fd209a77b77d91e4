package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A mutant is the core with one thing broken, and the test that has to notice.
type mutant struct {
	name    string
	file    string // from the module's root
	changes []change
	caught  check
}

// A change replaces text that occurs exactly once in the file.
type change struct{ from, to string }

// A check is one test, and the flags that it is run with.
type check struct{ pkg, test, flags string }

// stalled are the tests that stop goroutines between the steps of the ring's protocol.
const stalled = "-tags=reprise_steps"

func (c check) String() string {
	if c.flags == "" {
		return c.pkg + " " + c.test
	}
	return c.pkg + " " + c.test + " " + c.flags
}

// apply returns the file's text with the changes made.
func (m mutant) apply(root string) (string, error) {
	b, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	text := string(b)
	for _, c := range m.changes {
		if n := strings.Count(text, c.from); n != 1 {
			return "", fmt.Errorf("the patch does not apply: %s has this %d times:\n%s", m.file, n, c.from)
		}
		text = strings.Replace(text, c.from, c.to, 1)
	}
	return text, nil
}

// A verdict is what became of a mutant.
type verdict struct {
	how     string // in which way the test failed
	seconds float64
	err     error // the mutant survived, or was none
}

// The tests take a second or two each.
const (
	deadline = "30s"
	patience = "5m" // with all of a package's together
)

// try builds the core with the patch in place of the file, which stays as it is, and runs the
// check.
func (m mutant) try(root string) (v verdict) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return verdict{err: err}
	}
	defer func() { v.err = errors.Join(v.err, os.RemoveAll(dir)) }()
	text, err := m.apply(root)
	if err != nil {
		return verdict{err: err}
	}
	patched, overlay := filepath.Join(dir, filepath.Base(m.file)), filepath.Join(dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(root, m.file): patched}})
	if err != nil {
		return verdict{err: err}
	}
	if err := errors.Join(os.WriteFile(patched, []byte(text), 0o600), os.WriteFile(overlay, list, 0o600)); err != nil {
		return verdict{err: err}
	}
	began := time.Now()
	out, err := m.caught.run(root, "-timeout="+deadline, "-overlay="+overlay)
	v.seconds = time.Since(began).Seconds()
	v.how, v.err = judge(out, err)
	return v
}

// run runs the check. Without vet: a patch may leave something unused.
func (c check) run(root string, more ...string) (string, error) {
	args := slices.Concat([]string{"test", "-vet=off", "-count=1", "-v", "-run=^" + c.test + "$"}, more,
		strings.Fields(c.flags))
	cmd := exec.Command("go", append(args, "./"+c.pkg)...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	return string(out), err
}

var noTest = regexp.MustCompile(`no tests to run|\[(build|setup) failed\]`)

// judge tells how a check failed.
func judge(out string, err error) (how string, _ error) {
	switch {
	case noTest.MatchString(out):
		return "", fmt.Errorf("that is no test of a mutant:\n%s", tail(out))
	case err == nil:
		return "", errors.New("it survives")
	case strings.Contains(out, "panic: test timed out") || strings.Contains(out, "deadlock"):
		return "hangs", nil
	case strings.Contains(out, "\npanic: ") || strings.Contains(out, "fatal error: ") || strings.Contains(out,
		"unexpected fault"):
		return "crashes", nil
	case strings.Contains(out, "--- FAIL: "):
		return "fails", nil
	}
	return "", fmt.Errorf("%w:\n%s", err, tail(out))
}

func tail(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}
