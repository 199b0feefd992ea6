package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// source is the Go code outside of tests and generated files.
type source struct {
	set   *token.FileSet
	files []sourceFile
}

type sourceFile struct {
	name string
	text string
	*ast.File
}

func parseSource(root string, names []string) (*source, error) {
	s := &source{set: token.NewFileSet()}
	for _, name := range names {
		if path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(s.set, name, text, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if !ast.IsGenerated(f) {
			s.files = append(s.files, sourceFile{name, string(text), f})
		}
	}
	return s, nil
}

// types counts the methods and the boolean fields of each type.
func (s *source) types() []figure {
	methods, booleans := make(map[string]int), make(map[string]int)
	for _, f := range s.files {
		dir := path.Dir(f.name)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv != nil {
					methods[dir+"."+typeName(d.Recv.List[0].Type)]++
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if t, ok := spec.(*ast.TypeSpec); ok {
						booleans[dir+"."+t.Name.Name] += booleanFields(t.Type)
					}
				}
			}
		}
	}
	return append(sorted("methods", methods), sorted("booleans", booleans)...)
}

func sorted(kind string, counts map[string]int) []figure {
	var figures []figure
	for name, n := range counts {
		figures = append(figures, figure{kind: kind, name: name, value: n})
	}
	slices.SortFunc(figures, func(a, b figure) int { return cmp.Compare(a.name, b.name) })
	return figures
}

// typeName returns the name of a receiver's type.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.IndexExpr:
		return typeName(e.X)
	case *ast.IndexListExpr:
		return typeName(e.X)
	case *ast.Ident:
		return e.Name
	}
	return "?"
}

// booleanFields counts the fields of a struct that are booleans, or arrays of them, or atomic ones.
// Those of structs without a name within it are its own.
func booleanFields(e ast.Expr) int {
	t, ok := e.(*ast.StructType)
	if !ok {
		return 0
	}
	n := 0
	for _, f := range t.Fields.List {
		if isBoolean(f.Type) {
			n += max(1, len(f.Names))
		}
		n += booleanFields(f.Type)
	}
	return n
}

func isBoolean(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "bool"
	case *ast.ArrayType:
		return e.Len != nil && isBoolean(e.Elt)
	case *ast.SelectorExpr:
		x, ok := e.X.(*ast.Ident)
		return ok && x.Name == "atomic" && e.Sel.Name == "Bool"
	}
	return false
}

// functions counts the lines of each function, from its first to its closing brace.
func (s *source) functions() []figure {
	lines := make(map[string]int)
	for _, f := range s.files {
		for _, d := range f.Decls {
			d, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			name := d.Name.Name
			if d.Recv != nil {
				name = typeName(d.Recv.List[0].Type) + "." + name
			}
			first, last := s.set.Position(d.Pos()), s.set.Position(d.End())
			lines[f.name+":"+name] = last.Line - first.Line + 1
		}
	}
	return sorted("function", lines)
}

const (
	maxColumns = 120
	tabColumns = 4
)

// wideLines counts the lines of more than 120 columns, comments included.
func (s *source) wideLines() figure {
	wide := figure{kind: "wide", name: "lines"}
	for _, f := range s.files {
		for i, l := range strings.Split(f.text, "\n") {
			if n := len([]rune(l)) + (tabColumns-1)*strings.Count(l, "\t"); n > maxColumns {
				wide.value++
				wide.findings = append(wide.findings, fmt.Sprintf("%s:%d: %d columns", f.name, i+1, n))
			}
		}
	}
	return wide
}
