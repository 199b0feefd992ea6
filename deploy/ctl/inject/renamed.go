package inject

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// followRenames replaces the names of containers that have been renamed since the injection. Those
// that are gone are paired with containers that have what Inject adds and are not in the record: by
// what was added, or else in the order of both.
func (r *record) followRenames(spec *corev1.PodSpec) {
	known := r.containers()
	var gone []string
	for _, name := range known {
		if find(spec, name) == nil {
			gone = append(gone, name)
		}
	}
	for _, c := range allContainers(spec) {
		if len(gone) == 0 {
			return
		}
		if slices.Contains(known, c.Name) || !r.hasChanged(c.Container) {
			continue
		}
		i := max(0, slices.IndexFunc(gone, func(name string) bool { return r.fits(c.Container, name) }))
		r.rename(gone[i], c.Name)
		gone = slices.Delete(gone, i, i+1)
	}
}

// containers returns the names of the containers that Inject has changed.
func (r *record) containers() []string {
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range r.Hooks {
		add(name)
	}
	for _, p := range r.Ports {
		add(p.Container)
	}
	for _, p := range r.Probes {
		add(p.Container)
	}
	add(r.Wrapped)
	return names
}

// hasChanged reports whether a container has what Inject adds to one.
func (r *record) hasChanged(c *corev1.Container) bool {
	return isHoldHook(c.Lifecycle) || isWrapped(c) ||
		slices.ContainsFunc(r.Ports, func(p movedPort) bool { return p.index(c) >= 0 })
}

// fits reports whether a container has what Inject has added to that of a name and to no other.
func (r *record) fits(c *corev1.Container, name string) bool {
	return name == r.Wrapped && isWrapped(c) ||
		slices.ContainsFunc(r.Ports, func(p movedPort) bool { return p.Container == name && p.index(c) >= 0 })
}

// rename replaces the name of a container in the record.
func (r *record) rename(was, is string) {
	for i, name := range r.Hooks {
		if name == was {
			r.Hooks[i] = is
		}
	}
	for i := range r.Ports {
		if r.Ports[i].Container == was {
			r.Ports[i].Container = is
		}
	}
	for i := range r.Probes {
		if r.Probes[i].Container == was {
			r.Probes[i].Container = is
		}
	}
	if r.Wrapped == was {
		r.Wrapped = is
	}
	for _, field := range []string{"lifecycle", "command", "env", "volumeMounts"} {
		if i := slices.Index(r.Created, field+"/"+was); i >= 0 {
			r.Created[i] = field + "/" + is
		}
	}
}
