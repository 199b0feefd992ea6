package manifest

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/jsonpatch"
)

// An Object is a Kubernetes object of a document.
type Object struct {
	Document                          *Document
	Path                              string // JSON Pointer in the document; not empty for the items of a list
	APIVersion, Kind, Namespace, Name string
}

// Objects returns the document's object, or the items of its list.
func (d *Document) Objects() []*Object { return d.objects("") }

func (d *Document) objects(path string) []*Object {
	node := d.yaml.Node(path)
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	o := &Object{
		Document: d, Path: path,
		APIVersion: d.scalar(path + "/apiVersion"), Kind: d.scalar(path + "/kind"),
		Namespace: d.scalar(path + "/metadata/namespace"), Name: d.scalar(path + "/metadata/name"),
	}
	list := o.list()
	items := d.yaml.Node(path + list)
	if list == "" || items == nil || items.Kind != yaml.SequenceNode {
		return []*Object{o}
	}
	var all []*Object
	for i := range items.Content {
		all = append(all, d.objects(path+list+"/"+strconv.Itoa(i))...)
	}
	return all
}

// list returns the JSON Pointer of the objects of a list or of a Template of OpenShift, or an empty
// string for other kinds.
func (o *Object) list() string {
	switch {
	case strings.HasSuffix(o.Kind, "List"):
		return "/items"
	case o.Kind == "Template" && (o.group() == "" || o.group() == "template.openshift.io"):
		return "/objects"
	}
	return ""
}

// group returns the API group, which is empty for the core group.
func (o *Object) group() string {
	group, _, grouped := strings.Cut(o.APIVersion, "/")
	if !grouped {
		return ""
	}
	return group
}

func (o *Object) String() string {
	return o.Kind + " " + cmp.Or(o.Name, o.scalar("/metadata/generateName"))
}

// Position returns the position of the value at a JSON Pointer in the object. If there is no such
// value, it returns the position of the nearest one around it.
func (o *Object) Position(pointer string) Position {
	p := Position{File: o.Document.File, Line: o.Document.Line, Column: 1}
	for path := o.Path + pointer; ; path, _ = jsonpatch.Cut(path) {
		if line, column, found := o.Document.yaml.Position(path); found {
			p.Line += line - 1
			p.Column = column
			return p
		}
		if path == "" {
			return p
		}
	}
}

// Apply applies a JSON Patch with paths relative to the value at a JSON Pointer in the object. On
// an error nothing is applied.
func (o *Object) Apply(pointer string, patch []jsonpatch.Operation) error {
	var absolute []jsonpatch.Operation
	for _, op := range patch {
		op.Path = o.Path + pointer + op.Path
		absolute = append(absolute, op)
	}
	edited, err := o.Document.yaml.Apply(absolute)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Position(pointer), err)
	}
	o.Document.yaml = edited
	return nil
}

// A Workload is an object that makes pods.
type Workload struct {
	*Object
	TemplatePath string // JSON Pointer of the pod template in the object; empty for a Pod
	Template     *corev1.PodTemplateSpec
	NoMetadata   bool // the template has none, not even an empty one
}

// Quote returns the quotes of the scalar at a JSON Pointer in the template, or an empty string.
func (w *Workload) Quote(pointer string) string {
	return w.Document.yaml.Quote(w.Path + w.TemplatePath + pointer)
}

// Null returns the text of the null at a JSON Pointer in the template, or false if there is none.
func (w *Workload) Null(pointer string) (text string, is bool) {
	return w.Document.yaml.Null(w.Path + w.TemplatePath + pointer)
}

// Workload returns the object as a workload, or nil if it does not make pods or its kind is
// unknown.
func (o *Object) Workload() (*Workload, error) {
	path, is := templates[o.group()][o.Kind]
	if !is || o.Document.yaml.Node(o.Path+path+"/spec") == nil {
		return nil, nil
	}
	w := &Workload{Object: o, TemplatePath: path, Template: new(corev1.PodTemplateSpec)}
	metadata := o.Document.yaml.Node(o.Path + path + "/metadata")
	w.NoMetadata = metadata == nil || metadata.Kind != yaml.MappingNode
	return w, o.Decode(path, w.Template)
}

// scalar returns the text of the scalar at a JSON Pointer, or an empty string.
func (d *Document) scalar(pointer string) string {
	node := d.yaml.Node(pointer)
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}
