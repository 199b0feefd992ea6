package charts

import (
	"fmt"
	"slices"
	"strings"
)

// Manifests returns the objects of the chart in YAML.
func (c Chart) Manifests() string {
	docs := append([]string{c.workload()}, c.services()...)
	docs = append(docs, c.policy(), c.surroundings())
	docs = slices.DeleteFunc(docs, func(d string) bool { return d == "" })
	text := strings.Join(docs, "---\n")
	if c.has("quoted") {
		text = strings.ReplaceAll(text, "port: http\n", "port: \"http\"\n")
	}
	if c.has("scc") {
		text = strings.ReplaceAll(text, "\nspec:\n", "\n  namespace: apps\nspec:\n")
	}
	return text
}

// has reports whether the chart has a trait.
func (c Chart) has(trait string) bool { return slices.Contains(strings.Fields(c.Traits), trait) }

// value returns the value of a trait such as hook=sleep.
func (c Chart) value(trait string) string {
	for _, t := range strings.Fields(c.Traits) {
		if v, is := strings.CutPrefix(t, trait+"="); is {
			return v
		}
	}
	return ""
}

func (c Chart) selector() string { return "app.kubernetes.io/name: " + c.Name }

// workload returns the workload. With braces it has empty mappings on lines of their own, as
// templates print them, and with compact its lists are not indented.
func (c Chart) workload() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Source: %s/templates/workload.yaml\napiVersion: apps/v1\nkind: %s\nmetadata:\n  name: %s\nspec:\n",
		c.Name, c.Kind, c.Name)
	fmt.Fprintf(&b, "  selector:\n    matchLabels:\n      %s\n", c.selector())
	if c.Kind == "StatefulSet" {
		fmt.Fprintf(&b, "  serviceName: %s\n", c.Name)
	}
	fmt.Fprintf(&b, "  template:\n    metadata:\n      labels:\n        %s\n%s    spec:\n", c.selector(), c.annotations())
	b.WriteString(c.podFields())
	b.WriteString("      containers:\n")
	for i, ports := range strings.Split(c.Ports, " + ") {
		b.WriteString(c.container(i, strings.Fields(ports)))
	}
	return b.String()
}

func (c Chart) annotations() string {
	switch {
	case c.has("istio"):
		return "      annotations:\n        sidecar.istio.io/inject: \"true\"\n"
	case c.has("linkerd"):
		return "      annotations:\n        linkerd.io/inject: enabled\n"
	case c.value("linkerd-opaque") != "":
		return "      annotations:\n        linkerd.io/inject: enabled\n        config.linkerd.io/opaque-ports: \"" +
			c.value("linkerd-opaque") + "\"\n"
	case c.has("braces"):
		return "      annotations:\n        {}\n"
	}
	return ""
}

// podFields returns the fields of the pod besides its containers.
func (c Chart) podFields() string {
	fields := ""
	for _, f := range []struct{ trait, text string }{
		{"hostnet", "      hostNetwork: true\n"},
		{"pod-resources", "      resources:\n        limits: { memory: 1Gi }\n"},
		{"claim", "      volumes:\n        - name: data\n          persistentVolumeClaim: { claimName: " + c.Name + " }\n"},
		{"init", c.initContainer("prepare", "")},
		{"native", c.initContainer("proxy", "          restartPolicy: Always\n")},
	} {
		if c.has(f.trait) {
			fields += f.text
		}
	}
	return fields
}

func (c Chart) initContainer(name, more string) string {
	return "      initContainers:\n        - name: " + name + "\n          image: " + c.Name + "/" + name + ":1\n" +
		more + c.resources("          ")
}

func (c Chart) container(i int, ports []string) string {
	dash, indent := "        - ", "          "
	if c.has("compact") {
		dash, indent = "      - ", "        "
	}
	name := c.Name
	if i > 0 {
		name = fmt.Sprintf("%s-%d", c.Name, i)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%sname: %s\n%simage: \"%s/%s:1.2\"\n", dash, name, indent, c.Name, name)
	if len(ports) > 0 {
		fmt.Fprintf(&b, "%sports:\n", indent)
	}
	for _, p := range ports {
		b.WriteString(indented(c.port(p, i), dash[:len(dash)-2]+"  ", c.has("compact")))
	}
	if i == 0 {
		b.WriteString(c.probe(indent, ports))
		b.WriteString(c.hook(indent))
	}
	b.WriteString(c.resources(indent))
	return b.String()
}

// port returns the lines of a port.
func (c Chart) port(p string, container int) []string {
	number, protocol, _ := strings.Cut(p, "/")
	name, number, named := strings.Cut(number, "=")
	if !named {
		name, number = "", name
	}
	lines := []string{"containerPort: " + number}
	if named {
		lines = []string{"name: " + name, lines[0]}
	}
	if protocol != "" {
		lines = append(lines, "protocol: "+protocol)
	}
	if c.has("hostport") || c.has("hostnet") {
		lines = append(lines, "hostPort: "+number)
	}
	return lines
}

