package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
)

// Many mutants share one test binary. A mutant that changes only the body of a function f is added
// to the source as a second function, and f begins with a switch that calls it:
//
//	func (c *conn) f(a int) error { switch mutantNow { case 17: return c.mutant17_f(a) }; ...
//
// The variable mutantNow is 0, so that the binary behaves as the program does, until the number in
// the binary's marker is replaced. An environment variable would not do: tests start the binary
// again with an environment of their own.
//
// A mutant that changes anything else, as a constant or a struct, is built alone. So is one that
// says so in its header, which is for tests that see the switch, as those that count allocations
// do.

// markerPrefix begins the marker, which ends in the mutant's number in four digits.
const markerPrefix = "the mutant of this test binary is number "

// marker returns the marker of a binary in which the numbered mutant is active.
func marker(id int) []byte { return fmt.Appendf(nil, "%s%04d", markerPrefix, id) }

// markerFile is added to each package that has mutants.
const markerFile = `package %s

var mutantMarker = %q

var mutantNow = func() (n int) {
	for _, digit := range mutantMarker[len(mutantMarker)-4:] {
		n = 10*n + int(digit-'0')
	}
	return n
}()
`

// errAlone means that a mutant cannot share a binary.
var errAlone = errors.New("the mutant changes more than the body of a function")

// A variant is a function as a mutant has it.
type variant struct {
	id   int
	name string // of the function, with its receiver's type
	text string // the declaration
}

// variants returns the functions that the mutant changes in one file.
func variants(id int, l *located) ([]variant, error) {
	before, err := parse(l.file, join(l.old))
	if err != nil {
		return nil, err
	}
	after, err := parse(l.file, join(l.new))
	if err != nil || isTest(l.file) || len(before.file.Decls) != len(after.file.Decls) {
		return nil, errAlone
	}
	var changed []variant
	for i, a := range before.file.Decls {
		b := after.file.Decls[i]
		if bytes.Equal(before.of(a), after.of(b)) {
			continue
		}
		f, isFunc := a.(*ast.FuncDecl)
		g, alsoFunc := b.(*ast.FuncDecl)
		if !isFunc || !alsoFunc || !bytes.Equal(before.signature(f), after.signature(g)) {
			return nil, errAlone
		}
		changed = append(changed, variant{id, before.name(f), after.renamed(g, variantName(id, g.Name.Name))})
	}
	if len(changed) == 0 {
		return nil, errAlone
	}
	return changed, nil
}

func variantName(id int, name string) string { return fmt.Sprintf("mutant%d_%s", id, name) }

// A source is a parsed file.
type source struct {
	text []byte
	set  *token.FileSet
	file *ast.File
}

func parse(name string, text []byte) (*source, error) {
	s := &source{text: text, set: token.NewFileSet()}
	var err error
	s.file, err = parser.ParseFile(s.set, name, text, parser.SkipObjectResolution|parser.ParseComments)
	return s, err
}

func (s *source) offset(p token.Pos) int { return s.set.Position(p).Offset }

// of returns the text of a node.
func (s *source) of(n ast.Node) []byte { return s.text[s.offset(n.Pos()):s.offset(n.End())] }

// signature returns the text of a function before its body.
func (s *source) signature(f *ast.FuncDecl) []byte {
	if f.Body == nil {
		return s.of(f)
	}
	return s.text[s.offset(f.Pos()):s.offset(f.Body.Pos())]
}

// renamed returns the text of a function, with another name.
func (s *source) renamed(f *ast.FuncDecl, name string) string {
	from, to, end := s.offset(f.Pos()), s.offset(f.Name.Pos()), s.offset(f.End())
	return string(s.text[from:to]) + name + string(s.text[s.offset(f.Name.End()):end])
}

// name returns the name of a function, with its receiver's type. Functions named init share theirs.
func (s *source) name(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return f.Name.Name
	}
	return string(s.of(f.Recv.List[0].Type)) + "." + f.Name.Name
}

// merge returns the file with all variants of its functions.
func merge(name string, lines []string, all []variant) ([]byte, error) {
	text := join(lines)
	s, err := parse(name, text)
	if err != nil {
		return nil, err
	}
	var e edits
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		var ids []int
		for _, v := range all {
			if v.name == s.name(f) {
				ids = append(ids, v.id)
			}
		}
		if len(ids) > 0 {
			s.dispatch(f, ids, &e)
		}
	}
	merged := bytes.NewBuffer(e.apply(text))
	for _, v := range all {
		// The compiler and panics name the mutant in place of the file.
		fmt.Fprintf(merged, "\n//line mutant-%d:1\n%s\n", v.id, v.text)
	}
	return merged.Bytes(), nil
}

