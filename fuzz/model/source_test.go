//go:build model

package model

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// models are the files that quote the Go source.
var models = []string{"ring.pml"}

// beyond are the functions with atomic operations that the model leaves out, and why.
var beyond = map[string]string{
	"config.go init":         "nobody else has the ring yet",
	"seek.go Tail":           "one load",
	"append.go Fetch":        "only asks for memory early",
	"append.go outwait":      "patience: reads the word until it changes, or not",
	"wait.go wait":           "does not touch the log",
	"wait.go wakeAll":        "does not touch the log",
	"release.go Release":     "comes after Close, for the accounts",
	"release.go Discard":     "comes after Release: puts in place what no proposal names",
	"release.go Memory":      "an estimate",
	"release.go IsDiscarded": "one load",
	"release.go account":     "accounts",
	"directory.go drop":      "accounts",
	"plan.go countBytes":     "accounts",
	"plan.go countDuplicate": "accounts",
	"plan.go count":          "takes pages out that have gone, as settle does, and accounts",
}

// besides are statements in modelled functions that the model leaves out, and why.
var besides = map[string]string{
	"append.go appendAll: if r.word.Load()&closedBit != 0": "a short cut: the " +
		"loop asks again",
	"append.go appendAll: seqOf(r.word.Load()) != p.newest": "an error is an " +
		"append less; with another word it begins again",
	"append.go appendAll: r.wake.Load() != nil": "what follows does " +
		"not touch the log",
	"append.go AppendTo: r.wake.Load() != nil": "the same",
	"proposal.go propose: x := r.prop.Load(); x != nil && x.seq == p.newest+1 { r.settle(x)": "a short cut: asked " +
		"again once there is a proposal of its own",
	"wait.go wakeAll: step.At(step.Waking)": "does not touch the log",
}

var quotation = regexp.MustCompile(`/\* go: (\S+) ([\w.]+): (.*?) \*/`)

// A source is one function of package ring as a list of tokens, and which of these somebody quotes.
type source struct {
	tokens []string
	quoted []bool
}

func tokens(src string) (all []string) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(src))
	s.Init(file, []byte(src), func(token.Position, string) {}, 0)
	for {
		_, tok, lit := s.Scan()
		switch {
		case tok == token.EOF:
			return all
		case tok == token.SEMICOLON && lit != ";": // the line's end
		case lit != "":
			all = append(all, lit)
		default:
			all = append(all, tok.String())
		}
	}
}

// quote marks want, and returns where it stands for the first time, or -1.
func (s *source) quote(want []string) int {
	at := -1
	for i := 0; i+len(want) <= len(s.tokens); i++ {
		if slices.Equal(s.tokens[i:i+len(want)], want) {
			for j := range want {
				s.quoted[i+j] = true
			}
			if at < 0 {
				at = i
			}
		}
	}
	return at
}

// functions reads package ring: "file function" leads to the body, for a function as for a variable
// that one makes; where two methods of a file have the same name it is "file type.function".
func functions(t *testing.T) map[string]*source {
	t.Helper()
	files, err := filepath.Glob("../../ring/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("package ring is not there: %v", err)
	}
	all := map[string]*source{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		add := func(function string, n ast.Node) {
			body := tokens(string(text[fset.Position(n.Pos()).Offset:fset.Position(n.End()).Offset]))
			all[filepath.Base(name)+" "+function] = &source{body, make([]bool, len(body))}
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				add(nameOf(file, d), d.Body)
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && len(v.Values) == 1 {
						add(v.Names[0].Name, v.Values[0])
					}
				}
			}
		}
	}
	return all
}

func nameOf(file *ast.File, f *ast.FuncDecl) string {
	for _, other := range file.Decls {
		if o, ok := other.(*ast.FuncDecl); ok && o != f && o.Name.Name == f.Name.Name && f.Recv != nil {
			return strings.TrimPrefix(types.ExprString(f.Recv.List[0].Type), "*") + "." + f.Name.Name
		}
	}
	return f.Name.Name
}

// Every statement that a model quotes is in the function that it names, and for one function the
// model has them in the same order as Go.
func TestQuotationsAreTrue(t *testing.T) {
	all := functions(t)
	for _, name := range models {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		last, lines := map[string]int{}, map[string]bool{}
		quotes := 0
		for n, line := range strings.Split(string(text), "\n") {
			for _, q := range quotation.FindAllStringSubmatch(line, -1) {
				quotes++
				function := q[1] + " " + q[2]
				body, ok := all[function]
				if !ok {
					t.Errorf("%s:%d: package ring has no %s", name, n+1, function)
					continue
				}
				at := body.quote(tokens(q[3]))
				if at < 0 {
					t.Errorf("%s:%d: %s does not contain: %s", name, n+1, function, q[3])
					continue
				}
				if lines[q[0]] {
					continue // a step that the model has in several places
				}
				lines[q[0]] = true
				if at < last[function] {
					t.Errorf("%s:%d: %s has this earlier than what the model quotes before: %s", name, n+1, function,
						q[3])
				}
				last[function] = at
			}
		}
		t.Logf("%s: %d quotations", name, quotes)
	}
}

// Every atomic operation and every step point of package ring is quoted by a model, or excepted
// here by name.
func TestEveryAtomicOperationIsQuoted(t *testing.T) {
	all := functions(t)
	for _, name := range models {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range quotation.FindAllStringSubmatch(string(text), -1) {
			if body, ok := all[q[1]+" "+q[2]]; ok {
				body.quote(tokens(q[3]))
			}
		}
	}
	for statement := range besides {
		function, want, _ := strings.Cut(statement, ": ")
		if body, ok := all[function]; !ok || body.quote(tokens(want)) < 0 {
			t.Errorf("excepted, and not there: %s", statement)
		}
	}
	for function := range beyond {
		if _, ok := all[function]; !ok {
			t.Errorf("excepted, and not there: %s", function)
		}
	}
	operations := []string{"Load", "Store", "CompareAndSwap", "Swap", "Or", "And", "Add", "At"}
	for function, body := range all {
		if _, ok := beyond[function]; ok {
			continue
		}
		for i, tok := range body.tokens {
			if i > 1 && slices.Contains(operations,
				tok) && body.tokens[i-1] == "." && !body.quoted[i] && !harmless(body.tokens, i) {
				t.Errorf("no model quotes %s: … %s", function, strings.Join(body.tokens[max(0,
					i-6):min(len(body.tokens), i+6)], " "))
			}
		}
	}
}

// harmless reports whether the selector at i is one of a package and not of an atomic.
func harmless(tokens []string, i int) bool { return tokens[i-2] == "unsafe" || tokens[i-2] == "cmp" }

// Every step point that tests can stop at is quoted.
func TestEveryStepPointIsQuoted(t *testing.T) {
	points, err := os.ReadFile("../../internal/step/points.go")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, name := range models {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(b)
	}
	found := 0
	for _, m := range regexp.MustCompile(`(?m)^\t([A-Z]\w+)`).FindAllStringSubmatch(string(points), -1) {
		if m[1] == "WriterPoints" {
			continue // a number
		}
		found++
		quote := fmt.Sprintf("step.At(step.%s)", m[1])
		excepted := slices.ContainsFunc(slices.Collect(maps.Keys(besides)),
			func(s string) bool { return strings.HasSuffix(s, quote) })
		if !excepted && !strings.Contains(text.String(), quote) {
			t.Errorf("no model quotes %s", quote)
		}
	}
	if found < 14 {
		t.Errorf("found %d points", found)
	}
}
