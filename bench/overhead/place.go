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

	"lameduck/bench/internal/port"
)

//go:embed peers/*.tmpl
var templates embed.FS

// A place is where one process of a peer or the app runs: the addresses,
// files and limits that its command and its configuration are filled with.
type place struct {
	Protocol protocol // what is spoken

	Binary string // the program
	Built  string // directory of the programs that this run has built
	Dir    string // for its files, its alone
	Config string // its configuration, rendered
	Listen string // address for the client
	App    string // address of the app

	Admin   string // address for its own health, where it has one
	Control string // address for orders, where it has one

	Files string // what the apps answer with
	Small string // the app's small answer

	// MaxConnections is how many connections of clients it must bear.
	// Descriptors is enough for one to the app for each of them.
	MaxConnections int
	Descriptors    int
}

// spareConnections is room for checks next to the connections that are
// counted on.
const spareConnections = 32

// roomyConnections is what a peer under load is configured for: far more than
// the load opens. HAProxy keeps no idle connection to the app once a quarter of
// its descriptors is in use.
// https://docs.haproxy.org/2.6/configuration.html#tune.pool-high-fd-ratio
const roomyConnections = 16 * throughputConnections

// otherFiles is what a program opens besides connections: listeners, logs,
// epoll.
const otherFiles = 64

// pool is how many idle connections to the app a peer keeps that has to be
// told: twice those that the load keeps busy at most.
const pool = 2 * throughputConnections

// limitTo sets the limits for so many connections of clients.
func (p *place) limitTo(connections int) {
	p.MaxConnections = connections + spareConnections
	p.Descriptors = 2*p.MaxConnections + otherFiles
}

// fitting is how many of the wanted connections of clients a proxy can bear
// which may open so many files, in hundreds where that makes no difference.
func fitting(wanted, files int) int {
	most := (files-otherFiles)/2 - spareConnections
	if most >= wanted {
		return wanted
	}
	if most > 100 {
		most -= most % 100
	}
	return max(1, most)
}

// built is where a program of this module is.
func (p place) built(importPath string) string { return filepath.Join(p.Built, path.Base(importPath)) }

// Pool returns pool, for templates.
func (place) Pool() int { return pool }

// HTTP2 says, for templates, whether it is h2c that is spoken.
func (p place) HTTP2() bool { return p.Protocol == h2c || p.Protocol == grpc }

// Slots is more than Descriptors, for nginx: it begins to close connections
// before its slots are in use.
func (p place) Slots() int { return p.Descriptors + p.Descriptors/8 }

// WebSocket and TCP say so of tunnels.
func (p place) WebSocket() bool { return p.Protocol == webSocket }
func (p place) TCP() bool       { return p.Protocol == tcp }

// AppPort and the like return the ports of the addresses, for programs that
// want nothing else.
func (p place) AppPort() (string, error)     { return portOf(p.App) }
func (p place) ListenPort() (string, error)  { return portOf(p.Listen) }
func (p place) AdminPort() (string, error)   { return portOf(p.Admin) }
func (p place) ControlPort() (string, error) { return portOf(p.Control) }

func portOf(address string) (string, error) {
	_, port, err := net.SplitHostPort(address)
	return port, err
}

// furnish fills in what differs from one instance to the next.
func (p *place) furnish(guest peer) error {
	addresses, err := freeAddresses(3)
	if err != nil {
		return err
	}
	p.Listen, p.Admin, p.Control = addresses[0], addresses[1], addresses[2]
	if p.Dir, err = os.MkdirTemp(p.Dir, guest.Name+"-"); err != nil {
		return err
	}
	if guest.Config == "" {
		return nil
	}
	return p.writeConfig(guest.Config)
}

// render fills one template's text.
func (p place) render(text string) (string, error) {
	t, err := template.New("").Option("missingkey=error").Parse(text)
	if err != nil {
		return "", fmt.Errorf("parse template %q: %w", text, err)
	}
	var out strings.Builder
	if err := t.Execute(&out, p); err != nil {
		return "", fmt.Errorf("fill template %q: %w", text, err)
	}
	return out.String(), nil
}

// renderAll fills each of the texts.
func (p place) renderAll(texts []string) ([]string, error) {
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

// writeConfig renders the named template of peers/ into the place's directory
// and sets Config to the file.
func (p *place) writeConfig(name string) error {
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

// configName is the file's name without .tmpl. Some programs tell by the ending
// what they read; those that do not get ".conf".
func configName(template string) string {
	name := strings.TrimSuffix(template, ".tmpl")
	if filepath.Ext(name) == "" {
		name += ".conf"
	}
	return name
}

// freeAddresses returns n addresses on 127.0.0.1 on which nobody listens, and
// which no connection of the load's can take.
func freeAddresses(n int) ([]string, error) {
	var picker port.Picker
	addresses := make([]string, n)
	for i := range addresses {
		var err error
		if addresses[i], err = picker.Addr(); err != nil {
			return nil, err
		}
	}
	return addresses, nil
}
