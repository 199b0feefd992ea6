package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Where Lameduck listens.
const (
	firstPort   = 18080 // for clients; that of the next ones is the next that is free
	AdminPort   = 18081 // probes, metrics and the hook
	ControlPort = 18082 // on loopback alone
)

// A Route is a port of the app that clients reach through Lameduck.
type Route struct {
	Listen, App int32
	Name        string // of the port; empty: it has none
	Field       string // where it is declared; empty: nowhere
	container   string // that declares it; empty: none
	options     string // of LAMEDUCK_ROUTES, as ;proto=tcp
}

// field is where a note on the route belongs.
func (r Route) field() string {
	if r.Field == "" {
		return "spec.containers"
	}
	return r.Field
}

func (r Route) String() string { return fmt.Sprintf("%d=%d%s", r.Listen, r.App, r.options) }

// A port is one that a container declares.
type port struct {
	*declaration
	in    container
	index int
}

type declaration = corev1.ContainerPort

func tcp(p corev1.Protocol) bool { return p == "" || p == corev1.ProtocolTCP }

func (p port) route(options string) Route {
	if options == "" && speaksFirst(p) {
		options = ";proto=tcp"
	}
	return Route{App: p.ContainerPort, Name: p.Name, Field: p.in.portField(p.index), container: p.in.Name, options: options}
}

// servedPorts are the TCP ports that containers declare which serve.
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

// route chooses the ports that are relayed, and lets them mean Lameduck's.
func (j *injection) route() error {
	ports := servedPorts(&j.pod.Spec)
	chosen, err := j.choose(ports)
	if err != nil {
		return err
	}
	listens := j.number(chosen, ports)
	for _, p := range ports {
		if listen, relayed := listens[p.ContainerPort]; relayed {
			j.probeTheAppItself(p)
			j.move(p, listen)
		}
	}
	return nil
}

// choose returns the routes to make, without numbers of our own.
func (j *injection) choose(ports []port) ([]Route, error) {
	if len(j.settings.Ports) > 0 {
		return chosenPorts(j.settings.Ports, ports)
	}
	var routes []Route
	anyServes := slices.ContainsFunc(ports, func(p port) bool { return !observes(p, ports) })
	for _, p := range ports {
		if anyServes && observes(p, ports) {
			j.note(p.in.portField(p.index), "%s is not relayed: what collects from it does not end with a drain, and would hold the pod; %sports says otherwise",
				p.Name, AnnotationPrefix)
			continue
		}
		routes = append(routes, p.route(""))
	}
	if len(routes) == 0 {
		return nil, &Refusal{"spec.containers", "no container declares a TCP port", "declare the ports that serve, or say " + AnnotationPrefix + "ports: \"8080\""}
	}
	return routes, nil
}

// chosenPorts returns the routes for what a setting says.
func chosenPorts(wanted []string, ports []port) ([]Route, error) {
	var routes []Route
	for _, want := range wanted {
		name, options, _ := strings.Cut(want, ";")
		if options != "" {
			options = ";" + options
		}
		number, err := strconv.ParseUint(name, 10, 16)
		i := slices.IndexFunc(ports, func(p port) bool { return p.Name == name || err == nil && p.ContainerPort == int32(number) })
		switch {
		case i >= 0:
			routes = append(routes, ports[i].route(options))
		case err == nil && number > 0:
			routes = append(routes, Route{App: int32(number), options: options})
		default:
			return nil, &Refusal{"spec.containers", "no container declares a TCP port " + name, "say another one in " + AnnotationPrefix + "ports, or its number"}
		}
	}
	return routes, nil
}

// number gives each of the app's ports one of ours, which nobody else declares, and returns ours by the app's.
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
			continue // several containers declare it, or it has several names
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

// move lets a declared port mean Lameduck's: whoever looks for its name finds us. The app listens where it did.
func (j *injection) move(p port, to int32) {
	moved := movedPort{Container: p.in.Name, Was: p.ContainerPort, Is: to, Name: p.Name}
	if p.HostPort == p.ContainerPort && j.pod.Spec.HostNetwork {
		moved.Host = true
		p.HostPort = to // the two must be the same on the node's network
	}
	p.ContainerPort = to
	j.record.Ports = append(j.record.Ports, moved)
}

// probeTheAppItself keeps probes that only connect, and name the port, at the app: Lameduck accepts before the app does, and the pod
// would be Ready too soon.
func (j *injection) probeTheAppItself(p port) {
	if p.Name == "" {
		return
	}
	for _, name := range probeNames {
		probe := probe(p.in.Container, name)
		if probe == nil || probe.TCPSocket == nil || probe.TCPSocket.Port != intstr.FromString(p.Name) {
			continue
		}
		probe.TCPSocket.Port = intstr.FromInt32(p.ContainerPort)
		j.record.Probes = append(j.record.Probes, movedProbe{Container: p.in.Name, Probe: name, Was: p.Name, Is: p.ContainerPort})
	}
}

// observes says whether a port is, by its name, not for clients.
func observes(p port, ports []port) bool {
	switch p.Name {
	case "metrics", "prometheus", "prom", "health", "healthz", "healthcheck", "liveness", "readiness", "probes", "pprof":
		return true
	case "http-metrics": // that of an exporter, or the one for everything beside one for gRPC
		return !slices.ContainsFunc(ports, func(other port) bool { return other.in.Name == p.in.Name && other.index != p.index })
	}
	return strings.HasSuffix(p.Name, "-metrics") || strings.HasPrefix(p.Name, "metrics-")
}

// speaksFirst says whether the app is known to speak before its client does, so that nobody can wait for what the client says. The
// names begin as those that meshes know.
func speaksFirst(p port) bool {
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
