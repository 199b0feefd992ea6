package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
	"lameduck/deploy/ctl/yamledit"
)

// Decode reads the object, or the value at a JSON Pointer in it, into a Kubernetes type, as kubectl
// reads it: yes is true where the type demands that. The error has the position of the value that does
// not fit.
func (o *Object) Decode(pointer string, into any) error {
	node := o.Document.yaml.Node(o.Path + pointer)
	if node == nil {
		return fmt.Errorf("%s: %s has no %s", o.Position(""), o, pointer)
	}
	value, err := yamledit.Value(node, false) // aliases and merges are resolved
	if err != nil {
		line, text := o.Document.explain(err)
		return fmt.Errorf("%s:%d: %s: %s", o.Document.File, line, o, text)
	}
	if convert(value, into) == nil {
		return nil
	}
	if value, err = o.words(pointer); err == nil {
		err = convert(value, into)
	}
	if err != nil {
		return o.misfit(pointer, value, reflect.TypeOf(into).Elem(), err)
	}
	return nil
}

// DecodeWords is like Decode, but each word without quotes such as yes or off is true or false, as in
// YAML 1.1.
func (o *Object) DecodeWords(pointer string, into any) error {
	value, err := o.words(pointer)
	if err != nil {
		return err
	}
	return convert(value, into)
}

func (o *Object) words(pointer string) (any, error) {
	return yamledit.Value(o.Document.yaml.Node(o.Path+pointer), true)
}

// convert reads a value into a Kubernetes type.
func convert(value, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	reflect.ValueOf(into).Elem().SetZero()
	return json.Unmarshal(text, into)
}

// misfit returns the error of a value that does not fit a type, with the field that is to blame.
func (o *Object) misfit(pointer string, value any, into reflect.Type, err error) error {
	c := &culprit{value, into, err.Error()}
	if pointer += c.find("", value); pointer == "" {
		return fmt.Errorf("%s: %s: %s", o.Position(""), o, describe(err))
	}
	why := describe(err)
	if strings.Contains(o.scalar(pointer), "${") {
		why += "; if this is a parameter of a template, process it first, for example with oc process or envsubst"
	}
	return fmt.Errorf("%s: %s: %s: %s", o.Position(pointer), o, fieldOf(pointer), why)
}

// A culprit is the value without which decoding does not fail as it did.
type culprit struct {
	whole   any
	into    reflect.Type
	failure string
}

// find returns the JSON Pointer of the culprit within a value that has it. It replaces one element
// after the other by null, so that the last one that fails in this way is found.
func (c *culprit) find(at string, value any) string {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			element := value[key]
			if value[key] = nil; !c.fails() {
				value[key] = element
				return c.find(at+"/"+jsonpatch.Escape(key), element)
			}
		}
	case []any:
		for i, element := range value {
			if value[i] = nil; !c.fails() {
				value[i] = element
				return c.find(at+"/"+strconv.Itoa(i), element)
			}
		}
	}
	return at
}

// fails reports whether decoding fails as it did.
func (c *culprit) fails() bool {
	text, err := json.Marshal(c.whole)
	if err == nil {
		err = json.Unmarshal(text, reflect.New(c.into).Interface())
	}
	return err != nil && err.Error() == c.failure
}

// describe returns the error of a decoder without the names of Go types.
func describe(err error) string {
	var misfit *json.UnmarshalTypeError
	if !errors.As(err, &misfit) {
		return err.Error()
	}
	want := misfit.Type.String()
	switch misfit.Type.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64:
		want = "an integer"
	case reflect.Bool:
		want = "true or false"
	case reflect.String:
		want = "a string"
	case reflect.Slice:
		want = "a list"
	case reflect.Map, reflect.Struct:
		want = "an object"
	}
	return "must be " + want + ", got " + misfit.Value
}

// fieldOf returns the path of a field, such as spec.containers[0].image, from its JSON Pointer.
func fieldOf(pointer string) string {
	var field strings.Builder
	for _, token := range jsonpatch.Tokens(pointer) {
		_, err := strconv.ParseUint(token, 10, 32)
		switch {
		case err == nil || strings.ContainsAny(token, "./"):
			field.WriteString("[" + token + "]")
		case field.Len() > 0:
			field.WriteString("." + token)
		default:
			field.WriteString(token)
		}
	}
	return field.String()
}

// yamlLine and otherLine are the lines in errors of the YAML library, from the beginning of the
// document.
var (
	yamlLine  = regexp.MustCompile(`line (\d+): `)
	otherLine = regexp.MustCompile(`at line (\d+)$`)
)

// explain returns the first error of the YAML library among those in err, with its line in the file.
func (d *Document) explain(err error) (line int, text string) {
	text, line = err.Error(), d.Line
	if several := (*yaml.TypeError)(nil); errors.As(err, &several) && len(several.Errors) > 0 {
		text = several.Errors[0]
	}
	inFile := func(digits string) int {
		n, _ := strconv.Atoi(digits)
		return d.Line + n - 1
	}
	if m := yamlLine.FindStringSubmatchIndex(text); m != nil {
		line, text = inFile(text[m[2]:m[3]]), text[m[1]:]
	}
	if m := otherLine.FindStringSubmatchIndex(text); m != nil {
		text = text[:m[2]] + strconv.Itoa(inFile(text[m[2]:m[3]]))
	}
	if strings.Contains(string(d.yaml.Text), "{{") {
		text += "; if this is a template of Helm, render it first: helm template"
	}
	return line, text
}
