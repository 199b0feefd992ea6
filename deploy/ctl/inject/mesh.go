package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lameduck/deploy/ctl/mode"
)

// A mesh intercepts all connections of a pod, except those to the ports in an annotation.
type mesh struct {
	exclude string // annotation with the excluded ports; empty if the kubelet is never intercepted
	user    int    // user id of its proxy
	userAt  string // annotation with another user id of the proxy; may be empty
}

// The user ids are the defaults of each project:
//
//   - Istio: DefaultSidecarProxyUID in pkg/kube/inject of istio/istio
//   - Linkerd: proxy.uid in charts/linkerd-control-plane/values.yaml of linkerd/linkerd2
//   - Kuma: SidecarContainer.UID in pkg/config/plugins/runtime/k8s/config.go of kumahq/kuma; its
//     webhook writes the one in use to the annotation
//   - Consul: sidecarUserAndGroupID in control-plane/connect-inject/webhook of hashicorp/consul-k8s
//
// On OpenShift, Istio and Consul take a user id from the range of the namespace instead. That
// platform does not admit mode redirect by default.
var meshes = map[string]mesh{
	mode.Istio: {exclude: "traffic.sidecar.istio.io/excludeInboundPorts", user: 1337},
	mode.Linkerd: {
		exclude: "config.linkerd.io/skip-inbound-ports", user: 2102, userAt: "config.linkerd.io/proxy-uid",
	},
	mode.Kuma:   {exclude: "traffic.kuma.io/exclude-inbound-ports", user: 5678, userAt: "kuma.io/sidecar-uid"},
	mode.Consul: {exclude: "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports", user: 5995},
}

const (
	opaquePorts = "config.linkerd.io/opaque-ports"

	// opaqueByDefault are the ports whose protocol Linkerd does not detect without an annotation.
	opaqueByDefault = "25,587,3306,4444,5432,6379,9300,11211"
)

// portLists are the annotations that list ports of the app. Lameduck's port is added to them, so
// that the mesh treats it like the port that it replaces.
var portLists = []string{
	opaquePorts, "config.linkerd.io/skip-inbound-ports",
	"traffic.sidecar.istio.io/includeInboundPorts", "traffic.sidecar.istio.io/excludeInboundPorts",
	"traffic.kuma.io/exclude-inbound-ports",
	"consul.hashicorp.com/transparent-proxy-exclude-inbound-ports",
}

// meshLists are the lists of ports in the annotations of an injection's pod.
type meshLists struct{ *injection }

// excludeFromMesh excludes the admin port from the mesh of the pod, since the kubelet calls the hook
// from outside of any mesh.
func (j meshLists) excludeFromMesh() error {
	if m := meshes[j.around.Mesh(j.pod)]; m.exclude != "" {
		j.addToList(m.exclude, AdminPort, "so that the kubelet reaches the hook")
	}
	return nil
}

// meshUser returns the user id of the proxy of the pod's mesh, or 0 if it is in none.
func (j *injection) meshUser() int {
	m := meshes[j.around.Mesh(j.pod)]
	if user, err := strconv.ParseUint(j.pod.Annotations[m.userAt], 10, 31); err == nil && user > 0 {
		return int(user)
	}
	return m.user
}

// followInMesh adds Lameduck's ports to the lists that have the app's ports by number. Names need
// no change.
func (j meshLists) followInMesh() error {
	inLinkerd := j.around.Mesh(j.pod) == mode.Linkerd
	for _, moved := range j.record.Ports {
		why := fmt.Sprintf("since it takes the place of %d", moved.Was)
		for _, key := range portLists {
			now, set := j.listAt(key)
			if !set && key == opaquePorts && inLinkerd {
				now = opaqueByDefault
				if hasPort(now, moved.Was) {
					j.extendList(key, now)
				}
			}
			if hasPort(now, moved.Was) && !hasPort(now, moved.Is) {
				j.addToList(key, moved.Is, why)
			}
		}
	}
	return nil
}

// hasPort reports whether a list of ports, ranges and names has a number.
func hasPort(members string, port int32) bool {
	return slices.ContainsFunc(list(members), func(member string) bool {
		first, last, isRange := strings.Cut(member, "-")
		if !isRange {
			last = first
		}
		low, lowErr := strconv.ParseInt(first, 10, 32)
		high, highErr := strconv.ParseInt(last, 10, 32)
		return member == "*" || lowErr == nil && highErr == nil && low <= int64(port) && int64(port) <= high
	})
}

// addToList adds a port to the list in an annotation.
func (j meshLists) addToList(key string, port int32, why string) {
	now, _ := j.listAt(key)
	members := list(now)
	number := strconv.Itoa(int(port))
	if slices.Contains(members, number) {
		return
	}
	e := j.extendList(key, strings.Join(append(members, number), ","))
	if port != AdminPort {
		e.Added = append(e.Added, number)
	}
	j.note("metadata.annotations["+key+"]", "%d is added, %s", port, why)
}

// listAt returns the list in an annotation of the pod. That of its namespace counts if the pod has
// none, which it would replace.
func (j meshLists) listAt(key string) (value string, set bool) {
	if value, set = j.pod.Annotations[key]; !set && j.around != nil {
		value, set = j.around.Annotations[key]
	}
	return value, set
}

// extendList sets an annotation with a list, and returns the entry of the record for it.
func (j meshLists) extendList(key, value string) *excludedPorts {
	i := slices.IndexFunc(j.record.Excluded, func(e excludedPorts) bool { return e.Annotation == key })
	if i < 0 {
		i = len(j.record.Excluded)
		j.record.Excluded = append(j.record.Excluded, excludedPorts{Annotation: key})
		if was, set := j.pod.Annotations[key]; set {
			j.record.Excluded[i].Was = &was
		}
	}
	j.annotate(key, value)
	j.record.Excluded[i].Is = value
	return &j.record.Excluded[i]
}

func (j *injection) annotate(key, value string) {
	if j.pod.Annotations == nil {
		j.pod.Annotations = make(map[string]string)
		j.record.created("annotations")
	}
	j.pod.Annotations[key] = value
}
