package main

import (
	"errors"
	"testing"
)

func TestEveryPatchApplies(t *testing.T) {
	names := map[string]bool{}
	for _, m := range all() {
		if names[m.name] {
			t.Errorf("two mutants are named %q", m.name)
		}
		names[m.name] = true
		if _, err := m.apply("../.."); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
	if len(names) < 20 {
		t.Errorf("only %d mutants", len(names))
	}
}

func TestASurvivorIsNotTakenForCaught(t *testing.T) {
	failed := errors.New("exit status 1")
	for _, c := range []struct {
		out    string
		err    error
		how    string
		caught bool
	}{
		{"--- PASS: TestX (0.00s)\nok", nil, "", false},
		{"--- FAIL: TestX (0.00s)\nFAIL", failed, "fails", true},
		{"=== RUN TestX\n\npanic: runtime error: index out of range", failed, "crashes", true},
		{"=== RUN TestX\npanic: test timed out after 1m0s", failed, "hangs", true},
		{"FAIL example.com/x [build failed]", failed, "", false},
		{"testing: warning: no tests to run\nok", nil, "", false},
		{"go: cannot find main module", failed, "", false},
	} {
		if how, err := judge(c.out, c.err); how != c.how || (err == nil) != c.caught {
			t.Errorf("%q is judged %q, %v", c.out, how, err)
		}
	}
}
