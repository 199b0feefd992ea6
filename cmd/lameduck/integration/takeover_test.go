package integration

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A takenApp is an unmodified server that is configured for the port at which Lameduck listens.
type takenApp struct {
	name     string
	programs []string // possible names of its executable; empty for the child of these tests
	command  func(t *testing.T, path, root, port string) []string
	host     string // on which lameduck listens; empty means 127.0.0.1
	client   string // address to which clients connect; empty means 127.0.0.1
	stop     syscall.Signal
	code     int            // of its exit after the stop signal
	reload   syscall.Signal // sent to the parent of its workers, unless 0
	keeps    bool           // connections
}

var takenApps = []takenApp{
	{name: "Go, IPv4", command: goCommand("127.0.0.1:"), code: 7, keeps: true},
	{name: "Go, IPv4, any address", command: goCommand("0.0.0.0:"), host: "0.0.0.0", code: 7, keeps: true},
	{name: "Go, IPv6 alone", command: goCommand("[::1]:"), host: "::", client: "::1", code: 7, keeps: true},
	{name: "Go, both families", command: goCommand(":"), host: "::", code: 7, keeps: true},
	{name: "python3 -m http.server", programs: []string{"python3"}, command: pythonCommand, code: 128 + 15},
	{name: "gunicorn", programs: []string{"gunicorn"}, command: gunicornCommand, keeps: true},
	{name: "Puma", programs: []string{"puma"}, command: pumaCommand, code: 128 + 15, keeps: true},
	{name: "Node", programs: []string{"node", "nodejs"}, command: nodeCommand, code: 128 + 15, keeps: true},
	{
		name: "Node cluster", programs: []string{"node", "nodejs"}, command: clusterCommand, host: "::",
		code: 128 + 15, keeps: true,
	},
	{name: "Python, a daemon", programs: []string{"python3"}, command: daemonCommand, code: 7, keeps: true},
	{
		name: "nginx, a daemon", programs: []string{"nginx"}, command: nginxDaemonCommand,
		stop: syscall.SIGQUIT, keeps: true,
	},
	{
		name: "nginx, reload", programs: []string{"nginx"}, command: nginxCommand,
		stop: syscall.SIGQUIT, reload: syscall.SIGHUP, keeps: true,
	},
	{
		name: "nginx, reuseport, reload", programs: []string{"nginx"}, command: nginxReuseportCommand, host: "::",
		stop: syscall.SIGQUIT, reload: syscall.SIGHUP, keeps: true,
	},
	{
		name: "Apache httpd, graceful restart", programs: []string{"apache2", "httpd"}, command: apacheCommand,
		stop: syscall.SIGWINCH, reload: syscall.SIGUSR1, keeps: true,
	},
}

func goCommand(host string) func(*testing.T, string, string, string) []string {
	return func(_ *testing.T, _, _, port string) []string {
		return []string{programPath("child"), "-listen", host + port, "-on", "SIGTERM=7"}
	}
}

func gunicornCommand(t *testing.T, path, root, port string) []string {
	return []string{
		path, "--workers", "2", "--worker-class", "gthread", "--threads", "4", "--keep-alive", "60",
		"--worker-tmp-dir", root, "--bind", "127.0.0.1:" + port, "--chdir", testdata(t, "."), "wsgi:app",
	}
}

func pumaCommand(t *testing.T, path, _, port string) []string {
	return []string{path, "--threads", "8:8", "--bind", "tcp://127.0.0.1:" + port, testdata(t, "puma.ru")}
}

func daemonCommand(t *testing.T, path, root, port string) []string {
	return []string{path, testdata(t, "daemon.py"), port, root}
}

func nginxDaemonCommand(t *testing.T, path, root, port string) []string {
	config := writeConfig(t, "nginx.conf", root, port, "")
	return []string{path, "-p", root, "-e", "stderr", "-c", config}
}

func clusterCommand(t *testing.T, path, _, port string) []string {
	return []string{path, testdata(t, "cluster.js"), port}
}

func nginxReuseportCommand(t *testing.T, path, root, port string) []string {
	config := writeConfig(t, "nginx-reuseport.conf", root, port, "")
	return []string{path, "-p", root, "-e", "stderr", "-c", config, "-g", "daemon off;"}
}

func TestTakenAppsLoseNothingAtTheirOwnPort(t *testing.T) {
	for _, a := range takenApps {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			d := a.start(t)
			if a.reload != 0 {
				a.reloads(t, d)
			}
			l := startLoad(t, d.front, []kind{
				{"GET, kept", http.MethodGet, "/", http.StatusOK, false, a.keeps},
				{"GET, new", http.MethodGet, "/", http.StatusOK, false, false},
			})
			l.awaitAnswers(t, 10)
			before := l.closeOptions()
			d.signal(t, a.stop)
			d.logged(t, "draining")
			<-time.After(lag)
			if a.keeps {
				l.awaitCloseOption(t, before)
			}
			l.stop()
			d.wantExit(t, a.code)
			if a.keeps {
				l.wantNoLoss(t)
			} else if len(l.losses) > 0 {
				t.Errorf("%d requests lost: %s", len(l.losses), l.losses[0])
			}
			d.wantQuietEnd(t)
		})
	}
}

