package inject

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// redirectName is the name of the init container that makes the rules of mode redirect.
const redirectName = "lameduck-redirect"

// redirectPorts leaves all ports to the app, and redirects their connections to Lameduck.
func (j *injection) redirectPorts() error {
	listens := j.number(j.chosen, j.ports)
	j.rules = []string{"redirect"}
	for _, r := range j.routes {
		j.rules = append(j.rules, strconv.Itoa(int(r.App))+"="+strconv.Itoa(int(r.Listen)))
	}
	j.rules = append(j.rules, j.pointProbesAroundRelay(listens)...)
	if user := j.meshUser(); user != 0 {
		j.rules = append(j.rules, "--behind-mesh", strconv.Itoa(user))
	}
	return nil
}

// addRules adds the init container of mode redirect.
func (j *injection) addRules() error {
	if len(j.rules) == 0 {
		return nil
	}
	j.addInitContainer(corev1.Container{
		Name:  redirectName,
		Image: j.settings.Image,
		Args:  j.rules,
		Env: []corev1.EnvVar{
			downward("LAMEDUCK_POD_IP", "status.podIP"), downward(hostIPVariable, "status.hostIP"),
		},
		Resources:       j.resources,
		SecurityContext: netAdmin(),
	})
	return nil
}

// downward returns a variable with a field of the pod.
func downward(name, field string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{
		FieldRef: &corev1.ObjectFieldSelector{FieldPath: field},
	}}
}

// netAdmin returns the minimal security context with which a container may create netfilter rules.
func netAdmin() *corev1.SecurityContext {
	s, no, root := restricted(), false, int64(0)
	s.Capabilities.Add = []corev1.Capability{"NET_ADMIN"}
	s.RunAsNonRoot, s.RunAsUser, s.RunAsGroup = &no, &root, &root
	return s
}

// pointProbesAroundRelay changes TCP, gRPC and HTTPS probes of relayed ports to ports that lead around
// the relay, and returns the arguments for these. Lameduck accepts connections before the app does, so
// a TCP probe would make the pod ready too early, and an HTTPS probe looks like traffic. An httpGet
// probe without TLS needs the app's answer, and is known by its request.
func (j *injection) pointProbesAroundRelay(listens map[int32]int32) (args []string) {
	direct := make(map[int32]int32) // by the app's port
	for _, c := range allContainers(&j.pod.Spec) {
		for _, name := range probeNames {
			p := probe(c.Container, name)
			app := probedPort(c.Container, p)
			if _, relayed := listens[app]; !relayed || isSeen(p) || probesElsewhere(&j.pod.Spec, p) ||
				precedesLameduck(c, name) { // there are no rules yet
				continue
			}
			if direct[app] == 0 {
				direct[app] = j.freePort(listens, direct)
				args = append(args, "--direct", strconv.Itoa(int(direct[app]))+"="+strconv.Itoa(int(app)))
			}
			moved := movedProbe{Container: c.Name, Probe: name, Is: direct[app]}
			if _, at := handler(p); at != nil {
				moved.Was = at.String()
				moved.Quote = j.given.quoteOf(moved, c)
				*at = intstr.FromInt32(direct[app])
			} else {
				moved.Was = strconv.Itoa(int(p.GRPC.Port))
				p.GRPC.Port = direct[app]
			}
			j.record.Probes = append(j.record.Probes, moved)
		}
	}
	return args
}

// freePort returns a port that nothing in the pod uses.
func (j *injection) freePort(listens, direct map[int32]int32) int32 {
	used := func(number int32) bool {
		return number == AdminPort || number == ControlPort ||
			slices.ContainsFunc(j.ports, func(p port) bool { return p.ContainerPort == number }) ||
			slices.ContainsFunc(j.chosen, func(r Route) bool { return r.App == number }) ||
			hasValue(listens, number) || hasValue(direct, number)
	}
	next := int32(firstPort)
	for used(next) {
		next++
	}
	return next
}

func hasValue(m map[int32]int32, value int32) bool {
	for _, v := range m {
		if v == value {
			return true
		}
	}
	return false
}

// isInit reports whether an init container is one of Lameduck's.
func isInit(c corev1.Container) bool { return isSidecar(c) || c.Name == redirectName }
