package inject

import (
	corev1 "k8s.io/api/core/v1"

	"lameduck/deploy/ctl/mode"
)

// takeOverPorts leaves all ports to the wrapped app, as far as it and its clients know: Lameduck
// listens there and moves the app's bind.
func (j *injection) takeOverPorts() error {
	taken := make(map[int32]bool)
	for _, r := range j.chosen {
		if taken[r.App] {
			continue // it has several names
		}
		taken[r.App] = true
		r.Listen, r.takeover = r.App, true
		j.routes = append(j.routes, r)
	}
	j.noteTakeoverNeeds()
	return nil
}

// noteTakeoverNeeds adds notes on settings of the pod that may prevent takeover.
func (j *injection) noteTakeoverNeeds() {
	const remedy = "the annotation " + mode.Annotation + ": move does without it"
	if class := j.pod.Spec.RuntimeClassName; class != nil {
		j.note("spec.runtimeClassName", "takeover needs a kernel with seccomp user notification, which the "+
			"runtime of class %s may not have; %s", *class, remedy)
	}
	c := j.wrappedContainer()
	if c == nil {
		return
	}
	if at, localhost := localhostSeccomp(j.pod.Spec.SecurityContext, c); localhost {
		j.note(at, "the seccomp profile must allow the system calls seccomp and prctl, which takeover needs; %s",
			remedy)
	}
	if s := c.SecurityContext; s != nil && s.AllowPrivilegeEscalation != nil && *s.AllowPrivilegeEscalation {
		j.note(c.field()+".securityContext.allowPrivilegeEscalation", "takeover disables privilege escalation: "+
			"set-user-ID programs have no effect in the app; %s", remedy)
	}
}

// localhostSeccomp returns the field of a container's seccomp profile if the profile is a file on
// the node.
func localhostSeccomp(pod *corev1.PodSecurityContext, c *container) (at string, is bool) {
	profile := (*corev1.SeccompProfile)(nil)
	if pod != nil {
		profile, at = pod.SeccompProfile, "spec.securityContext.seccompProfile"
	}
	if s := c.SecurityContext; s != nil && s.SeccompProfile != nil {
		profile, at = s.SeccompProfile, c.field()+".securityContext.seccompProfile"
	}
	return at, profile != nil && profile.Type == corev1.SeccompProfileTypeLocalhost
}
