package balancer

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"lameduck/bench/port"
)

//go:embed conf/*.tmpl
var confFiles embed.FS

// templates are the configurations of the programs. Each cites the program's documentation.
var templates = template.Must(template.ParseFS(confFiles, "conf/*.tmpl"))

const (
	// connections is how many clients a program can serve: 300 requests/s of 20 s each, and some
	// more.
	connections = 8000
	// files is enough for a connection to a client and one to an endpoint for each request, and for
	// everything else.
	files = 2*connections + 200
)

// settings is the data of the templates.
type settings struct {
	nodeConfig
	// Listen is the address for clients. Control is the address of the control interface.
	Listen, Control string
	Endpoints       []string
	// Generation counts the configurations of a program.
	Generation int
	// Slots is the number of servers without an address.
	Slots int
}

// newSettings returns the settings of a program that has no endpoints yet.
func newSettings(c nodeConfig) (settings, error) {
	listen, err := port.Addr()
	if err != nil {
		return settings{}, err
	}
	control, err := port.Addr()
	return settings{nodeConfig: c, Listen: listen, Control: control}, err
}

// Connections is how many clients the program must serve, and Files is how many descriptors it
// needs for that.
func (settings) Connections() int { return connections }
func (settings) Files() int       { return files }

// KeepaliveOfAll is the number of idle connections kept to all endpoints together.
func (s settings) KeepaliveOfAll() int { return s.Keepalive * max(len(s.Endpoints), 1) }

// Tries is how many endpoints a request may be sent to.
func (s settings) Tries() int { return s.Retries + 1 }

// render returns the configuration of the given name.
func (s settings) render(name string) (string, error) {
	var text strings.Builder
	if err := templates.ExecuteTemplate(&text, name+".tmpl", s); err != nil {
		return "", fmt.Errorf("render configuration: %w", err)
	}
	return text.String(), nil
}

// write writes the configuration of the given name to the node's directory, atomically.
func (s settings) write(name string) error {
	text, err := s.render(name)
	if err != nil {
		return err
	}
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
