package main

import (
	"slices"

	"lameduck/bench/peers"
)

// A peer describes one program that can run in front of the app. To measure another one, add it to
// allPeers and its configuration to peers/. Command, Env and Ready are text/template texts with the
// data of paths.
type peer struct {
	Name string
	// Speaks are the protocols that it supports.
	Speaks []protocol
	// Title describes the peer in the list below the table.
	Title string
	// Tool is the program if it is from a Debian package.
	Tool tool
	// Module is the name of the program if package peers builds it.
	Module peers.Name
	// Build is the import path of the program if it is in this module.
	Build string
	// Version are the arguments that make the program print its version, if it has one.
	Version []string
	// Config is the file of the configuration in peers/, if there is one.
	Config string
	// Command starts the program in the foreground. If it is empty, there is no proxy.
	Command []string
	// Env is the environment, except PATH. Nothing else is inherited, since GOGC or GOMAXPROCS of
	// the caller's shell would change the results.
	Env []string
	// Ready is a URL that answers 200 once the peer serves. If it is empty, the peer serves once a
	// request to the app succeeds.
	Ready string
}

// allPeers returns all peers in the order of the table.
func allPeers() []peer {
	return slices.Concat(
		[]peer{{Name: direct, Title: "no proxy: the client talks to the app", Speaks: everything()}},
		nginxPeers(), haproxyPeers(), goPeers(),
		[]peer{lameduckPeer()},
	)
}

// The names of the two special peers: no proxy, and the one that all others are compared with.
const (
	direct   = "direct"
	lameduck = "lameduck"
)

// mostUsed returns the names of the peers of cases that take much time.
func mostUsed() []string { return []string{"nginx", "haproxy-http", "haproxy-tcp", lameduck} }

// overHTTP returns the protocols of a proxy for HTTP/1.1 and HTTP/2, and everything those of a
// relay of bytes.
func overHTTP() []protocol   { return []protocol{http1, h2c, grpc, webSocket} }
func everything() []protocol { return []protocol{http1, h2c, grpc, webSocket, tcp} }

// terminating returns the protocols of a peer that also terminates TLS.
func terminating(others []protocol) []protocol { return append(others, https) }

func nginxPeers() []peer {
	pooled := peer{
		Name:    "nginx",
		Speaks:  terminating(overHTTP()),
		Title:   "with a pool of connections to the app, as its documentation recommends",
		Tool:    tool{"nginx", "nginx-light"},
		Version: []string{"-v"},
		Config:  "nginx.tmpl",
		Command: []string{"{{.Binary}}", "-e", "stderr", "-p", "{{.Dir}}", "-c", "{{.Config}}"},
	}
	plain := pooled
	plain.Name = "nginx-nopool"
	plain.Title = "with a bare proxy_pass: a new connection to the app for each request"
	plain.Config, plain.Speaks = "nginx-nopool.tmpl", []protocol{http1}
	return []peer{pooled, plain}
}

func haproxyPeers() []peer {
	http := peer{
		Name:    "haproxy-http",
		Speaks:  terminating(overHTTP()),
		Title:   "in http mode: reads every message, and shares connections to the app",
		Tool:    tool{"haproxy", "haproxy"},
		Version: []string{"-v"},
		Config:  "haproxy-http.tmpl",
		Command: []string{"{{.Binary}}", "-db", "-f", "{{.Config}}"},
	}
	blind := http
	blind.Name, blind.Config = "haproxy-tcp", "haproxy-tcp.tmpl"
	blind.Title = "in tcp mode: a blind relay, one connection to the app for each client connection"
	blind.Speaks = terminating(everything())
	splice := blind
	splice.Name, splice.Config = "haproxy-splice", "haproxy-splice.tmpl"
	splice.Title = "in tcp mode, with splicing of bytes in the kernel"
	splice.Speaks = []protocol{webSocket, tcp}
	return []peer{http, blind, splice}
}

// goPeers returns the peers that are written in Go, like Lameduck.
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
			Name:   "reverseproxy",
			Speaks: overHTTP(),
			Title:  "httputil.ReverseProxy of Go's standard library, with a pool of connections to the app",
			Build:  "lameduck/bench/overhead/peers/reverseproxy",
			Command: []string{
				"{{.Binary}}", "{{.Listen}}", "{{.App}}", "{{if .HTTP2}}h2c{{else}}http1{{end}}",
			},
		},
	}
}

// traefikCommand has the install configuration as flags; the routing configuration is in the file.
// The flags on versions and usage prevent network traffic.
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

// queueProxyEnv returns what Knative's controller sets by default for a revision without a limit on
// concurrent requests: no request log, no request metrics, no tracing.
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
		Speaks:  terminating(everything()),
		Title:   "one connection to the app for each client connection",
		Build:   "lameduck/cmd/lameduck",
		Version: []string{"version"},
		Command: []string{"{{.Binary}}", "serve"},
		Env: []string{
			"LAMEDUCK_ROUTES={{.Listen}}={{.AppPort}}{{if .TCP}};proto=tcp{{end}}",
			"LAMEDUCK_TLS_CERT={{if .TLS}}{{.Cert}}{{end}}",
			"LAMEDUCK_TLS_KEY={{if .TLS}}{{.Key}}{{end}}",
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
