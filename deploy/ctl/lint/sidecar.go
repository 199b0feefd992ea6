package lint

import (
	"errors"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"lameduck/cmd/lameduck/config"
	"lameduck/deploy/ctl/inject"
)

const (
	defaultAppStop = inject.DefaultAppStop
	defaultGrace   = inject.DefaultGrace
	controlPort    = inject.ControlPort
	margin         = config.Margin
)

// A sidecar is the Lameduck of a pod, in any shape.
type sidecar struct {
	container
	shape   inject.Shape
	config  *config.Config // invalid values are replaced by defaults
	routes  []route
	admin   int32
	unknown bool // some of the environment is not in the manifest
	fixed   bool // the maximum of the hold is set, not derived from the grace period

	problems config.Problems
}

// A route has the ports of a route of LAMEDUCK_ROUTES.
type route struct{ listen, app int32 }

// findSidecar returns the sidecar of a pod, or nil if there is none.
func findSidecar(containers []container) *sidecar {
	for _, c := range containers {
		if shape := shapeOf(c); shape != "" {
			d := &sidecar{container: c, shape: shape}
			d.read()
			return d
		}
	}
	return nil
}

// shapeOf detects Lameduck by its command, or by the name of its container or image. It returns an
// empty shape for any other container.
func shapeOf(c container) inject.Shape {
	if isExec(slices.Concat(c.Command, c.Args)) {
		return inject.Wrapper
	}
	if c.Name != "lameduck" && imageName(c.Image) != "lameduck" {
		return ""
	}
	if c.native {
		return inject.Native
	}
	return inject.Plain
}

// isExec reports whether a command is `lameduck exec -- ...`.
func isExec(command []string) bool {
	i := slices.Index(command, "exec")
	return i >= 0 && i+1 < len(command) && command[i+1] == "--" && (i == 0 || path.Base(command[i-1]) == "lameduck")
}

// read reads the environment as Lameduck does. If some of it is not in the manifest, each variable
// is read by itself and not compared with others.
func (d *sidecar) read() {
	literals := make(map[string]string)
	d.unknown = len(d.EnvFrom) > 0
	for _, v := range d.Env {
		if v.ValueFrom != nil || strings.Contains(v.Value, "$(") {
			d.unknown = d.unknown || strings.HasPrefix(v.Name, config.Prefix) && v.Name != hostIPVariable
			delete(literals, v.Name)
			continue
		}
		literals[v.Name] = v.Value
	}
	var err error
	d.config, err = config.Read(literals)
	d.fixed = d.config.HoldMax != config.Derived
	if !d.unknown {
		d.config, err = config.Parse(literals)
	}
	errors.As(err, &d.problems)
	if d.has(observeVariable) && !d.has(routesVariable) {
		d.config.Routes = nil // there is no default, also if the ports are not in the manifest
	}
	d.admin = portOf(d.config.Admin)
	for _, r := range d.config.Routes {
		one := route{portOf(r.Listen), portOf(r.App)}
		if r.Takeover { // clients use the app's own port
			one.app = one.listen
		}
		d.routes = append(d.routes, one)
	}
}

// The variables that have ports of the app.
const (
	routesVariable  = "LAMEDUCK_ROUTES"
	observeVariable = "LAMEDUCK_OBSERVE"

	// hostIPVariable depends on no other, and no rule on it.
	hostIPVariable = "LAMEDUCK_HOST_IP"
)

// has reports whether a variable is in the environment, also if its value is not.
func (d *sidecar) has(name string) bool {
	return slices.ContainsFunc(d.Env, func(v corev1.EnvVar) bool { return v.Name == name })
}

// portOf returns the port of a valid host:port.
func portOf(address string) int32 {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.ParseUint(port, 10, 16)
	return int32(n)
}

// setting returns the path of a variable, or of the environment if it is not set.
func (d *sidecar) setting(name string) *field.Path {
	at := d.path.Child("env")
	if i := slices.IndexFunc(d.Env, func(v corev1.EnvVar) bool { return v.Name == name }); i >= 0 {
		return at.Index(i).Child("value")
	}
	return at
}

// listens reports whether Lameduck listens on a port of the pod.
func (d *sidecar) listens(port int32) bool {
	return slices.ContainsFunc(d.routes, func(r route) bool { return r.listen == port })
}

// bypassRoute returns the route that a connection to the app's port bypasses.
func (d *sidecar) bypassRoute(port int32) (route, bool) {
	i := slices.IndexFunc(d.routes, func(r route) bool { return r.app == port && !d.listens(port) })
	if i < 0 {
		return route{}, false
	}
	return d.routes[i], true
}

// wraps reports whether Lameduck is the parent of a container's process, which then needs no hook.
func (d *sidecar) wraps(c container) bool { return d.shape == inject.Wrapper && c.Name == d.Name }

// holds reports whether Lameduck keeps a container alive, as its parent or with the /hold hook.
func (d *sidecar) holds(c container) bool {
	if d.wraps(c) {
		return true
	}
	h, _ := c.preStop()
	return h != nil && h.HTTPGet != nil && h.HTTPGet.Path == "/hold" && d.isAdmin(c.port(h.HTTPGet.Port))
}

// isAdmin reports whether a port of the pod is the admin port. LAMEDUCK_ADMIN may have port 0.
func (d *sidecar) isAdmin(port int32) bool { return port != 0 && port == d.admin }

// isAimedAt reports whether the hook of a container is meant to be the /hold hook, even if it is
// wrong: judging by its path, its port, or a port name that the container does not declare.
func (d *sidecar) isAimedAt(c container) bool {
	h, _ := c.preStop()
	if d.wraps(c) || h == nil || h.HTTPGet == nil {
		return false
	}
	port := c.port(h.HTTPGet.Port)
	return h.HTTPGet.Path == "/hold" || port == d.admin || port == 0
}
