package main

// A peer is one program that can stand in front of the app, told as data: to
// measure another one, add its value to allPeers and its configuration to
// peers/. Command, Env and Ready are text/template texts over a place.
type peer struct {
	Name string
	// Tool is the program, where it is a Debian package's.
	Tool tool
	// Build is the import path of the program, where it is built here.
	Build string
	// Config is the configuration's file in peers/; empty: none.
	Config string
	// Command starts the program in the foreground; empty: there is none, the
	// client talks to the app itself.
	Command []string
	// Env is the environment but for PATH. Nothing else is inherited: GOGC or
	// GOMAXPROCS of the caller's shell would change what is measured.
	Env []string
	// Ready is a URL that answers 200 once the peer serves; empty: the small
	// answer through the peer.
	Ready string
}

// allPeers returns everything that can be measured, in the order of the table.
func allPeers() []peer {
	return []peer{
		{
			Name: "direct",
		},
		{
			Name:    "nginx",
			Tool:    tool{"nginx", "nginx-light"},
			Config:  "nginx.tmpl",
			Command: []string{"{{.Binary}}", "-e", "stderr", "-p", "{{.Dir}}", "-c", "{{.Config}}"},
		},
		{
			Name:    "haproxy-http",
			Tool:    tool{"haproxy", "haproxy"},
			Config:  "haproxy-http.tmpl",
			Command: []string{"{{.Binary}}", "-db", "-f", "{{.Config}}"},
		},
		{
			Name:    "haproxy-tcp",
			Tool:    tool{"haproxy", "haproxy"},
			Config:  "haproxy-tcp.tmpl",
			Command: []string{"{{.Binary}}", "-db", "-f", "{{.Config}}"},
		},
		{
			Name:    "reverseproxy",
			Build:   "lameduck/bench/overhead/peers/reverseproxy",
			Command: []string{"{{.Binary}}", "{{.Listen}}", "{{.App}}"},
		},
		{
			Name:    lameduck,
			Build:   "lameduck/cmd/lameduck",
			Command: []string{"{{.Binary}}", "serve"},
			Env: []string{
				"LAMEDUCK_ROUTES={{.Listen}}={{.AppPort}}",
				"LAMEDUCK_ADMIN={{.Admin}}",
				"LAMEDUCK_CONTROL={{.Control}}",
				"LAMEDUCK_LOG_LEVEL=warn",
			},
			Ready: "http://{{.Admin}}/readyz",
		},
	}
}

// lameduck is the name of the peer that all others are compared with.
const lameduck = "lameduck"

func peerNames(peers []peer) []string {
	var names []string
	for _, p := range peers {
		names = append(names, p.Name)
	}
	return names
}