// dispatch inserts the switch at the beginning of f. Parameters without a name get one.
func (s *source) dispatch(f *ast.FuncDecl, ids []int, e *edits) {
	var receiver, types string
	if f.Recv != nil {
		receiver = s.names(f.Recv, "mutantReceiver", e)[0] + "."
	}
	if f.Type.TypeParams != nil {
		types = "[" + strings.Join(s.names(f.Type.TypeParams, "", e), ", ") + "]"
	}
	arguments := strings.Join(s.names(f.Type.Params, "mutantParam", e), ", ")
	if isVariadic(f) {
		arguments += "..."
	}
	form := " case %d: return %s;"
	if f.Type.Results == nil {
		form = " case %d: %s; return;"
	}
	var cases strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&cases, form, id, receiver+variantName(id, f.Name.Name)+types+"("+arguments+")")
	}
	e.insert(s.offset(f.Body.Lbrace)+1, 0, " switch mutantNow {"+cases.String()+" };")
}

func isVariadic(f *ast.FuncDecl) bool {
	n := len(f.Type.Params.List)
	if n == 0 {
		return false
	}
	_, variadic := f.Type.Params.List[n-1].Type.(*ast.Ellipsis)
	return variadic
}

// names returns the names of parameters, and gives those one that have none.
func (s *source) names(fields *ast.FieldList, prefix string, e *edits) []string {
	var names []string
	for _, field := range fields.List {
		if len(field.Names) == 0 {
			name := fmt.Sprint(prefix, len(names))
			e.insert(s.offset(field.Type.Pos()), 0, name+" ")
			names = append(names, name)
		}
		for _, n := range field.Names {
			name := n.Name
			if name == "_" {
				name = fmt.Sprint(prefix, len(names))
				e.insert(s.offset(n.Pos()), 1, name)
			}
			names = append(names, name)
		}
	}
	return names
}

// edits are replacements in a text, in any order.
type edits []edit

type edit struct {
	at, length int // what is replaced
	text       string
}

func (e *edits) insert(at, length int, text string) { *e = append(*e, edit{at, length, text}) }

func (e edits) apply(text []byte) []byte {
	var out []byte
	next := 0
	for _, c := range slices.SortedFunc(slices.Values(e), func(a, b edit) int { return a.at - b.at }) {
		out = append(append(out, text[next:c.at]...), c.text...)
		next = c.at + c.length
	}
	return append(out, text[next:]...)
}

func join(lines []string) []byte { return []byte(strings.Join(lines, "\n")) }

// mergeAll returns the overlay in which all the mutants are, and the mutants that cannot be in it.
func mergeAll(t *tree, mutants []*mutant) (overlay map[string][]byte, alone []*mutant, err error) {
	byFile := make(map[string][]variant)
	for _, m := range mutants {
		own, err := m.variants()
		if err != nil {
			alone = append(alone, m)
			continue
		}
		for file, list := range own {
			byFile[file] = append(byFile[file], list...)
		}
	}
	overlay = make(map[string][]byte)
	for file, list := range byFile {
		lines, err := t.lines(file)
		if err != nil {
			return nil, nil, err
		}
		merged, err := merge(file, lines, list)
		if err != nil {
			return nil, nil, err
		}
		overlay[file] = merged
		if s, err := parse(file, merged); err == nil {
			overlay[path.Join(path.Dir(file), "mutants_of_this_package.go")] =
				fmt.Appendf(nil, markerFile, s.file.Name.Name, marker(0))
		}
	}
	return overlay, alone, nil
}

// variants returns the functions that the mutant changes, by file.
func (m *mutant) variants() (map[string][]variant, error) {
	if m.alone {
		return nil, errAlone
	}
	byFile := make(map[string][]variant)
	for _, l := range m.located {
		changed, err := variants(m.id, l)
		if err != nil {
			return nil, err
		}
		byFile[l.file] = append(byFile[l.file], changed...)
	}
	return byFile, nil
}

// overlay returns the changed files of the mutant alone.
func (m *mutant) overlay() map[string][]byte {
	files := make(map[string][]byte)
	for _, l := range m.located {
		files[l.file] = join(l.new)
	}
	return files
}