// indented returns lines as an element of a list.
func indented(lines []string, indent string, compact bool) string {
	if !compact {
		indent += "  "
	}
	return indent + "- " + strings.Join(lines, "\n"+indent+"  ") + "\n"
}

// probe returns a readiness probe of the first port: over TCP by name where it is quoted.
func (c Chart) probe(indent string, ports []string) string {
	if len(ports) == 0 {
		return ""
	}
	name, number, named := strings.Cut(ports[0], "=")
	if !named {
		number = name
	}
	number, _, _ = strings.Cut(number, "/")
	switch {
	case c.has("quoted") && named:
		return fmt.Sprintf("%sreadinessProbe:\n%s  tcpSocket:\n%s    port: %s\n", indent, indent, indent, name)
	case c.Kind == "StatefulSet" || strings.HasSuffix(ports[0], "/UDP"):
		return fmt.Sprintf("%sreadinessProbe:\n%s  exec:\n%s    command: [/ready]\n", indent, indent, indent)
	case named:
		return fmt.Sprintf("%sreadinessProbe:\n%s  httpGet:\n%s    path: /healthz\n%s    port: %s\n", indent, indent,
			indent, indent, name)
	}
	return fmt.Sprintf("%sreadinessProbe:\n%s  tcpSocket:\n%s    port: %s\n", indent, indent, indent, number)
}

func (c Chart) hook(indent string) string {
	switch c.value("hook") {
	case "sleep":
		return indent + "lifecycle:\n" + indent + "  preStop:\n" + indent + "    sleep: { seconds: 15 }\n"
	case "exec":
		return indent + "lifecycle:\n" + indent + "  preStop:\n" + indent + "    exec: { command: [/stop] }\n"
	}
	return ""
}

// resources returns those of a container.
func (c Chart) resources(indent string) string {
	switch {
	case c.has("braces"):
		return indent + "resources:\n" + indent + "  {}\n"
	case c.has("guaranteed"):
		return indent + "resources:\n" + indent + "  requests: { cpu: 250m, memory: 512Mi }\n" +
			indent + "  limits: { cpu: 250m, memory: 512Mi }\n"
	case c.has("limits") || c.has("quota"):
		return indent + "resources: { requests: { cpu: 100m, memory: 128Mi }, limits: { cpu: 200m, memory: 128Mi } }\n"
	}
	return ""
}

// services returns the Services, each with the ports of one kind.
func (c Chart) services() []string {
	var ports, headless []string
	for _, s := range strings.Fields(c.Services) {
		if h, is := strings.CutPrefix(s, "headless:"); is {
			headless = append(headless, h)
		} else {
			ports = append(ports, s)
		}
	}
	return []string{c.service(c.Name, "", ports), c.service(c.Name+"-headless", "  clusterIP: None\n", headless)}
}

func (c Chart) service(name, fields string, ports []string) string {
	if len(ports) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "apiVersion: v1\nkind: Service\nmetadata:\n  name: %s\n", name)
	if c.has("sticky") && fields == "" {
		b.WriteString("  annotations:\n    traefik.ingress.kubernetes.io/service.sticky.cookie: \"true\"\n")
	}
	fmt.Fprintf(&b, "spec:\n%s  selector:\n    %s\n  ports:\n", fields, c.selector())
	for i, p := range ports {
		port, target, targeted := strings.Cut(p, ">")
		fmt.Fprintf(&b, "    - name: p%d\n      port: %s\n", i, port)
		if targeted {
			fmt.Fprintf(&b, "      targetPort: %s\n", target)
		}
	}
	return b.String()
}

func (c Chart) policy() string {
	ports := strings.Fields(c.Policy)
	if c.has("name-policy") {
		for _, p := range strings.Fields(c.Ports) {
			if name, _, named := strings.Cut(p, "="); named {
				ports = append(ports, name)
			}
		}
	}
	if len(ports) == 0 {
		return ""
	}
	return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata:\n  name: %s\nspec:\n"+
		"  podSelector:\n    matchLabels:\n      %s\n  policyTypes: [Ingress]\n  ingress:\n    - ports:\n        - port: %s\n",
		c.Name, c.selector(), strings.Join(ports, "\n        - port: "))
}

// surroundings returns what the namespace demands.
func (c Chart) surroundings() string {
	switch {
	case c.has("limits"):
		return "apiVersion: v1\nkind: LimitRange\nmetadata:\n  name: limits\nspec:\n  limits:\n" +
			"    - type: Container\n      min: { cpu: 20m, memory: 48Mi }\n      max: { cpu: 2, memory: 512Mi }\n" +
			"      maxLimitRequestRatio: { cpu: 4 }\n    - type: Pod\n      max: { memory: 1Gi }\n"
	case c.has("quota"):
		return "apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: quota\nspec:\n  hard:\n" +
			"    pods: \"50\"\n    requests.cpu: \"10\"\n    limits.cpu: \"20\"\n    limits.memory: 40Gi\n"
	case c.has("scc"):
		return "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: apps\n  annotations:\n" +
			"    openshift.io/sa.scc.uid-range: 1000650000/10000\n"
	}
	return ""
}
