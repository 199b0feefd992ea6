package main

import (
	"embed"
	"fmt"
	"net"
	"os"
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
	Binary string // the program
	Dir    string // for its files, its alone
	Config string // its configuration, rendered
	Listen string // address for the client
	App    string // address of the app

	Admin   string // address for its own health, where it has one
	Control string // address for orders, where it has one

	Files string // the app's large files
	Small string // the app's small answer

	// MaxConnections is how many connections of clients it must bear.
	// Descriptors is enough for one to the app for each of them.
	MaxConnections int
	Descriptors    int
}

// spareConnections is room for the load's connections and for checks, next to
// the idle ones.
const spareConnections = 200

// limitTo sets the limits for so many idle connections of clients.
func (p *place) limitTo(idle int) {
	p.MaxConnections = idle + spareConnections
	p.Descriptors = 2*p.MaxConnections + 64 // listeners, logs, epoll
}

// AppPort returns the port of the app's address.
func (p place) AppPort() (string, error) {
	_, port, err := net.SplitHostPort(p.App)
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
	p.Config = filepath.Join(p.Dir, strings.TrimSuffix(name, ".tmpl")+".conf")
	return os.WriteFile(p.Config, []byte(config), 0o644)
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
