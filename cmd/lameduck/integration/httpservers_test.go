package integration

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"text/template"
)

// A realApp is an unmodified server.
type realApp struct {
	name       string
	programs   []string // possible names of its executable
	command    func(t *testing.T, path, root, port string) []string
	postStatus int // of the answer to a POST
	echoes     bool
	stopSignal string // the stop signal of its image, or empty if it is not tested as a child
}

var realApps = []realApp{
	{"nginx", []string{"nginx"}, nginxCommand, http.StatusOK, true, "SIGQUIT"},
	{"Apache httpd", []string{"apache2", "httpd"}, apacheCommand, http.StatusOK, true, "SIGWINCH"},
	{"python3 -m http.server", []string{"python3"}, pythonCommand, http.StatusNotImplemented, false, ""},
	{"Python's http.server", []string{"python3"}, pythonEchoCommand, http.StatusOK, true, ""},
	{"Node", []string{"node", "nodejs"}, nodeCommand, http.StatusOK, true, ""},
}

func nginxCommand(t *testing.T, path, root, port string) []string {
	config := writeConfig(t, "nginx.conf", root, port, "")
	return []string{path, "-p", root, "-e", "stderr", "-c", config, "-g", "daemon off;"}
}

func apacheCommand(t *testing.T, path, root, port string) []string {
	config := writeConfig(t, "apache.conf", root, port, apacheModules(t))
	return []string{path, "-f", config, "-D", "FOREGROUND"}
}

func pythonCommand(_ *testing.T, path, root, port string) []string {
	return []string{path, "-m", "http.server", "--bind", "127.0.0.1", "--directory", root, port}
}

func pythonEchoCommand(t *testing.T, path, _, port string) []string {
	return []string{path, testdata(t, "echo.py"), port}
}

func nodeCommand(t *testing.T, path, _, port string) []string {
	return []string{path, testdata(t, "echo.js"), port}
}

// apacheModules returns the directory of the distribution's Apache modules.
func apacheModules(t *testing.T) string {
	t.Helper()
	for _, dir := range []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2"} {
		if _, err := os.Stat(filepath.Join(dir, "mod_reflector.so")); err == nil {
			return dir
		}
	}
	t.Fatal("no directory of Apache modules")
	return ""
}

// kinds returns the kinds of requests for the app.
func (a *realApp) kinds() []kind {
	post, status := "/echo", a.postStatus
	return []kind{
		{"GET, kept", http.MethodGet, "/", http.StatusOK, false, true},
		{"GET, new", http.MethodGet, "/", http.StatusOK, false, false},
		{"POST, kept", http.MethodPost, post, status, a.echoes, true},
		{"POST, new", http.MethodPost, post, status, a.echoes, false},
	}
}

func testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// writeConfig fills in a configuration file.
func writeConfig(t *testing.T, name, root, port, modules string) string {
	t.Helper()
	return fillIn(t, name, root, struct{ Root, Port, Modules string }{root, port, modules})
}

// fillIn executes a template of testdata with values, and writes the result to a directory.
func fillIn(t *testing.T, name, root string, values any) string {
	t.Helper()
	text, err := template.ParseFiles(testdata(t, name))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := text.Execute(f, values); err != nil {
		t.Fatal(err)
	}
	return path
}

// publicDir makes a directory with an index.html that other users, such as nobody, can read.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lameduck-app")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "index.html"), []byte("It works.\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
