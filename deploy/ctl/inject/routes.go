package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The ports of Lameduck.
const (
	firstPort   = 18080 // for clients; further routes get the next free ports
	AdminPort   = 18081 // probes, metrics and the hook
	ControlPort = 18082 // on loopback only
)

// A Route is a port of the app that Lameduck relays to.
type Route struct {
	Listen, App int32
	Name        string // of the port; may be empty
	Field       string // that declares the port; empty if it is not declared
	takeover    bool   // Lameduck listens at the app's own port
	container   string // that declares the port; empty if it is not declared
	options     string // of LAMEDUCK_ROUTES, such as ;proto=tcp
}

// field returns the field for notes on the route.
func (r Route) field() string {
	if r.Field == "" {
		return "spec.containers"
	}
	return r.Field
}

func joinRoutes(routes []Route) string {
	var texts []string
	for _, r := range routes {
		texts = append(texts, r.String())
	}
	return strings.Join(texts, ",")
}

func (r Route) String() string {
	if r.takeover {
		return fmt.Sprintf("%d=takeover%s", r.Listen, r.options)
	}
	return fmt.Sprintf("%d=%d%s", r.Listen, r.App, r.options)
}

// A port is a port that a container declares.
type port struct {
	*declaration
	in    container
	index int
}

type declaration = corev1.ContainerPort

func tcp(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }

func (p port) route(options string) Route {
	if options == "" && serverSpeaksFirst(p) {
		options = ";proto=tcp"
	}
	return Route{
		App: p.ContainerPort, Name: p.Name, Field: p.in.portField(p.index),
		container: p.in.Name, options: options,
	}
}

// servedPorts returns the declared TCP ports of containers that run as long as the pod.
func servedPorts(spec *corev1.PodSpec) []port {
	var ports []port
	for _, c := range allContainers(spec) {
		for i := range c.Ports {
			if p := (port{&c.Ports[i], c, i}); c.serves() && tcp(p.Protocol) {
				ports = append(ports, p)
			}
		}
	}
	return ports
}

// moveRoutes gives the chosen ports, by name, the numbers of Lameduck's ports.
func (j *injection) moveRoutes() error {
	listens := j.number(j.chosen, j.ports)
	for _, p := range j.ports {
		if listen, relayed := listens[p.ContainerPort]; relayed {
			j.pointProbesAtApp(p)
			j.movePort(p, listen)
		}
	}
	return nil
}

// chosenPorts returns the routes for the setting ports.
func chosenPorts(wanted []string, ports []port) ([]Route, error) {
	var routes []Route
	for _, want := range wanted {
		name, options, _ := strings.Cut(want, ";")
		if options != "" {
			options = ";" + options
		}
		number, err := strconv.ParseUint(name, 10, 16)
		i := slices.IndexFunc(ports, func(p port) bool {
			return p.Name == name || err == nil && p.ContainerPort == int32(number)
		})
		switch {
		case i >= 0:
			routes = append(routes, ports[i].route(options))
		case err == nil && number > 0:
			routes = append(routes, Route{App: int32(number), options: options})
		default:
			return nil, &Refusal{
				"spec.containers",
				"no container declares a TCP port " + name,
				"use another name in " + AnnotationPrefix + "ports, or the number",
			}
		}
	}
	return routes, nil
}

// number assigns a free port of Lameduck to each port of the app, and returns Lameduck's by the
// app's.
func (j *injection) number(chosen []Route, ports []port) map[int32]int32 {
	taken := map[int32]bool{AdminPort: true, ControlPort: true}
	for _, p := range ports {
		taken[p.ContainerPort] = true
	}
	for _, r := range chosen {
		taken[r.App] = true
	}
	listens, next := make(map[int32]int32), int32(firstPort)
	for _, r := range chosen {
		if _, numbered := listens[r.App]; numbered {
			continue // it has several names, or several containers declare it
		}
		for taken[next] {
			next++
		}
		r.Listen = next
		next++
		listens[r.App] = r.Listen
		j.routes = append(j.routes, r)
	}
	return listens
}

// movePort gives a declared port the number of Lameduck's, so that clients that look up its name
// connect to Lameduck. The app still listens on the same port.
func (j *injection) movePort(p port, to int32) {
	moved := movedPort{Container: p.in.Name, Was: p.ContainerPort, Is: to, Name: p.Name}
	if p.HostPort == p.ContainerPort && j.pod.Spec.HostNetwork {
		moved.Host = true
		p.HostPort = to // with hostNetwork the two must be equal
	}
	p.ContainerPort = to
	j.record.Ports = append(j.record.Ports, moved)
}

// pointProbesAtApp changes probes that use the name of the port to its number, if they must not depend
// on Lameduck: TCP probes, because it accepts connections before the app does, so that the pod would
// be ready too early; HTTPS probes, because they look like traffic; and probes that run before
// Lameduck does.
func (j *injection) pointProbesAtApp(p port) {
	if p.Name == "" {
		return
	}
	for _, name := range probeNames {
		probe := probe(p.in.Container, name)
		_, at := handler(probe)
		if at == nil || *at != intstr.FromString(p.Name) || isSeen(probe) && !precedesLameduck(p.in, name) {
			continue
		}
		*at = intstr.FromInt32(p.ContainerPort)
		moved := movedProbe{Container: p.in.Name, Probe: name, Was: p.Name, Is: p.ContainerPort}
		moved.Quote = j.given.quoteOf(moved, p.in)
		j.record.Probes = append(j.record.Probes, moved)
	}
}

// serverSpeaksFirst reports whether the port's protocol is known to let the server send the first
// byte, so that Lameduck cannot detect it from the client. The names are those that service meshes
// use.
func serverSpeaksFirst(p port) bool {
	protocol, _, _ := strings.Cut(p.Name, "-")
	switch protocol {
	case "tcp", "mysql", "mariadb", "smtp", "smtps", "submission", "ssh", "sftp", "ftp", "imap", "pop3":
		return true
	}
	switch p.ContainerPort {
	case 21, 22, 25, 110, 143, 587, 3306: // FTP, SSH, SMTP, POP3, IMAP, submission, MySQL
		return true
	}
	return false
}
