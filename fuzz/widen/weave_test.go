package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

func TestEveryStatementIsPrecededByAYield(t *testing.T) {
	const src = `package p

func f(c chan int) (n int) {
	for n < 3 {
		n++
	}
	switch n {
	case 1:
		return 2
	default:
	}
	select {
	case n = <-c:
		func() { n++ }()
	}
	return
}
`
	got, err := weave("p.go", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	// for, n++, switch, return 2, select, the call, n++ in it, return
	if n := bytes.Count(got, []byte("widened.Yield()\n")) + bytes.Count(got, []byte("widened.Yield();")); n != 8 {
		t.Errorf("%d yields in\n%s", n, got)
	}
}

func TestFileWithoutStatementsIsLeftAlone(t *testing.T) {
	got, err := weave("p.go", []byte("package p\n\ntype t struct{}\n\nfunc (t) m() {}\n\nfunc asm()\n"))
	if err != nil || bytes.Contains(got, []byte("Yield()")) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOverlayHasTheModulesSourcesAndNoTests(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	path, err := widen("../..")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var o struct{ Replace map[string]string }
	if err := json.Unmarshal(content, &o); err != nil {
		t.Fatal(err)
	}
	appends := 0
	for name, copied := range o.Replace {
		if _, err := os.Stat(copied); err != nil || strings.HasSuffix(name, "_test.go") {
			t.Errorf("%s: %v", name, err)
		}
		if strings.HasSuffix(name, "/ring/append.go") {
			appends++
		}
	}
	if appends != 1 || len(o.Replace) < 20 {
		t.Errorf("the overlay has %d files, ring/append.go %d times", len(o.Replace), appends)
	}
}
