// Package jsonpatch has the operations of a JSON Patch (RFC 6902) and the pointers that they use
// (RFC 6901). It is a leaf, so that what plans a patch and what applies one need not know each
// other.
package jsonpatch

import (
	"encoding/json"
	"strings"
)

// An Operation is one step of a JSON Patch. Op is "add", "remove" or "replace".
type Operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Escape returns a key as a reference token of a JSON Pointer (RFC 6901 section 3).
func Escape(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// Unescape is the reverse of Escape.
func Unescape(token string) string {
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
}

// Tokens returns the unescaped reference tokens of a pointer.
func Tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	tokens := strings.Split(pointer[1:], "/")
	for i := range tokens {
		tokens[i] = Unescape(tokens[i])
	}
	return tokens
}

// Cut splits a pointer into the pointer of the parent and the last token, unescaped.
func Cut(pointer string) (parent, last string) {
	i := strings.LastIndexByte(pointer, '/')
	return pointer[:max(i, 0)], Unescape(pointer[i+1:])
}

// Quoted is a text that a manifest has in quotes, for an operation that restores it.
type Quoted struct{ Text, Quote string }

// MarshalJSON encodes the text.
func (q Quoted) MarshalJSON() ([]byte, error) { return json.Marshal(q.Text) }

// Null is a null with its text in a manifest, which may be empty, for an operation that restores it.
type Null struct{ Text string }

// MarshalJSON encodes null.
func (Null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }
