package main

import (
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/labels"

	"lameduck/deploy/ctl/inject"
	"lameduck/deploy/ctl/manifest"
)

// neighbors are the objects of the manifests that determine what the pods of their namespace must
// be like: limits, quotas, how users are assigned and whether sessions are sticky.
type neighbors struct {
	limits    map[string]inject.Limits // by namespace, which is empty for manifests without one
	services  []*corev1.Service
	ingresses []*networkingv1.Ingress
}

func readNeighbors(files []*manifest.File) (*neighbors, error) {
	n := &neighbors{limits: make(map[string]inject.Limits)}
	for _, f := range files {
		for _, o := range f.Objects() {
			if err := n.add(o); err != nil {
				return nil, err
			}
		}
	}
	return n, nil
}

func (n *neighbors) add(o *manifest.Object) error {
	limits := n.limits[o.Namespace]
	var err error
	switch o.APIVersion + " " + o.Kind {
	case "v1 LimitRange":
		l := new(corev1.LimitRange)
		err = o.Decode("", l)
		limits.LimitRanges = append(limits.LimitRanges, l)
	case "v1 ResourceQuota":
		q := new(corev1.ResourceQuota)
		err = o.Decode("", q)
		limits.Quotas = append(limits.Quotas, q)
	case "v1 Namespace":
		namespace := new(corev1.Namespace)
		err = o.Decode("", namespace)
		own := n.limits[o.Name]
		own.AssignsUsers = inject.AssignsUsers(namespace.Annotations)
		n.limits[o.Name] = own
		return err
	case "v1 Service":
		s := new(corev1.Service)
		err = o.Decode("", s)
		n.services = append(n.services, s)
	case "networking.k8s.io/v1 Ingress":
		i := new(networkingv1.Ingress)
		err = o.Decode("", i)
		n.ingresses = append(n.ingresses, i)
	}
	n.limits[o.Namespace] = limits
	return err
}

// workload returns a workload with what its neighbors demand.
func (n *neighbors) workload(w *manifest.Workload) inject.Workload {
	return inject.Workload{
		Kind: w.Kind, Template: w.Template, Limits: n.limits[w.Namespace], Sticky: n.sticky(w),
		NoMetadata: w.NoMetadata, Quote: w.Quote,
	}
}

// sticky returns the Service or the Ingress that binds clients to a pod of the workload.
func (n *neighbors) sticky(w *manifest.Workload) string {
	for _, s := range n.services {
		selects := len(s.Spec.Selector) > 0 && labels.SelectorFromSet(s.Spec.Selector).
			Matches(labels.Set(w.Template.Labels))
		if s.Namespace != w.Namespace || !selects {
			continue
		}
		if inject.Sticky(s.Annotations) != "" {
			return "Service " + s.Name
		}
		for _, i := range n.ingresses {
			if i.Namespace == w.Namespace && inject.Sticky(i.Annotations) != "" && inject.RoutesTo(i, s.Name) {
				return "Ingress " + i.Name
			}
		}
	}
	return ""
}

// drainsItself has the kinds whose controller drains their pods.
var drainsItself = map[string]string{
	"serving.knative.dev/v1 Service": "the queue-proxy of Knative keeps its pods until their requests have " +
		"ended, and Knative forbids hooks",
	"serving.knative.dev/v1 Configuration": "the queue-proxy of Knative keeps its pods until their requests " +
		"have ended, and Knative forbids hooks",
}

// reportHolders prints a note for each pod specification in an object of an unknown kind, and
// reports whether clients of one of them are left without protection.
func reportHolders(w io.Writer, o *manifest.Object) (unprotected bool) {
	for _, h := range o.Holders(inject.InjectLabel + "=disabled") {
		why := fmt.Sprintf("inject does not know the kind %s of %s: inject its pods with the webhook, or opt "+
			"out with the label %s=disabled on the pod template", o.Kind, o.APIVersion, inject.InjectLabel)
		switch reason, itself := drainsItself[o.APIVersion+" "+o.Kind]; {
		case h.OptsOut:
			continue
		case itself:
			why = reason
		case h.Serves:
			unprotected = true
		}
		fmt.Fprintf(w, "%s: %s: not injected: %s\n", o.Position(h.Pointer), o, why)
	}
	return unprotected
}

// reportPatch prints a note for a patch of a workload, which has only some fields of its pods.
func reportPatch(w io.Writer, o *manifest.Object) {
	if workload, _ := o.Workload(); workload == nil {
		return
	}
	fmt.Fprintf(w, "%s: %s: not injected: this is a patch of kustomize: inject what kustomize builds\n",
		o.Position(""), o)
}

// checkImage returns an error for the image of the examples, with which no pod starts.
func checkImage(p inject.Plan) error {
	for _, list := range [][]corev1.Container{p.Template.Spec.Containers, p.Template.Spec.InitContainers} {
		for _, c := range list {
			if c.Name != inject.ContainerName {
				continue
			}
			if err := inject.CheckImage(c.Image); err != nil {
				return fmt.Errorf("the image %w: use --image or the annotation %simage", err, inject.AnnotationPrefix)
			}
		}
	}
	return nil
}
