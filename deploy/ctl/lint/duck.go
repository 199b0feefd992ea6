package lint

import (
	"fmt"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"lameduck/deploy/ctl/inject"
)

// The three ways in which Lameduck is in a pod.
const (
	native  = "native"  // an init container that is restarted
	plain   = "plain"   // a second container
	wrapper = "wrapper" // the parent of the app's process, in the app's container
)

// What Lameduck takes for settings that are left out, and what it keeps of the grace period for itself.
const (
	defaultAppStop = inject.DefaultAppStop
	defaultGrace   = inject.DefaultGrace
	defaultSilence = 5 * time.Second
	defaultAdmin   = inject.AdminPort
	control        = inject.ControlPort
	margin         = inject.Margin
)

// A duck is the Lameduck of a pod: what its container's environment says.
type duck struct {
	container
	shape     string
	env       map[string]string
	unknown   bool // some of the environment comes from elsewhere
	routes    []route
	admin     int32
	grace     time.Duration
	appStop   time.Duration
	min, most time.Duration // of the hold
	quiet     time.Duration
	fixed     bool // the hold's maximum is set, and does not follow from the grace period
	faults    []string
}

// A route is one of LAMEDUCK_ROUTES.
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

// read takes the settings that rules ask for from the environment. What Lameduck would refuse is a fault, and counts as left out.
func (d *duck) read() {
	d.env = make(map[string]string)
	d.unknown = len(d.EnvFrom) > 0
	for _, v := range d.Env {
		switch {
		case v.ValueFrom != nil || strings.Contains(v.Value, "$("):
			d.unknown = d.unknown || strings.HasPrefix(v.Name, "LAMEDUCK_")
		case v.Value != "": // for one that is set to nothing the default counts
			d.env[v.Name] = v.Value
		}
	}
	d.grace = d.duration("GRACE_PERIOD", defaultGrace)
	d.appStop = d.duration("APP_STOP", defaultAppStop)
	d.min = d.duration("HOLD_MIN", defaultSilence)
	d.quiet = d.duration("HOLD_QUIET", defaultSilence)
	d.most = d.grace - d.appStop - margin
	if v := d.env["LAMEDUCK_HOLD_MAX"]; v != "" && v != "derived" {
		d.most, d.fixed = d.duration("HOLD_MAX", d.most), true
	}
	d.admin = d.readAdmin()
	d.routes = d.readRoutes()
}

func (d *duck) duration(name string, otherwise time.Duration) time.Duration {
	text, set := d.env["LAMEDUCK_"+name]
	if !set {
		return otherwise
	}
	v, err := time.ParseDuration(text)
	if err != nil || v < 0 {
		d.faults = append(d.faults, fmt.Sprintf("LAMEDUCK_%s=%s is no duration such as 90s", name, text))
		return otherwise
	}
	return v
}

func (d *duck) readAdmin() int32 {
	text, set := d.env["LAMEDUCK_ADMIN"]
	if !set {
		return defaultAdmin
	}
	_, port, err := net.SplitHostPort(text)
	if n := portNumber(port); err == nil && n != 0 {
		return n
	}
	d.faults = append(d.faults, fmt.Sprintf("LAMEDUCK_ADMIN=%s is no address such as :18081", text))
	return defaultAdmin
}

func (d *duck) readRoutes() []route {
	text, set := d.env["LAMEDUCK_ROUTES"]
	if !set {
		return []route{{18080, 8080}}
	}
	var routes []route
	for part := range strings.SplitSeq(text, ",") {
		addresses, _, _ := strings.Cut(part, ";")
		listen, app, _ := strings.Cut(strings.TrimSpace(addresses), "=")
		r := route{portNumber(listen[strings.LastIndex(listen, ":")+1:]), portNumber(app[strings.LastIndex(app, ":")+1:])}
		if r.listen == 0 || r.app == 0 {
			d.faults = append(d.faults, fmt.Sprintf("LAMEDUCK_ROUTES=%s has a route that is not of the form 18080=8080", text))
			continue
		}
		routes = append(routes, r)
	}
	return routes
}

// portNumber is 0 where the text is none.
func portNumber(text string) int32 {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
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
	return h != nil && h.HTTPGet != nil && h.HTTPGet.Path == "/hold" && c.port(h.HTTPGet.Port) == d.admin
}

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
