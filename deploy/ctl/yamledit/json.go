package yamledit

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// splitJSON splits parts that are a sequence of JSON objects, as kubectl accepts them, in front of
// each object but the first. White space belongs to the object that follows it.
func splitJSON(parts [][]byte) [][]byte {
	var all [][]byte
	for _, part := range parts {
		for {
			first, rest := cutJSON(part)
			if rest == nil {
				break
			}
			all = append(all, first)
			part = rest
		}
		all = append(all, part)
	}
	return all
}

// cutJSON returns the first JSON object of a text and the text behind it, which is nil unless
// another object begins there.
func cutJSON(text []byte) (first, rest []byte) {
	if !beginsObject(text) {
		return text, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	var object json.RawMessage
	if decoder.Decode(&object) != nil {
		return text, nil // YAML, perhaps
	}
	end := decoder.InputOffset()
	if !beginsObject(text[end:]) {
		return text, nil
	}
	return text[:end], text[end:]
}

func beginsObject(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && text[0] == '{'
}

// surrogates matches the escape of a character that is not in the Basic Multilingual Plane, which YAML
// does not know.
var surrogates = regexp.MustCompile(`\\u[dD][89abAB][[:xdigit:]]{2}\\u[dD][c-fC-F][[:xdigit:]]{2}`)

// withoutSurrogates returns JSON with the characters themselves.
func withoutSurrogates(text []byte) []byte {
	return surrogates.ReplaceAllFunc(text, func(pair []byte) []byte {
		high, _ := strconv.ParseUint(string(pair[2:6]), 16, 16)
		low, _ := strconv.ParseUint(string(pair[8:12]), 16, 16)
		return utf8.AppendRune(nil, utf16.DecodeRune(rune(high), rune(low)))
	})
}

// encodeJSON returns a node as JSON and keeps the order of its keys.
func encodeJSON(node *yaml.Node) ([]byte, error) {
	var text bytes.Buffer
	node = resolve(node)
	switch node.Kind {
	case yaml.MappingNode, yaml.SequenceNode:
		if err := encodeElements(&text, node); err != nil {
			return nil, err
		}
	default:
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, err
		}
		return json.Marshal(value)
	}
	return text.Bytes(), nil
}

func encodeElements(text *bytes.Buffer, node *yaml.Node) error {
	brackets, separators := "[]", ","
	if node.Kind == yaml.MappingNode {
		brackets, separators = "{}", ":,"
	}
	text.WriteByte(brackets[0])
	for i, c := range node.Content {
		if i > 0 {
			text.WriteByte(separators[(i-1)%len(separators)])
		}
		element, err := encodeJSON(c)
		if err != nil {
			return err
		}
		text.Write(element)
	}
	text.WriteByte(brackets[1])
	return nil
}
