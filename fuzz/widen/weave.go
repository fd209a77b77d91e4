package main

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"strconv"
)

// weave puts a yield before every statement of every function in a Go file. It returns nil when
// there are none. Comments are lost.
func weave(name string, src []byte) ([]byte, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var lists []*[]ast.Stmt
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
			ast.Inspect(f.Body, func(n ast.Node) bool {
				lists = append(lists, statements(n)...)
				return true
			})
		}
	}
	if len(lists) == 0 {
		return nil, nil
	}
	for _, list := range lists {
		var with []ast.Stmt
		for _, s := range *list {
			with = append(with, yield(), s)
		}
		*list = with
	}
	imported := &ast.ImportSpec{Name: ast.NewIdent(yieldName), Path: &ast.BasicLit{Kind: token.STRING,
		Value: strconv.Quote(yieldPackage)}}
	file.Decls = append([]ast.Decl{&ast.GenDecl{Tok: token.IMPORT, Specs: []ast.Spec{imported}}}, file.Decls...)
	var out bytes.Buffer
	err = format.Node(&out, fset, file)
	return out.Bytes(), err
}

// yieldName is what the package with Yield is imported as, beside what the file imports itself.
const yieldName = "widened"

// statements returns the lists of statements that n holds itself. The body of a switch or select is
// a list of clauses, which have lists of their own.
func statements(n ast.Node) (lists []*[]ast.Stmt) {
	switch n := n.(type) {
	case *ast.BlockStmt:
		for _, s := range n.List {
			switch s.(type) {
			case *ast.CaseClause, *ast.CommClause:
				return nil
			}
		}
		lists = append(lists, &n.List)
	case *ast.CaseClause:
		lists = append(lists, &n.Body)
	case *ast.CommClause:
		lists = append(lists, &n.Body)
	}
	return lists
}

func yield() ast.Stmt {
	return &ast.ExprStmt{X: &ast.CallExpr{Fun: &ast.SelectorExpr{X: ast.NewIdent(yieldName),
		Sel: ast.NewIdent("Yield")}}}
}
