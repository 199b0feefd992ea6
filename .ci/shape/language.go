package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// idioms.txt has a regular expression and better words on each line, with a tab between them. It is
// in rot13, so that neither this check nor a search finds an idiom in the list. To read it:
//
//	tr A-Za-z N-ZA-Mn-za-m < .ci/shape/idioms.txt
//
//go:embed idioms.txt
var idiomList string

// An idiom is an expression that the project does not use.
type idiom struct {
	pattern *regexp.Regexp
	better  string
}

func parseIdioms(list string) ([]idiom, error) {
	var idioms []idiom
	for i, l := range strings.Split(strings.TrimSpace(rot13(list)), "\n") {
		expression, better, ok := strings.Cut(l, "\t")
		if !ok {
			return nil, fmt.Errorf("idioms.txt:%d: want an expression, a tab and better words", i+1)
		}
		// Any space of the text may be a line break.
		pattern, err := regexp.Compile(`(?i)` + expression)
		if err != nil {
			return nil, fmt.Errorf("idioms.txt:%d: %w", i+1, err)
		}
		idioms = append(idioms, idiom{pattern, better})
	}
	return idioms, nil
}

func rot13(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return 'a' + (r-'a'+13)%26
		case 'A' <= r && r <= 'Z':
			return 'A' + (r-'A'+13)%26
		}
		return r
	}, s)
}

// language counts the idioms in the files of each directory.
func language(root string, files []string) ([]figure, error) {
	idioms, err := parseIdioms(idiomList)
	if err != nil {
		return nil, err
	}
	dirs := make(map[string]*figure)
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return nil, err
		}
		dir := area(name)
		if dirs[dir] == nil {
			dirs[dir] = &figure{kind: "idioms", name: dir}
		}
		if bytes.IndexByte(text, 0) >= 0 || name == ".ci/shape/idioms.txt" {
			continue
		}
		found := search(name, string(text), idioms)
		dirs[dir].value += len(found)
		dirs[dir].findings = append(dirs[dir].findings, found...)
	}
	var figures []figure
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		figures = append(figures, *dirs[dir])
	}
	return figures, nil
}

// area returns the directory of a file. That of a patch is that of the package that it changes.
func area(name string) string {
	return path.Dir(strings.TrimPrefix(name, ".ci/mutants/patches/"))
}

// lineBreak matches a line break and the beginning of the next line of a comment or a paragraph.
var lineBreak = regexp.MustCompile(`\n[ \t]*(?://|#|\*|>)?[ \t]*`)

// search returns the places of the idioms in a text, one for each line and idiom. A line break
// counts as a space, since an idiom may be wrapped.
func search(name, text string, idioms []idiom) []string {
	var starts []int // of all lines but the first, in the joined text
	var joined strings.Builder
	next := 0
	for _, m := range lineBreak.FindAllStringIndex(text, -1) {
		joined.WriteString(text[next:m[0]] + " ")
		next = m[1]
		starts = append(starts, joined.Len())
	}
	joined.WriteString(text[next:])
	var found []string
	for _, i := range idioms {
		last := -1
		for _, m := range i.pattern.FindAllStringIndex(joined.String(), -1) {
			n, _ := slices.BinarySearch(starts, m[0]+1)
			if n == last {
				continue
			}
			last = n
			found = append(found, fmt.Sprintf("%s:%d: %q: better %s", name, n+1, joined.String()[m[0]:m[1]], i.better))
		}
	}
	return found
}
