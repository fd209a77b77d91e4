// Command widths checks how long lines are, and documents: comment lines of Go files end at column
// 100, others at 120, with tabs as 4; lines that have a raw string are left alone, for it cannot be
// broken. README.md has at most 200 lines of at most 120 columns, and the README of a module below
// contrib at most 60 lines. It reads names of files from its standard input, separated by NUL.
package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io"
	"math"
	"os"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	commentWidth = 100
	codeWidth    = 120
	tabWidth     = 4
	frontPage    = 200 // lines
	modulePage   = 60  // lines
)

func main() {
	names, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	failed := false
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // deleted, and that is not committed
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, complaint := range check(name, string(text)) {
			fmt.Println(complaint)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

// check returns what is wrong with a file.
func check(name, text string) (wrong []string) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	tooMany := func(most int) {
		if len(lines) > most {
			wrong = append(wrong, fmt.Sprintf("%s: %d lines, at most %d", name, len(lines), most))
		}
	}
	most := func(int) int { return codeWidth }
	switch {
	case path.Ext(name) == ".go":
		comment, raw := comments(text)
		most = func(line int) int {
			switch {
			case raw[line]:
				return math.MaxInt
			case comment[line]:
				return commentWidth
			}
			return codeWidth
		}
	case name == "README.md":
		tooMany(frontPage)
	case path.Base(name) == "README.md" && strings.HasPrefix(name, "contrib/"):
		tooMany(modulePage)
		return wrong
	default:
		return nil
	}
	for i, line := range lines {
		if n := width(line); n > most(i+1) {
			wrong = append(wrong, fmt.Sprintf("%s:%d: %d columns, at most %d", name, i+1, n, most(i+1)))
		}
	}
	return wrong
}

func width(line string) int {
	return utf8.RuneCountInString(line) + strings.Count(line, "\t")*(tabWidth-1)
}

// comments returns the lines of a Go file that have nothing but a comment, and those that have a
// raw string.
func comments(text string) (comment, raw map[int]bool) {
	var s scanner.Scanner
	file := token.NewFileSet().AddFile("", -1, len(text))
	s.Init(file, []byte(text), nil, scanner.ScanComments)
	comment, raw = map[int]bool{}, map[int]bool{}
	code := map[int]bool{}
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			break
		}
		lines := code
		switch {
		case tok == token.SEMICOLON && literal == "\n":
			continue
		case tok == token.COMMENT:
			lines = comment
		case tok == token.STRING && literal[0] == '`':
			lines = raw
		}
		first := file.Line(pos)
		for i := range strings.Count(literal, "\n") + 1 {
			lines[first+i] = true
		}
	}
	for line := range code {
		delete(comment, line)
	}
	return comment, raw
}
