package main

import (
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/jsonpatch"
	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/ctl/mode"
)

// nameTargets replaces the numbers of target ports in Services by the names that they have in every
// pod that the Service selects. It must come before the plans, which depend on the Services.
func nameTargets(files []*manifest.File, stderr io.Writer) error {
	var services []*manifest.Object
	var workloads []*manifest.Workload
	for _, f := range files {
		for _, o := range f.Objects() {
			if o.APIVersion == "v1" && o.Kind == "Service" {
				services = append(services, o)
			}
			w, err := o.Workload()
			if err != nil {
				return err
			}
			if w != nil {
				workloads = append(workloads, w)
			}
		}
	}
	for _, s := range services {
		if err := nameTargetsOf(s, workloads, stderr); err != nil {
			return err
		}
	}
	return nil
}

func nameTargetsOf(o *manifest.Object, workloads []*manifest.Workload, stderr io.Writer) error {
	s := new(corev1.Service)
	if err := o.Decode("", s); err != nil {
		return err
	}
	selected := slices.DeleteFunc(slices.Clone(workloads), func(w *manifest.Workload) bool {
		return w.Namespace != o.Namespace || !mode.Selects(s, labels.Set(w.Template.Labels))
	})
	if len(selected) == 0 || s.Spec.ClusterIP == corev1.ClusterIPNone {
		return nil // headless: clients do not use the target port
	}
	var patch []jsonpatch.Operation
	for i, p := range s.Spec.Ports {
		target := mode.Target(p)
		if target.Type != intstr.Int {
			continue
		}
		at := fmt.Sprintf("/spec/ports/%d", i)
		name, why := commonName(target.IntVal, p.Protocol, selected)
		if why != "" {
			fmt.Fprintf(stderr, "%s: %s: spec.ports[%d]: port %d keeps its number: %s\n", o.Position(at), o, i,
				target.IntVal, why)
			continue
		}
		op := "replace"
		if p.TargetPort == (intstr.IntOrString{}) {
			op = "add"
		}
		fmt.Fprintf(stderr, "%s: %s: spec.ports[%d]: targetPort %s instead of %d\n", o.Position(at), o, i, name,
			target.IntVal)
		patch = append(patch, jsonpatch.Operation{Op: op, Path: at + "/targetPort", Value: name})
	}
	if len(patch) == 0 {
		return nil
	}
	return o.Apply("", patch)
}

// commonName returns the name of a port in all workloads, or why there is none.
func commonName(number int32, protocol corev1.Protocol, workloads []*manifest.Workload) (name, why string) {
	for _, w := range workloads {
		own := nameIn(&w.Template.Spec, number, protocol)
		switch {
		case own == "":
			return "", fmt.Sprintf("it has no name in %s", w)
		case name != "" && own != name:
			return "", fmt.Sprintf("its name in %s is %s, and elsewhere %s", w, own, name)
		}
		name = own
	}
	return name, ""
}

// nameIn returns the name of a port of a pod. A Service looks up a name in the containers, and then
// in the native sidecars.
func nameIn(spec *corev1.PodSpec, number int32, protocol corev1.Protocol) string {
	containers := slices.Clone(spec.Containers)
	for _, c := range spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			containers = append(containers, c)
		}
	}
	for _, c := range containers {
		for _, p := range c.Ports {
			if p.ContainerPort == number && p.Name != "" && isTCP(p.Protocol) == isTCP(protocol) {
				return p.Name
			}
		}
	}
	return ""
}

func isTCP(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }
