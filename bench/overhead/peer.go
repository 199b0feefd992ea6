package main

import (
	"slices"

	"lameduck/bench/peers"
)

// A peer is one program that can stand in front of the app, told as data: to
// measure another one, add its value to allPeers and its configuration to
// peers/. Command, Env and Ready are text/template texts over a place.
type peer struct {
	Name string
	// Speaks is what it passes on.
	Speaks []protocol
	// Title says what the peer is, for the list under the table.
	Title string
	// Tool is the program, where it is a Debian package's.
	Tool tool
	// Module is the program's name in package peers, where that builds it.
	Module peers.Name
	// Build is the import path of the program, where it is this module's.
	Build string
	// Version are the arguments that make the program print its version;
	// empty: it has none of its own.
	Version []string
	// Config is the configuration's file in peers/; empty: none.
	Config string
	// Command starts the program in the foreground; empty: there is none, the
	// client talks to the app itself.
	Command []string
	// Env is the environment but for PATH. Nothing else is inherited: GOGC or
	// GOMAXPROCS of the caller's shell would change what is measured.
	Env []string
	// Ready is a URL that answers 200 once the peer serves; empty: it serves
	// when the app's answer comes through it.
	Ready string
}

// allPeers returns everything that can be measured, in the order of the table.
func allPeers() []peer {
	return slices.Concat(
		[]peer{{Name: direct, Title: "no proxy: the client talks to the app", Speaks: everything()}},
		nginxPeers(), haproxyPeers(), goPeers(),
		[]peer{lameduckPeer()},
	)
}

// Names that the program itself has to know: of the peer that is none, and of
// the one that all others are compared with.
const (
	direct   = "direct"
	lameduck = "lameduck"
)

// overHTTP is what a proxy passes on that reads HTTP/1.1 and HTTP/2, and
// everything what one does that relays bytes.
func overHTTP() []protocol   { return []protocol{http1, h2c, grpc, webSocket} }
func everything() []protocol { return []protocol{http1, h2c, grpc, webSocket, tcp} }

func nginxPeers() []peer {
	pooled := peer{
		Name:    "nginx",
		Speaks:  overHTTP(),
		Title:   "with a pool of connections to the app, as its documentation advises",
		Tool:    tool{"nginx", "nginx-light"},
		Version: []string{"-v"},
		Config:  "nginx.tmpl",
		Command: []string{"{{.Binary}}", "-e", "stderr", "-p", "{{.Dir}}", "-c", "{{.Config}}"},
	}
	plain := pooled
	plain.Name, plain.Title = "nginx-nopool", "with a bare proxy_pass: a new connection to the app for each request"
	plain.Config, plain.Speaks = "nginx-nopool.tmpl", []protocol{http1}
	return []peer{pooled, plain}
}

func haproxyPeers() []peer {
	http := peer{
		Name:    "haproxy-http",
		Speaks:  overHTTP(),
		Title:   "in http mode: reads every message, and shares connections to the app",
		Tool:    tool{"haproxy", "haproxy"},
		Version: []string{"-v"},
		Config:  "haproxy-http.tmpl",
		Command: []string{"{{.Binary}}", "-db", "-f", "{{.Config}}"},
	}
	blind := http
	blind.Name, blind.Title, blind.Config = "haproxy-tcp", "in tcp mode: a blind relay, one connection to the app for each of the client's", "haproxy-tcp.tmpl"
	blind.Speaks = everything()
	splice := blind
	splice.Name, splice.Title, splice.Config = "haproxy-splice", "in tcp mode, told to move bytes within the kernel", "haproxy-splice.tmpl"
	splice.Speaks = []protocol{webSocket, tcp}
	return []peer{http, blind, splice}
}

// goPeers are those that are written in Go, as Lameduck is.
func goPeers() []peer {
	return []peer{
		{
			Name:    "caddy",
			Speaks:  overHTTP(),
			Title:   "with a bare reverse_proxy",
			Tool:    tool{"caddy", "caddy"},
			Version: []string{"version"},
			Config:  "caddy.tmpl",
			Command: []string{"{{.Binary}}", "run", "--adapter", "caddyfile", "--config", "{{.Config}}"},
			Env:     []string{"HOME={{.Dir}}"},
		},
		{
			Name:    "traefik",
			Speaks:  overHTTP(),
			Title:   "with one router and one service",
			Module:  peers.Traefik,
			Config:  "traefik.yaml.tmpl",
			Command: traefikCommand(),
		},
		{
			Name:    "queue-proxy",
			Speaks:  overHTTP(),
			Title:   "the sidecar of Knative Serving",
			Module:  peers.QueueProxy,
			Command: []string{"{{.Binary}}"},
			Env:     queueProxyEnv(),
		},
		{
			Name:    "reverseproxy",
			Speaks:  overHTTP(),
			Title:   "httputil.ReverseProxy of Go's standard library, with a pool of connections to the app",
			Build:   "lameduck/bench/overhead/peers/reverseproxy",
			Command: []string{"{{.Binary}}", "{{.Listen}}", "{{.App}}", "{{if .HTTP2}}h2c{{else}}http1{{end}}"},
		},
	}
}

// traefikCommand has the install configuration as flags; the routing
// configuration is in the file. The flags that are not needed keep it from
// asking the network for newer versions.
// https://doc.traefik.io/traefik/getting-started/configuration-overview/
func traefikCommand() []string {
	return []string{
		"{{.Binary}}",
		"--entryPoints.client.address={{.Listen}}",
		"--providers.file.filename={{.Config}}",
		"--providers.file.watch=false",
		"--global.checkNewVersion=false",
		"--global.sendAnonymousUsage=false",
		"--log.level=ERROR",
	}
}

// queueProxyEnv is what Knative's controller sets, with its defaults, for a
// revision without a limit of concurrent requests: no request log, no request
// metrics, no tracing.
// https://github.com/knative/serving/blob/main/pkg/reconciler/revision/resources/queue.go
func queueProxyEnv() []string {
	return []string{
		"QUEUE_SERVING_PORT={{.ListenPort}}",
		"QUEUE_SERVING_TLS_PORT=0", // not bound: there is no certificate
		"QUEUE_ADMIN_PORT={{.AdminPort}}",
		"QUEUE_METRICS_PORT={{.ControlPort}}",
		"USER_PORT={{.AppPort}}",
		"CONTAINER_CONCURRENCY=0",
		"REVISION_TIMEOUT_SECONDS=300",
		"SERVING_NAMESPACE=default",
		"SERVING_CONFIGURATION=app",
		"SERVING_REVISION=app-00001",
		"SERVING_POD=app-00001-deployment-0",
		"SERVING_POD_IP=127.0.0.1",
		"SERVING_LOGGING_CONFIG=",
		"SERVING_LOGGING_LEVEL=error",
	}
}

func lameduckPeer() peer {
	return peer{
		Name:    lameduck,
		Speaks:  everything(),
		Title:   "one connection to the app for each of the client's",
		Build:   "lameduck/cmd/lameduck",
		Version: []string{"version"},
		Command: []string{"{{.Binary}}", "serve"},
		Env: []string{
			"LAMEDUCK_ROUTES={{.Listen}}={{.AppPort}}{{if .TCP}};proto=tcp{{end}}",
			"LAMEDUCK_ADMIN={{.Admin}}",
			"LAMEDUCK_CONTROL={{.Control}}",
			"LAMEDUCK_LOG_LEVEL=warn",
		},
		Ready: "http://{{.Admin}}/readyz",
	}
}

func peerNames(peers []peer) []string {
	var names []string
	for _, p := range peers {
		names = append(names, p.Name)
	}
	return names
}
