package main

import (
	"embed"
	"fmt"
	"net"
	"os"
	"path"
	"path/filepath"
	"strings"
	"text/template"

	"lameduck/bench/port"
)

//go:embed peers/*.tmpl
var templates embed.FS

// paths are the addresses, files and limits of one process of a peer or the app. They are the data
// of the templates of its command and configuration.
type paths struct {
	Protocol protocol

	Binary string // the program
	Built  string // directory of the programs that this run has built
	Certs  string // directory of the certificate and its key
	Dir    string // directory of its files
	Config string // its rendered configuration
	Listen string // address for clients
	App    string // address of the app

	Admin   string // address of its health endpoint, if it has one
	Control string // address of its control interface, if it has one

	Files string // directory of the files that the apps serve
	Small string // the app's small response

	// MaxConnections is the number of client connections that it must support.
	// Descriptors is enough for one more connection to the app for each of them.
	MaxConnections int
	Descriptors    int

	// Cores is how many cores it may use. Zero means one.
	Cores int
}

// spareConnections is the number of additional connections for checks.
const spareConnections = 32

// roomyConnections is the number of connections that a peer under load is configured for, far more
// than the load opens. HAProxy keeps no idle connection to the app once a quarter of its
// descriptors is in use. https://docs.haproxy.org/2.6/configuration.html#tune.pool-high-fd-ratio
const roomyConnections = 16 * throughputConnections

// otherFiles is the number of files besides connections: listeners, logs, epoll.
const otherFiles = 64

// pool is the number of idle connections to the app in peers that need a setting: twice the largest
// number of busy connections.
const pool = 2 * throughputConnections

// limitTo sets the limits for the given number of client connections.
func (p *paths) limitTo(connections int) {
	p.MaxConnections = connections + spareConnections
	p.Descriptors = 2*p.MaxConnections + otherFiles
}

// reservedFiles is more than what lameduck keeps for its own addresses of the given number of files.
// It accepts no connections that would need them.
func reservedFiles(files int) int { return min(4_500, files*2/5) }

// fitting returns how many of the wanted client connections a proxy can support with the given
// number of files, rounded down to hundreds if possible.
func fitting(wanted, files int) int {
	most := (files-otherFiles-reservedFiles(files))/2 - spareConnections
	if most >= wanted {
		return wanted
	}
	if most > 100 {
		most -= most % 100
	}
	return max(1, most)
}

// built returns the path of a program of this module.
func (p paths) built(importPath string) string {
	return filepath.Join(p.Built, path.Base(importPath))
}

// Pool returns pool, for templates.
func (paths) Pool() int { return pool }

// HTTP2 reports, for templates, whether the protocol is based on h2c.
func (p paths) HTTP2() bool { return p.Protocol == h2c || p.Protocol == grpc }

// Slots is more than Descriptors, for nginx, which starts to close connections before all slots are
// in use.
func (p paths) Slots() int { return p.Descriptors + p.Descriptors/8 }

// Threads returns how many threads or workers do its work: one for each core.
func (p paths) Threads() int { return max(1, p.Cores) }

// WebSocket, TCP and TLS report, for templates, whether the protocol is that one.
func (p paths) WebSocket() bool { return p.Protocol == webSocket }
func (p paths) TCP() bool       { return p.Protocol == tcp }
func (p paths) TLS() bool       { return p.Protocol == https }

// Cert, Key and Bundle return the files of the certificate, its key, and both.
func (p paths) Cert() string   { return filepath.Join(p.Certs, certFile) }
func (p paths) Key() string    { return filepath.Join(p.Certs, keyFile) }
func (p paths) Bundle() string { return filepath.Join(p.Certs, bundleFile) }

// AppPort and the like return the ports of the addresses, for programs that need only the port.
func (p paths) AppPort() (string, error)     { return portOf(p.App) }
func (p paths) ListenPort() (string, error)  { return portOf(p.Listen) }
func (p paths) AdminPort() (string, error)   { return portOf(p.Admin) }
func (p paths) ControlPort() (string, error) { return portOf(p.Control) }

func portOf(address string) (string, error) {
	_, port, err := net.SplitHostPort(address)
	return port, err
}

// prepare sets what differs between instances: addresses, the directory and the configuration.
func (p *paths) prepare(of peer) error {
	addresses, err := freeAddresses(3)
	if err != nil {
		return err
	}
	p.Listen, p.Admin, p.Control = addresses[0], addresses[1], addresses[2]
	if p.Dir, err = os.MkdirTemp(p.Dir, of.Name+"-"); err != nil {
		return err
	}
	if of.Config == "" {
		return nil
	}
	return p.writeConfig(of.Config)
}

// render executes a template.
func (p paths) render(text string) (string, error) {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("parse template %q: %w", text, err)
	}
	var out strings.Builder
	if err := t.Execute(&out, p); err != nil {
		return "", fmt.Errorf("execute template %q: %w", text, err)
	}
	return out.String(), nil
}

// renderAll executes templates.
func (p paths) renderAll(texts []string) ([]string, error) {
	var filled []string
	for _, text := range texts {
		s, err := p.render(text)
		if err != nil {
			return nil, err
		}
		filled = append(filled, s)
	}
	return filled, nil
}

// writeConfig renders the named template of peers/ to a file in Dir and sets Config to its path.
func (p *paths) writeConfig(name string) error {
	text, err := templates.ReadFile("peers/" + name)
	if err != nil {
		return fmt.Errorf("open configuration: %w", err)
	}
	config, err := p.render(string(text))
	if err != nil {
		return err
	}
	p.Config = filepath.Join(p.Dir, configName(name))
	return os.WriteFile(p.Config, []byte(config), 0o644)
}

// configName returns the name of a template without .tmpl. Some programs need a file extension; the
// default is ".conf".
func configName(template string) string {
	name := strings.TrimSuffix(template, ".tmpl")
	if filepath.Ext(name) == "" {
		name += ".conf"
	}
	return name
}

// freeAddresses returns n free addresses on 127.0.0.1, outside the range of outgoing connections.
func freeAddresses(n int) ([]string, error) {
	addresses := make([]string, n)
	for i := range addresses {
		var err error
		if addresses[i], err = port.Addr(); err != nil {
			return nil, err
		}
	}
	return addresses, nil
}
