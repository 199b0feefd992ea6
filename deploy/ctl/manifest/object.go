package manifest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
)

// An Object is one of a document.
type Object struct {
	Document                          *Document
	Path                              string // JSON Pointer within the document; empty, but for the items of a list
	APIVersion, Kind, Namespace, Name string
}

// Objects returns the document's object, or those of its list.
func (d *Document) Objects() []*Object { return d.objects("") }

func (d *Document) objects(path string) []*Object {
	node := d.node(path)
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	o := &Object{
		Document: d, Path: path,
		APIVersion: scalar(lookup(node, "/apiVersion")), Kind: scalar(lookup(node, "/kind")),
		Namespace: scalar(lookup(node, "/metadata/namespace")), Name: scalar(lookup(node, "/metadata/name")),
	}
	items := lookup(node, "/items")
	if !strings.HasSuffix(o.Kind, "List") || items == nil || items.Kind != yaml.SequenceNode {
		return []*Object{o}
	}
	var all []*Object
	for i := range items.Content {
		all = append(all, d.objects(path+"/items/"+strconv.Itoa(i))...)
	}
	return all
}

func (o *Object) String() string { return o.Kind + " " + o.Name }

// Decode reads the object, or what is at a JSON Pointer within it, into a type of Kubernetes.
func (o *Object) Decode(pointer string, into any) error {
	node := o.Document.node(o.Path + pointer)
	if node == nil {
		return fmt.Errorf("%s: %s has no %s", o.Position(""), o, pointer)
	}
	text, err := toJSON(node)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", o.Position(pointer), o, err)
	}
	return nil
}

// Position returns where the value at a JSON Pointer within the object stands or, where there is none, the nearest one around it.
func (o *Object) Position(pointer string) Position {
	p := Position{File: o.Document.File, Line: o.Document.Line, Column: 1}
	for path := o.Path + pointer; ; path = path[:strings.LastIndexByte(path, '/')] {
		if at := o.Document.position(path); at != nil {
			p.Line += at.Line - 1
			p.Column = at.Column
			return p
		}
		if path == "" {
			return p
		}
	}
}

// position returns the node that a person would point at: the key of an entry, or the element of a list.
func (d *Document) position(path string) *yaml.Node {
	node := d.node(path)
	if i := strings.LastIndexByte(path, '/'); i >= 0 && node != nil {
		if parent := d.node(path[:i]); parent != nil && parent.Kind == yaml.MappingNode {
			if k := keyIndex(parent, unescape(path[i+1:])); k >= 0 {
				return parent.Content[k]
			}
		}
	}
	return node
}

// A Workload is an object that makes pods.
type Workload struct {
	*Object
	TemplatePath string // JSON Pointer of the pod template within the object; of a Pod: empty
	Template     *corev1.PodTemplateSpec
}

// templates are where the kinds that make pods have their template, by group.
var templates = map[string]map[string]string{
	"apps":        {"Deployment": "/spec/template", "StatefulSet": "/spec/template", "DaemonSet": "/spec/template", "ReplicaSet": "/spec/template"},
	"batch":       {"Job": "/spec/template", "CronJob": "/spec/jobTemplate/spec/template"},
	"argoproj.io": {"Rollout": "/spec/template"},
	"":            {"Pod": "", "ReplicationController": "/spec/template"},
}

// Workload returns the object as a workload, or nil if it is none.
func (o *Object) Workload() (*Workload, error) {
	group, _, grouped := strings.Cut(o.APIVersion, "/")
	if !grouped {
		group = ""
	}
	path, is := templates[group][o.Kind]
	if !is || o.Document.node(o.Path+path+"/spec") == nil {
		return nil, nil
	}
	w := &Workload{Object: o, TemplatePath: path, Template: new(corev1.PodTemplateSpec)}
	return w, o.Decode(path, w.Template)
}

// toJSON writes a node, with its aliases and merges, as JSON.
func toJSON(node *yaml.Node) ([]byte, error) {
	var value any
	if err := node.Decode(&value); err != nil {
		return nil, err
	}
	return json.Marshal(value)
}

func scalar(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode {
		return ""
	}
	return node.Value
}
