package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/jsonpatch"
	"lameduck/deploy/ctl/manifest"
	"lameduck/deploy/ctl/mode"
)

// A podsFunc returns the pods that a Service selects now.
type podsFunc func(*corev1.Service) ([]corev1.Pod, error)

// nameTargets replaces the numbers of target ports in Services with the names that these ports have
// in every selected pod, both in the manifests and, unless pods is nil, among the running ones. It
// must be called before the plans are made, which depend on the Services.
func nameTargets(files []*manifest.File, pods podsFunc, stderr io.Writer) error {
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
		if err := nameTargetsOf(s, workloads, pods, stderr); err != nil {
			return err
		}
	}
	return nil
}

func nameTargetsOf(
	o *manifest.Object, workloads []*manifest.Workload, pods podsFunc, stderr io.Writer,
) error {
	s := new(corev1.Service)
	if err := o.Decode("", s); err != nil {
		return err
	}
	selected := slices.DeleteFunc(slices.Clone(workloads), func(w *manifest.Workload) bool {
		return w.Namespace != o.Namespace || !mode.Selects(s, labels.Set(w.Template.Labels))
	})
	if len(selected) == 0 || s.Spec.ClusterIP == corev1.ClusterIPNone || !hasNumbers(s) {
		return nil // headless: clients do not use the target port
	}
	holders, unknown, err := portHolders(s, selected, pods)
	if err != nil {
		return err
	}
	var patch []jsonpatch.Operation
	for i, p := range s.Spec.Ports {
		target := mode.Target(p)
		if target.Type != intstr.Int {
			continue
		}
		at := fmt.Sprintf("/spec/ports/%d", i)
		name, why := commonName(target.IntVal, p.Protocol, holders)
		if why = cmp.Or(why, unknown); why != "" {
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

// hasNumbers reports whether a port of a Service has a number as its target.
func hasNumbers(s *corev1.Service) bool {
	return slices.ContainsFunc(s.Spec.Ports, func(p corev1.ServicePort) bool { return mode.Target(p).Type == intstr.Int })
}

// A portHolder is a pod, or the template of pods.
type portHolder struct {
	name string
	spec *corev1.PodSpec
}

// portHolders returns the pods that a Service selects: those of workloads, then running ones. If
// the latter are unknown, it returns the reason.
func portHolders(
	s *corev1.Service, workloads []*manifest.Workload, pods podsFunc,
) (all []portHolder, unknown string, err error) {
	for _, w := range workloads {
		all = append(all, portHolder{w.String(), &w.Template.Spec})
	}
	if pods == nil {
		return all, "", nil
	}
	running, err := pods(s)
	if apierrors.IsForbidden(err) {
		return all, "the pods that run now are unknown, as you may not list them", nil
	}
	for i := range running {
		all = append(all, portHolder{"Pod " + running[i].Name + ", which runs now", &running[i].Spec})
	}
	return all, "", err
}

// commonName returns the name that a port number has in all pods, or the reason why there is none.
// The first pod determines the name.
func commonName(number int32, protocol corev1.Protocol, pods []portHolder) (name, why string) {
	for i, p := range pods {
		own := nameIn(p.spec, number, protocol)
		if i == 0 {
			name = own
		}
		switch meant := numberIn(p.spec, name, protocol); {
		case own == "":
			return "", fmt.Sprintf("it has no name in %s", p.name)
		case meant == 0:
			return "", fmt.Sprintf("its name in %s is %s, and elsewhere %s", p.name, own, name)
		case meant != number:
			return "", fmt.Sprintf("%s is port %d in %s", name, meant, p.name)
		}
	}
	return name, ""
}

// nameIn returns the name of a port of a pod.
func nameIn(spec *corev1.PodSpec, number int32, protocol corev1.Protocol) string {
	for p := range portsOf(spec, protocol) {
		if p.ContainerPort == number && p.Name != "" {
			return p.Name
		}
	}
	return ""
}

// numberIn returns the number of a named port of a pod, or 0.
func numberIn(spec *corev1.PodSpec, name string, protocol corev1.Protocol) int32 {
	for p := range portsOf(spec, protocol) {
		if p.Name == name {
			return p.ContainerPort
		}
	}
	return 0
}

// portsOf returns the ports of a pod in the order in which a Service looks up a name: those of the
// containers, and then those of the native sidecars.
func portsOf(spec *corev1.PodSpec, protocol corev1.Protocol) iter.Seq[corev1.ContainerPort] {
	containers := slices.Clone(spec.Containers)
	for _, c := range spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			containers = append(containers, c)
		}
	}
	return func(yield func(corev1.ContainerPort) bool) {
		for _, c := range containers {
			for _, p := range c.Ports {
				if isTCP(p.Protocol) == isTCP(protocol) && !yield(p) {
					return
				}
			}
		}
	}
}

func isTCP(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }

// podsOf returns the function that lists the pods of the cluster that a Service of the manifests
// selects. It returns nil without a cluster.
func (h *home) podsOf(ctx context.Context) podsFunc {
	if h == nil {
		return nil
	}
	return func(s *corev1.Service) ([]corev1.Pod, error) {
		namespace := cmp.Or(s.Namespace, h.namespace)
		list, err := h.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
			LabelSelector: labels.SelectorFromSet(s.Spec.Selector).String(),
		})
		if err != nil {
			return nil, fmt.Errorf("list the pods of Service %s: %w", s.Name, err)
		}
		return slices.DeleteFunc(list.Items, hasEnded), nil
	}
}

// hasEnded reports whether all containers of a pod have ended. A pod that is being deleted may serve.
func hasEnded(p corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}
