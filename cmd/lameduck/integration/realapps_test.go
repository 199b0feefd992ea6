package integration

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"

	"golang.org/x/sys/unix"
)

// A realApp is a server that nobody has changed.
type realApp struct {
	name       string
	programs   []string // names of the one that it needs
	command    func(t *testing.T, path, root, port string) []string
	postStatus int // of the answer to a POST
	echoes     bool
	stopSignal string // its image's stop signal; empty: it is not tried as a child
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

// fillIn writes a file of testdata to a directory, with values in their places.
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

// apacheModules is where the distribution has them.
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

// publicDir is a directory with an index.html that other users, such as nobody, can read.
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

// kinds are the requests that the app is sent.
func (a *realApp) kinds() []kind {
	post, status := "/echo", a.postStatus
	return []kind{
		{"GET, kept", http.MethodGet, "/", http.StatusOK, false, true},
		{"GET, new", http.MethodGet, "/", http.StatusOK, false, false},
		{"POST, kept", http.MethodPost, post, status, a.echoes, true},
		{"POST, new", http.MethodPost, post, status, a.echoes, false},
	}
}

// realHold is the hold in these tests. A machine that is busy with other things may stop every client for a moment.
var realHold = []string{"LAMEDUCK_HOLD_MIN=300ms", "LAMEDUCK_HOLD_QUIET=2s"}

// lag is how long the load balancer goes on sending after the beginning of the end.
const lag = time.Second

func TestRealAppsLoseNothing(t *testing.T) {
	for _, a := range realApps {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			path := requireProgram(t, a.programs...)
			root, port := publicDir(t), freePort(t)
			command := a.command(t, path, root, port)
			p := startPod(t, start(t, nil, command[0], command[1:]...), "127.0.0.1:"+port, realHold...)
			traffic := startTraffic(t, p.duck.front, &a)
			hook := p.beginEnd(t)
			traffic.stop()
			p.end(t, hook)
			traffic.load.wantNoLoss(t)
			p.duck.wantQuietEnd(t)
		})
	}
}

func TestRealAppsAsChildrenLoseNothing(t *testing.T) {
	for _, a := range realApps {
		if a.stopSignal == "" {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			path := requireProgram(t, a.programs...)
			root, port := publicDir(t), freePort(t)
			env := append([]string{"LAMEDUCK_STOP_SIGNAL=" + a.stopSignal}, realHold...)
			d := startExec(t, "127.0.0.1:"+port, env, a.command(t, path, root, port)...)
			traffic := startTraffic(t, d.front, &a)
			d.signal(t, unix.SignalNum(a.stopSignal))
			d.logged(t, "draining")
			traffic.stop()
			d.wantExit(t, exitOK)
			traffic.load.wantNoLoss(t)
			d.wantQuietEnd(t)
		})
	}
}

// A traffic is everything that is sent while the app is to end: the load and what other programs send.
type traffic struct {
	load    *load
	clients sync.WaitGroup // the other programs
}

// startTraffic returns when the traffic flows.
func startTraffic(t *testing.T, address string, a *realApp) *traffic {
	t.Helper()
	tr := &traffic{load: startLoad(t, address, a.kinds())}
	tr.load.awaitAnswers(t, 2)
	for _, client := range []func(*testing.T, *load, *realApp){runCurl, runWrk, runAB, runABKeepAlive} {
		tr.clients.Go(func() { client(t, tr.load, a) })
	}
	tr.load.awaitAnswers(t, 10)
	return tr
}

// stop lets the traffic end when the load balancer has learnt that it should.
func (tr *traffic) stop() {
	<-time.After(lag)
	tr.load.stop()
	tr.clients.Wait()
}

// runClient runs another program if it is there, and returns what it writes. A failure is the program's own word.
func runClient(t *testing.T, name string, args ...string) (output string, ok bool) {
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Errorf("%s is not there", name)
		}
		t.Logf("without %s: it is not there", name)
		return "", false
	}
	out, err := newCommand(nil, path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		return "", false
	}
	return string(out), true
}

// runCurl sends requests with curl, two over one connection if that may be, until the load ends.
func runCurl(t *testing.T, l *load, a *realApp) {
	url := "http://" + l.address
	for ok := true; ok && !l.stopped(); {
		_, ok = runClient(t, "curl", "-sSf", "-m", "20", "-o", os.DevNull, "-o", os.DevNull, url+"/", url+"/")
		if !a.echoes || !ok {
			continue
		}
		var out string
		out, ok = runClient(t, "curl", "-sSf", "-m", "20", "--data-binary", "a body", url+"/echo", url+"/echo")
		if ok && out != "a bodya body" {
			t.Errorf("curl has %q as the answers, want the body twice", out)
		}
	}
}

// The other programs take a duration. It begins before the end of the app does, and ends after that.
const clientSeconds = "2"

// runWrk opens connections anew when it is told to leave. It tells of errors only where there are some.
func runWrk(t *testing.T, l *load, _ *realApp) {
	out, ok := runClient(t, "wrk", "-t1", "-c1", "-d"+clientSeconds+"s", "--timeout", "20s", "http://"+l.address+"/")
	if ok && (strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx")) {
		t.Errorf("wrk has errors:\n%s", out)
	}
}

// runAB makes a connection for every request, a POST where the app answers that.
func runAB(t *testing.T, l *load, a *realApp) {
	if !a.echoes {
		checkAB(t, "http://"+l.address+"/")
		return
	}
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, []byte("a body"), 0o644); err != nil {
		t.Error(err)
		return
	}
	checkAB(t, "-p", body, "-T", "text/plain", "http://"+l.address+"/echo")
}

// runABKeepAlive asks, in HTTP/1.0, for connections that are kept.
func runABKeepAlive(t *testing.T, l *load, _ *realApp) {
	checkAB(t, "-k", "http://"+l.address+"/")
}

var (
	abNoFailure = regexp.MustCompile(`(?m)^Failed requests: +0$`)
	abTrouble   = regexp.MustCompile(`(?m)^(Write errors|Non-2xx responses|Exceptions):`)
)

func checkAB(t *testing.T, args ...string) {
	out, ok := runClient(t, "ab", append([]string{"-q", "-t", clientSeconds, "-n", "1000000", "-c", "1", "-s", "20"}, args...)...)
	if ok && (!abNoFailure.MatchString(out) || abTrouble.MatchString(out)) {
		t.Errorf("ab %v has errors:\n%s", args, out)
	}
}
