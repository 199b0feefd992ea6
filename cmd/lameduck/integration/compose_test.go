package integration

import (
	"bytes"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/sys/unix"

	"lameduck/cmd/lameduck/config"
)

// A composeFile has the fields of the Compose specification that the example uses.
type composeFile struct {
	Services map[string]composeService
	Volumes  map[string]any
}

type composeService struct {
	Image       string
	Entrypoint  []string
	Command     []string
	User        string
	Environment map[string]string
	Ports       []string
	Volumes     []string                              // volume:path[:ro]
	StopSignal  string                                `yaml:"stop_signal"`
	StopGrace   string                                `yaml:"stop_grace_period"`
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
}

func readCompose(t *testing.T) (installer, web composeService) {
	t.Helper()
	text, err := os.ReadFile("../../../deploy/examples/compose/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var f composeFile
	in := yaml.NewDecoder(bytes.NewReader(text))
	in.KnownFields(true)
	if err := in.Decode(&f); err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(f.Services)); !slices.Equal(names, []string{"lameduck", "web"}) {
		t.Fatalf("services %v", names)
	}
	if _, declared := f.Volumes["lameduck"]; !declared || len(f.Volumes) != 1 {
		t.Fatalf("volumes %v", f.Volumes)
	}
	return f.Services["lameduck"], f.Services["web"]
}

// mountOf returns the path of the volume in a service.
func mountOf(t *testing.T, s composeService) string {
	t.Helper()
	if len(s.Volumes) != 1 {
		t.Fatalf("volumes %v", s.Volumes)
	}
	fields := strings.Split(s.Volumes[0], ":")
	if fields[0] != "lameduck" {
		t.Fatalf("volume %s", s.Volumes[0])
	}
	return fields[1]
}

func TestTheComposeExampleIsConsistent(t *testing.T) {
	t.Parallel()
	installer, web := readCompose(t)
	if want := []string{"install", mountOf(t, installer) + "/lameduck"}; !slices.Equal(installer.Command, want) {
		t.Errorf("the program is installed with %q, want %q", installer.Command, want)
	}
	if want := []string{mountOf(t, web) + "/lameduck", "exec", "--"}; len(web.Entrypoint) < 4 ||
		!slices.Equal(web.Entrypoint[:3], want) {
		t.Errorf("entrypoint %q, want %q and that of the image", web.Entrypoint, want)
	}
	if got := web.DependsOn["lameduck"].Condition; got != "service_completed_successfully" {
		t.Errorf("the app depends on the condition %q", got)
	}
	c, err := config.Parse(web.Environment)
	if err != nil {
		t.Fatal(err)
	}
	if c.StopSignal != web.StopSignal || c.GracePeriod.String() != "1m0s" || web.StopGrace != "60s" {
		t.Errorf("signals %s and %s, want the same; grace periods %s and %s, want 60s",
			c.StopSignal, web.StopSignal, c.GracePeriod, web.StopGrace)
	}
	_, published, _ := strings.Cut(web.Ports[0], ":")
	if len(c.Routes) != 1 || !c.Routes[0].Takeover || web.Environment["LAMEDUCK_ROUTES"] != published+"=takeover" {
		t.Errorf("routes %v, published port %s", c.Routes, published)
	}
}

// The services of the example without an engine: the installer copies the program, and the app runs
// in the root of an image of nginx, with the entrypoint, the command and the stop signal of the
// example. Only the port differs, since that of the example may be in use.
func TestTheComposeExampleLosesNothing(t *testing.T) {
	t.Parallel()
	unshare, nginx := requireUnshare(t), requireProgram(t, "nginx")
	installer, web := readCompose(t)
	root := imageRoot(t)
	d, env := prepare(t, "takeover", realHold...)
	_, port, _ := net.SplitHostPort(d.front)
	nginxImage(t, root, nginx, port)
	target := filepath.Join(root, strings.TrimPrefix(web.Entrypoint[0], "/"))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), programPath("lameduck"), installer.Command[0], target)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	env = append(env, "LAMEDUCK_TERMINATION_LOG=", "PATH=/usr/sbin:/bin",
		"LAMEDUCK_STOP_SIGNAL="+web.Environment["LAMEDUCK_STOP_SIGNAL"],
		"LAMEDUCK_GRACE_PERIOD="+web.Environment["LAMEDUCK_GRACE_PERIOD"])
	args := []string{"--fork", "--pid", "--mount", "--root=" + root, "--mount-proc=/proc", "--kill-child"}
	d.program = start(t, env, unshare, slices.Concat(args, web.Entrypoint, web.Command)...)
	d.logged(t, "listening in place of the app")
	l := startLoad(t, d.front, []kind{
		{"GET, kept", http.MethodGet, "/", http.StatusOK, false, true},
		{"GET, new", http.MethodGet, "/", http.StatusOK, false, false},
	})
	l.awaitAnswers(t, 10)
	d.wantLosslessStop(t, l, unix.SignalNum(web.StopSignal), exitOK)
}

// nginxImage adds the files of an nginx image that its command needs to a root.
func nginxImage(t *testing.T, root, nginx, port string) {
	t.Helper()
	for _, program := range [][2]string{{nginx, "/usr/sbin/nginx"}, {"/bin/sh", "/bin/sh"}} {
		copyInto(t, root, program[0], program[1])
		for _, library := range libraries(t, program[0]) {
			copyInto(t, root, library, library)
		}
	}
	for path, text := range map[string]string{
		"docker-entrypoint.sh":       "#!/bin/sh\nset -e\nexec \"$@\"\n",
		"etc/passwd":                 "root:x:0:0::/:/bin/sh\n",
		"etc/group":                  "root:x:0:\n",
		"var/log/nginx/.keep":        "",
		"tmp/.keep":                  "",
		"usr/share/nginx/index.html": "It works.\n",
		"etc/nginx/nginx.conf": `user root;
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {
        listen 127.0.0.1:` + port + `;
        root /usr/share/nginx;
    }
}
`,
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
