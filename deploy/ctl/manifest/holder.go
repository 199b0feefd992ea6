package manifest

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"lameduck/deploy/ctl/jsonpatch"
)

// templates has the JSON Pointers of pod templates by API group and kind.
var templates = map[string]map[string]string{
	"apps": {
		"Deployment": "/spec/template", "StatefulSet": "/spec/template",
		"DaemonSet": "/spec/template", "ReplicaSet": "/spec/template",
	},
	"batch":             {"Job": "/spec/template", "CronJob": "/spec/jobTemplate/spec/template"},
	"argoproj.io":       {"Rollout": "/spec/template"},
	"apps.openshift.io": {"DeploymentConfig": "/spec/template"},
	"apps.kruise.io": {
		"CloneSet": "/spec/template", "StatefulSet": "/spec/template", "DaemonSet": "/spec/template",
	},
	"": {
		"Pod": "", "ReplicationController": "/spec/template", "PodTemplate": "/template",
		"DeploymentConfig": "/spec/template", // of OpenShift 3
	},
}

// patterns are the API groups of policies, which describe pods and do not make any.
var patterns = []string{"kyverno.io", "policies.kyverno.io", "constraints.gatekeeper.sh"}

// A Holder is a pod specification in an object of a kind that is not known to make pods.
type Holder struct {
	Pointer string // of the specification in the object, such as /spec/template/spec
	Serves  bool   // a container declares a TCP port
	OptsOut bool   // the template has the given label
	Ends    bool   // the pods run to completion
}

// Holders returns the pod specifications of an object of an unknown kind. label is one that opts a
// template out, as key=value.
func (o *Object) Holders(label string) []Holder {
	if _, known := templates[o.group()][o.Kind]; known || slices.Contains(patterns, o.group()) {
		return nil
	}
	key, value, _ := strings.Cut(label, "=")
	var found []Holder
	o.eachNode("", o.Document.yaml.Node(o.Path), func(at string, n *yaml.Node) bool {
		containers := o.elements(at + "/containers")
		if len(containers) == 0 || !o.haveImages(containers) {
			return true
		}
		template, _ := jsonpatch.Cut(at)
		own := o.scalar(template + "/metadata/labels/" + jsonpatch.Escape(key))
		policy := o.scalar(at + "/restartPolicy")
		found = append(found, Holder{
			Pointer: at, Serves: o.anyServes(containers), OptsOut: own == value,
			Ends: policy == "Never" || policy == "OnFailure",
		})
		return false
	})
	return found
}

// elements returns the JSON Pointers of the elements of a list.
func (o *Object) elements(list string) []string {
	n := o.Document.yaml.Node(o.Path + list)
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var all []string
	for i := range n.Content {
		all = append(all, list+"/"+strconv.Itoa(i))
	}
	return all
}

func (o *Object) has(pointer string) bool { return o.Document.yaml.Node(o.Path+pointer) != nil }

func (o *Object) scalar(pointer string) string { return o.Document.scalar(o.Path + pointer) }

// eachNode calls visit for a mapping and the mappings below it, as long as it returns true.
func (o *Object) eachNode(at string, n *yaml.Node, visit func(at string, n *yaml.Node) bool) {
	switch {
	case n == nil:
	case n.Kind == yaml.SequenceNode:
		for i, c := range n.Content {
			o.eachNode(at+"/"+strconv.Itoa(i), c, visit)
		}
	case n.Kind == yaml.MappingNode && visit(at, n):
		for i := 0; i+1 < len(n.Content); i += 2 {
			o.eachNode(at+"/"+jsonpatch.Escape(n.Content[i].Value), n.Content[i+1], visit)
		}
	}
}

// haveImages reports whether all elements of a list have an image, as containers do.
func (o *Object) haveImages(elements []string) bool {
	return !slices.ContainsFunc(elements, func(c string) bool { return !o.has(c + "/image") })
}

// anyServes reports whether a container declares a TCP port.
func (o *Object) anyServes(containers []string) bool {
	return slices.ContainsFunc(containers, func(c string) bool {
		return slices.ContainsFunc(o.elements(c+"/ports"), func(p string) bool {
			protocol := o.scalar(p + "/protocol")
			return protocol == "" || protocol == "TCP"
		})
	})
}
