package jsonpatch

import (
	"slices"
	"testing"
)

func TestTokensAreUnescapedAndCutFromTheirParent(t *testing.T) {
	const pointer = "/metadata/annotations/a~1b~01"
	if got, want := Tokens(pointer), []string{"metadata", "annotations", "a/b~1"}; !slices.Equal(got, want) {
		t.Errorf("tokens %q, want %q", got, want)
	}
	if parent, last := Cut(pointer); parent != "/metadata/annotations" || last != "a/b~1" {
		t.Errorf("parent %q, last token %q", parent, last)
	}
	if got := Escape("a/b~1"); got != "a~1b~01" {
		t.Errorf("escaped: %q", got)
	}
	if parent, last := Cut(""); parent != "" || last != "" || len(Tokens("")) != 0 {
		t.Errorf("the whole document: parent %q, last token %q, tokens %q", parent, last, Tokens(""))
	}
}
