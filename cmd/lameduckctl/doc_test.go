package main

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// The package comment lists the commands of the program.
func TestDocListsTheCommands(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var listed, commands []string
	for _, m := range regexp.MustCompile(`(?m)^//\tlameduckctl (\w+)`).FindAllSubmatch(doc, -1) {
		listed = append(listed, string(m[1]))
	}
	for _, c := range newRootCommand("lameduckctl").Commands() {
		commands = append(commands, c.Name())
	}
	slices.Sort(listed)
	slices.Sort(commands)
	if !slices.Equal(listed, commands) {
		t.Errorf("doc.go lists %v, the program has %v", listed, commands)
	}
}
