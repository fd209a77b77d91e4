package main

import (
	"fmt"
	"strings"
	"testing"
)

func TestWhatIsTooLongIsNamed(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct{ name, text, want string }{
		{"a.go", "package a\n\n// " + x(97) + "\n", "[]"},
		{"a.go", "package a\n\n// " + x(98) + "\n", "[a.go:3: 101 columns, at most 100]"},
		{"a.go", "package a\n\n/*\n" + x(101) + "\n*/\n", "[a.go:4: 101 columns, at most 100]"},
		{"a.go", "package a\n\nvar a = 1 // " + x(107) + "\n", "[]"},
		{"a.go", "package a\n\nvar a = 1 // " + x(108) + "\n", "[a.go:3: 121 columns, at most 120]"},
		{"a.go", "package a\n\nvar a = `\n// " + x(200) + "`\n", "[]"},
		{"a.go", "package a\n\nvar a = `" + x(120) + "`\n", "[]"},
		{"a.go", "package a\n\nfunc a() {\n\t// " + x(94) + "\n}\n", "[a.go:4: 101 columns, at most 100]"},
		{"a.go", "package a\n\n// " + strings.Repeat("ä", 97) + "\n", "[]"},
		{"README.md", strings.Repeat("x\n", 200), "[]"},
		{"README.md", strings.Repeat("x\n", 201), "[README.md: 201 lines, at most 200]"},
		{"README.md", x(121) + "\n", "[README.md:1: 121 columns, at most 120]"},
		{"contrib/a/README.md", strings.Repeat(x(200)+"\n", 60), "[]"},
		{"contrib/a/README.md", strings.Repeat("x\n", 61), "[contrib/a/README.md: 61 lines, at most 60]"},
		{"bench/README.md", strings.Repeat(x(200)+"\n", 300), "[]"},
	} {
		if got := fmt.Sprint(check(c.name, c.text)); got != c.want {
			t.Errorf("%s %.40q: %s, want %s", c.name, c.text, got, c.want)
		}
	}
}
