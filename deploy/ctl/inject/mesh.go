package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A mesh intercepts all connections of a pod, except those to the ports in an annotation.
type mesh struct {
	prefixes []string // of the annotations and labels of pods in the mesh
	exclude  string   // annotation with the excluded ports
	user     int      // user id of its proxy
	userAt   string   // annotation with another user id of the proxy; may be empty
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
var meshes = []mesh{
	{
		prefixes: []string{"sidecar.istio.io/", "traffic.sidecar.istio.io/", "proxy.istio.io/", "istio.io/rev"},
		exclude:  "traffic.sidecar.istio.io/excludeInboundPorts", user: 1337,
	},
	linkerd,
	{
		prefixes: []string{"kuma.io/sidecar-injection"}, exclude: "traffic.kuma.io/exclude-inbound-ports",
		user: 5678, userAt: "kuma.io/sidecar-uid",
	},
	{
		prefixes: []string{"consul.hashicorp.com/connect-inject"},
		exclude:  "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports", user: 5995,
	},
}

var linkerd = mesh{
	prefixes: []string{"linkerd.io/inject", "config.linkerd.io/"}, exclude: "config.linkerd.io/skip-inbound-ports",
	user: 2102, userAt: "config.linkerd.io/proxy-uid",
}

// off has the values that opt a pod out of a mesh.
var off = map[string]string{
	"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled",
	"kuma.io/sidecar-injection": "disabled", "consul.hashicorp.com/connect-inject": "false",
}

const (
	opaquePorts = "config.linkerd.io/opaque-ports"

	// opaqueByDefault are the ports whose protocol Linkerd does not detect without an annotation.
	opaqueByDefault = "25,587,3306,4444,5432,6379,9300,11211"
)

// portLists are the annotations with ports of the app. A mesh treats Lameduck's port like the port
// in whose place it is.
var portLists = []string{
	opaquePorts, "config.linkerd.io/skip-inbound-ports",
	"traffic.sidecar.istio.io/includeInboundPorts", "traffic.sidecar.istio.io/excludeInboundPorts",
	"traffic.kuma.io/exclude-inbound-ports",
	"consul.hashicorp.com/transparent-proxy-exclude-inbound-ports",
}

// meshLists are the lists of ports in the annotations of an injection's pod.
type meshLists struct{ *injection }

// excludeFromMesh excludes the admin port from the meshes of the pod, since the kubelet calls the
// hook from outside of any mesh.
func (j meshLists) excludeFromMesh() error {
	for _, m := range meshes {
		if m.has(j.pod.Annotations) || m.has(j.pod.Labels) {
			j.addToList(m.exclude, AdminPort, "so that the kubelet reaches the hook")
		}
	}
	return nil
}

// meshUser returns the user id of the proxy of the pod's mesh, or 0 if it is in none.
func (j *injection) meshUser() int {
	for _, m := range meshes {
		if !m.has(j.pod.Annotations) && !m.has(j.pod.Labels) {
			continue
		}
		if user, err := strconv.ParseUint(j.pod.Annotations[m.userAt], 10, 31); err == nil && user > 0 {
			return int(user)
		}
		return m.user
	}
	return 0
}

// followInMesh adds Lameduck's ports to the lists that have the app's ports by number. A name
// follows the port.
func (j meshLists) followInMesh() error {
	inLinkerd := linkerd.has(j.pod.Annotations) || linkerd.has(j.pod.Labels)
	for _, moved := range j.record.Ports {
		why := fmt.Sprintf("since it takes the place of %d", moved.Was)
		for _, key := range portLists {
			now, set := j.pod.Annotations[key]
			if !set && key == opaquePorts && inLinkerd {
				now = opaqueByDefault
			}
			if hasPort(now, moved.Was) && !hasPort(now, moved.Is) {
				if !set {
					j.extendList(key, now)
				}
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
	members := list(j.pod.Annotations[key])
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

// has reports whether annotations or labels add a pod to the mesh.
func (m mesh) has(labels map[string]string) bool {
	found := false
	for key, value := range labels {
		if value == off[key] && value != "" {
			return false
		}
		found = found || slices.ContainsFunc(m.prefixes, func(p string) bool {
			return strings.HasPrefix(key,
				p)
		})
	}
	return found
}

func (j *injection) annotate(key, value string) {
	if j.pod.Annotations == nil {
		j.pod.Annotations = make(map[string]string)
		j.record.created("annotations")
	}
	j.pod.Annotations[key] = value
}
