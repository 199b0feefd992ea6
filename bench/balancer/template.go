package balancer

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed conf/*.tmpl
var confFiles embed.FS

// templates are the configurations of the programs. Each states what it takes from the program's documentation.
var templates = template.Must(template.ParseFS(confFiles, "conf/*.tmpl"))

const (
	// connections is how many clients a program bears: 300 requests/s of 20 s each, and some.
	connections = 8000
	// files is enough for one connection to an endpoint for each of a client's, and for what else there is.
	files = 2*connections + 200
)

// settings is what the templates are filled with.
type settings struct {
	nodeConfig
	// Listen is where clients send to; Control is the program's own door.
	Listen, Control string
	Endpoints       []string
	// Generation is different for each configuration of a program.
	Generation int
	// Slots is how many servers are to be there without an address.
	Slots int
}

// newSettings returns the settings of a program that has no endpoints yet.
func newSettings(c nodeConfig) (settings, error) {
	listen, err := c.ports.Addr()
	if err != nil {
		return settings{}, err
	}
	control, err := c.ports.Addr()
	return settings{nodeConfig: c, Listen: listen, Control: control}, err
}

// Connections is how many clients the program must bear, and Files how many descriptors it needs for that.
func (settings) Connections() int { return connections }
func (settings) Files() int       { return files }

// KeepaliveOfAll is how many idle connections are kept to all endpoints together.
func (s settings) KeepaliveOfAll() int { return s.Keepalive * max(len(s.Endpoints), 1) }

// Tries is how many endpoints a request may be sent to.
func (s settings) Tries() int { return s.Retries + 1 }

// render returns the configuration of the given name.
func (s settings) render(name string) (string, error) {
	var text strings.Builder
	if err := templates.ExecuteTemplate(&text, name+".tmpl", s); err != nil {
		return "", fmt.Errorf("make configuration: %w", err)
	}
	return text.String(), nil
}

// write puts the configuration of the given name into the node's directory, whole or not at all.
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
