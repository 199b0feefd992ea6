package inject

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"lameduck/deploy/ctl/jsonpatch"
)

// diff returns the patch from one template to another. It compares only the fields that Inject
// changes.
func diff(before, after *corev1.PodTemplateSpec) []jsonpatch.Operation {
	var p patch
	diffAnnotations(&p, before.Annotations, after.Annotations)
	b, a := &before.Spec, &after.Spec
	diffPointer(&p, "/spec/terminationGracePeriodSeconds", b.TerminationGracePeriodSeconds,
		a.TerminationGracePeriodSeconds)
	diffList(&p, "/spec/initContainers", b.InitContainers, a.InitContainers, isInit, diffContainer)
	diffList(&p, "/spec/containers", b.Containers, a.Containers, isSidecar, diffContainer)
	diffList(&p, "/spec/volumes", b.Volumes, a.Volumes, isOurVolume, nil)
	diffPullSecrets(&p, b.ImagePullSecrets, a.ImagePullSecrets)
	return p
}

// patch collects JSON Patch operations.
type patch []jsonpatch.Operation

func (p *patch) add(path string, value any) {
	*p = append(*p, jsonpatch.Operation{Op: "add", Path: path, Value: value})
}
func (p *patch) replace(path string, value any) {
	*p = append(*p, jsonpatch.Operation{Op: "replace", Path: path, Value: value})
}
func (p *patch) remove(path string) { *p = append(*p, jsonpatch.Operation{Op: "remove", Path: path}) }

// set replaces a value, adds it if before is nil, or removes it if after is nil.
func (p *patch) set(path string, before, after any) {
	switch {
	case before != nil && after != nil && subsumes(before, after):
	case after == nil && before != nil:
		p.remove(path)
	case before == nil && after != nil:
		p.add(path, after)
	case before == nil:
		// There is no value before or after.
	default:
		p.replace(path, after)
	}
}

func diffPointer[T any](p *patch, path string, before, after *T) {
	p.set(path, valueOf(before), valueOf(after))
}

func valueOf[T any](pointer *T) any {
	if pointer == nil {
		return nil
	}
	return *pointer
}

func diffAnnotations(p *patch, before, after map[string]string) {
	const path = "/metadata/annotations"
	if before == nil || after == nil {
		if before != nil {
			p.remove(path)
		} else if after != nil {
			p.add(path, after)
		}
		return
	}
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		p.set(path+"/"+jsonpatch.Escape(key), entry(before, key), entry(after, key))
	}
}

// entry returns a map's value, or nil.
func entry(m map[string]string, key string) any {
	if v, has := m[key]; has {
		return v
	}
	return nil
}

// diffList compares two lists that differ in elements of ours. The other elements are the same, in
// the same order, and are compared by change. Indexes take the operations before into account.
func diffList[T any](
	p *patch, path string, before, after []T, ours func(T) bool,
	change func(p *patch, path string, before, after *T),
) {
	if before == nil || after == nil {
		if before != nil {
			p.remove(path)
		} else if after != nil {
			p.add(path, after)
		}
		return
	}
	for b, a := 0, 0; b < len(before) || a < len(after); {
		at := path + "/" + strconv.Itoa(a)
		removed := b < len(before) && ours(before[b])
		added := a < len(after) && ours(after[a])
		switch {
		case removed && !added:
			p.remove(at)
			b++
			continue
		case added && !removed:
			p.add(at, after[a])
			a++
			continue
		case added:
			p.set(at, before[b], after[a])
		case change != nil:
			change(p, at, &before[b], &after[a])
		}
		a, b = a+1, b+1
	}
}

func diffContainer(p *patch, path string, b, a *corev1.Container) {
	diffCommand(p, path+"/command", b.Command, a.Command)
	isVariable := func(v corev1.EnvVar) bool { return strings.HasPrefix(v.Name, "LAMEDUCK_") }
	diffList(p, path+"/env", b.Env, a.Env, isVariable, nil)
	diffList(p, path+"/ports", b.Ports, a.Ports, isAdmin, diffPort)
	diffList(p, path+"/volumeMounts", b.VolumeMounts, a.VolumeMounts, isOurMount, nil)
	for _, name := range probeNames {
		before, after := probe(b, name), probe(a, name)
		field, was := handler(before)
		_, is := handler(after)
		switch {
		case before == nil:
		case was != nil:
			p.set(path+"/"+name+"/"+field+"/port", portValue(*was), portValue(*is))
		case before.GRPC != nil:
			p.set(path+"/"+name+"/grpc/port", before.GRPC.Port, after.GRPC.Port)
		}
	}
	diffLifecycle(p, path+"/lifecycle", b.Lifecycle, a.Lifecycle)
}

// portValue returns a port as JSON encodes it.
func portValue(port intstr.IntOrString) any {
	if port.Type == intstr.Int {
		return port.IntVal
	}
	return port.StrVal
}

// diffCommand adds words at the front, removes them from there, or replaces the command of an image.
func diffCommand(p *patch, path string, before, after []string) {
	switch more := len(after) - len(before); {
	case before == nil && after == nil:
	case before == nil:
		p.add(path, after)
	case after == nil:
		p.remove(path)
	case more >= 0 && slices.Equal(after[more:], before):
		for i := range more {
			p.add(path+"/0", after[more-1-i])
		}
	case more < 0 && slices.Equal(before[-more:], after):
		for range -more {
			p.remove(path + "/0")
		}
	default:
		p.replace(path, after)
	}
}

func diffPort(p *patch, path string, b, a *corev1.ContainerPort) {
	p.set(path+"/containerPort", b.ContainerPort, a.ContainerPort)
	p.set(path+"/hostPort", b.HostPort, a.HostPort)
}

func diffLifecycle(p *patch, path string, b, a *corev1.Lifecycle) {
	if b == nil || a == nil {
		diffPointer(p, path, b, a)
		return
	}
	if isHoldHook(b) && isHoldHook(a) && b.PreStop.HTTPGet.Host != a.PreStop.HTTPGet.Host {
		p.replace(path+"/preStop", a.PreStop)
		return
	}
	diffPointer(p, path+"/preStop", b.PreStop, a.PreStop)
}