// start starts the app with lameduck at its port, and returns once it answers.
func (a *takenApp) start(t *testing.T) *lameduck {
	t.Helper()
	var path string
	if a.programs != nil {
		path = requireProgram(t, a.programs...)
	}
	if a.stop == 0 {
		a.stop = syscall.SIGTERM
	}
	d, env := prepare(t, "takeover", append(realHold, "LAMEDUCK_STOP_SIGNAL="+unix.SignalName(a.stop))...)
	env = append(env, "PYTHONDONTWRITEBYTECODE=1") // testdata is the directory of an app
	_, port, _ := net.SplitHostPort(d.front)
	if a.host != "" {
		env = append(env, "LAMEDUCK_ROUTES="+net.JoinHostPort(a.host, port)+"=takeover")
	}
	if a.client != "" {
		d.front = net.JoinHostPort(a.client, port)
	}
	command := a.command(t, path, publicDir(t), port)
	d.program = start(t, env, programPath("lameduck"), append([]string{"exec", "--"}, command...)...)
	d.logged(t, "listening in place of the app")
	eventually(t, "the app answers", func() bool { return d.get(t, "/").status == http.StatusOK })
	return d
}

// reloads reloads the app under a load of new connections, and expects that other workers take over
// without a loss. The app may close kept connections.
func (a *takenApp) reloads(t *testing.T, d *lameduck) {
	t.Helper()
	l := startLoad(t, d.front, []kind{{"GET, new", http.MethodGet, "/", http.StatusOK, false, false}})
	l.awaitAnswers(t, 10)
	parent := onlyChild(t, d.pid())
	before := children(parent)
	d.signal(t, a.reload)
	eventually(t, "all workers are new", func() bool {
		now := children(parent)
		return len(now) > 0 && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(before, pid) })
	})
	l.awaitAnswers(t, 100)
	l.stop()
	if len(l.losses) > 0 {
		t.Errorf("the reload lost %d requests: %s", len(l.losses), l.losses[0])
	}
	if out := d.stderr.String(); strings.Contains(out, "bind()") || strings.Contains(out, "could not bind") {
		t.Error("the app could not bind its port again")
	}
}

// children returns the children of a process.
func children(parent int) (pids []int) {
	for _, p := range processes() {
		if p.parent == parent {
			pids = append(pids, p.pid)
		}
	}
	return pids
}

// An app that listens at another port than the route has is found in the status and the metrics.
func TestAnAppThatListensElsewhereIsReported(t *testing.T) {
	t.Parallel()
	const missing = "lameduck_takeover_ports_without_listener"
	d, env := prepare(t, "takeover", realHold...)
	other := freeAddress(t)
	d.program = start(t, env, programPath("lameduck"), "exec", "--", programPath("child"), "-listen", other,
		"-on", "SIGTERM=7")
	eventually(t, "the app answers at its own port", func() bool {
		c, err := net.Dial("tcp", other)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
	_, port, _ := net.SplitHostPort(d.front)
	want := `"ports_without_listener":[` + port + `]`
	if got := get(t, "http://"+d.control+"/status").body; !strings.Contains(got, want) {
		t.Errorf("status %s, want %s", got, want)
	}
	d.awaitMetric(t, missing, "1")
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, 7)
}

// An app that binds one address is reached only there, although the route names none.
func TestATakenPortIsReachedWhereTheAppListens(t *testing.T) {
	t.Parallel()
	d, env := prepare(t, "takeover", realHold...)
	_, port, _ := net.SplitHostPort(d.front)
	env = append(env, "LAMEDUCK_ROUTES="+port+"=takeover")
	d.program = start(t, env, programPath("lameduck"), "exec", "--", programPath("child"), "-listen", d.front, "-on", "SIGTERM=7")
	d.logged(t, "listening in place of the app")
	eventually(t, "the app answers", func() bool { return d.get(t, "/").status == http.StatusOK })
	for _, host := range []string{"127.0.0.2", "::1"} {
		if c, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), time.Second); err == nil {
			_ = c.Close()
			t.Errorf("the app listens at 127.0.0.1, but %s was reached", host)
		}
	}
	if got := d.metric(t, "lameduck_takeover_ports_without_listener"); got != "0" {
		t.Errorf("%s ports without listener, want 0", got)
	}
	if f := d.logged(t, "listening in place of the app"); f["address"] != d.front {
		t.Errorf("log line %v", f)
	}
	d.signal(t, syscall.SIGTERM)
	d.wantExit(t, 7)
}
