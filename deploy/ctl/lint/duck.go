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

// The three ways in which Lameduck is in a pod.
const (
	native  = "native"  // an init container that is restarted
	plain   = "plain"   // a second container
	wrapper = "wrapper" // the parent of the app's process, in the app's container
)

const (
	defaultAppStop = inject.DefaultAppStop
	defaultGrace   = inject.DefaultGrace
	controlPort    = inject.ControlPort
	margin         = config.Margin
)

// A duck is the Lameduck of a pod.
type duck struct {
	container
	shape   string
	config  *config.Config // invalid values are replaced by defaults
	routes  []route
	admin   int32
	unknown bool // some of the environment comes from elsewhere
	fixed   bool // the hold's maximum is set, and does not follow from the grace period

	problems config.Problems
}

// A route has the ports of one of LAMEDUCK_ROUTES.
type route struct{ listen, app int32 }

// findDuck returns nil where there is none.
func findDuck(containers []container) *duck {
	for _, c := range containers {
		if shape := shapeOf(c); shape != "" {
			d := &duck{container: c, shape: shape}
			d.read()
			return d
		}
	}
	return nil
}

// shapeOf tells Lameduck by its command, its container's name or its image's. Empty: it is something else.
func shapeOf(c container) string {
	command := slices.Concat(c.Command, c.Args)
	if i := slices.Index(command, "exec"); i >= 0 && i+1 < len(command) && command[i+1] == "--" && (i == 0 || path.Base(command[i-1]) == "lameduck") {
		return wrapper
	}
	if c.Name != "lameduck" && imageName(c.Image) != "lameduck" {
		return ""
	}
	if c.native {
		return native
	}
	return plain
}

// read reads the environment as Lameduck does. Where some of it is not in the manifest, variables are
// read by themselves and not compared with each other.
func (d *duck) read() {
	literals := make(map[string]string)
	d.unknown = len(d.EnvFrom) > 0
	for _, v := range d.Env {
		if v.ValueFrom != nil || strings.Contains(v.Value, "$(") {
			d.unknown = d.unknown || strings.HasPrefix(v.Name, config.Prefix)
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
	d.admin = portOf(d.config.Admin)
	for _, r := range d.config.Routes {
		d.routes = append(d.routes, route{portOf(r.Listen), portOf(r.App)})
	}
}

// portOf returns the port of a valid host:port.
func portOf(address string) int32 {
	_, port, _ := net.SplitHostPort(address)
	n, _ := strconv.ParseUint(port, 10, 16)
	return int32(n)
}

// setting is where a variable is set, or would be.
func (d *duck) setting(name string) *field.Path {
	at := d.path.Child("env")
	if i := slices.IndexFunc(d.Env, func(v corev1.EnvVar) bool { return v.Name == name }); i >= 0 {
		return at.Index(i).Child("value")
	}
	return at
}

// listens tells whether clients reach Lameduck at a port of the pod.
func (d *duck) listens(port int32) bool {
	return slices.ContainsFunc(d.routes, func(r route) bool { return r.listen == port })
}

// past returns the route that a connection to a port of the pod goes past, because the app itself listens there.
func (d *duck) past(port int32) (route, bool) {
	i := slices.IndexFunc(d.routes, func(r route) bool { return r.app == port && !d.listens(port) })
	if i < 0 {
		return route{}, false
	}
	return d.routes[i], true
}

// wraps tells whether it is the parent of a container's process, which needs no hook then.
func (d *duck) wraps(c container) bool { return d.shape == wrapper && c.Name == d.Name }

// holds tells whether Lameduck keeps a container alive: as its parent, or with the hook that gets /hold.
func (d *duck) holds(c container) bool {
	if d.wraps(c) {
		return true
	}
	h, _ := c.preStop()
	return h != nil && h.HTTPGet != nil && h.HTTPGet.Path == "/hold" && d.isAdmin(c.port(h.HTTPGet.Port))
}

// isAdmin reports whether a port of the pod is the admin port. Port 0 is any, and nobody's.
func (d *duck) isAdmin(port int32) bool { return port != 0 && port == d.admin }

// isAimedAt tells whether a hook is meant to be the one that holds, right or wrong: by its path, its port, or a port's name that is not
// the container's.
func (d *duck) isAimedAt(c container) bool {
	h, _ := c.preStop()
	if d.wraps(c) || h == nil || h.HTTPGet == nil {
		return false
	}
	port := c.port(h.HTTPGet.Port)
	return h.HTTPGet.Path == "/hold" || port == d.admin || port == 0
}
