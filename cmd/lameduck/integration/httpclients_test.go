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
	"time"
)

// A traffic is a load during the termination, and the requests of other programs.
type traffic struct {
	load    *load
	clients sync.WaitGroup // the other programs
}

// startTraffic starts the traffic, and returns once there are answers.
func startTraffic(t *testing.T, address string, a *realApp) *traffic {
	t.Helper()
	awaitApp(t, address)
	tr := &traffic{load: startLoad(t, address, a.kinds())}
	tr.load.awaitAnswers(t, 2)
	for _, client := range []func(*testing.T, *load, *realApp){runCurl, runWrk, runAB, runABKeepAlive} {
		tr.clients.Go(func() { client(t, tr.load, a) })
	}
	tr.load.awaitAnswers(t, 10)
	return tr
}

// awaitApp waits until the app behind a Lameduck answers, whatever the status. Until it listens, a client
// waits for it, but not for longer than LAMEDUCK_APP_WAIT, and some apps take seconds to start.
func awaitApp(t *testing.T, address string) {
	t.Helper()
	eventually(t, "the app answers", func() bool {
		a, err := request(http.MethodGet, "http://"+address+"/", "")
		return err == nil && a.status != http.StatusServiceUnavailable
	})
}

// stop ends the traffic after the lag of the load balancer.
func (tr *traffic) stop(t *testing.T) {
	t.Helper()
	<-time.After(lag)
	tr.load.awaitCloseOption(t, 0)
	tr.load.stop()
	tr.clients.Wait()
}

// runClient runs another program, if it is installed, and returns its output. ok is false if the
// program has failed.
func runClient(t *testing.T, name string, args ...string) (output string, ok bool) {
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Errorf("%s is not installed", name)
		}
		t.Logf("%s is not installed", name)
		return "", false
	}
	out, err := newCommand(nil, path, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		return "", false
	}
	return string(out), true
}

// runCurl sends pairs of requests with curl, on one connection if possible, until the load ends.
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
			t.Errorf("curl got the answers %q, want the body twice", out)
		}
	}
}

// clientSeconds is how long the other programs run. They start before the termination and end after
// it.
const clientSeconds = "2"

// runWrk runs wrk, which reconnects after a response with the close option. It reports errors only
// if there are some.
func runWrk(t *testing.T, l *load, _ *realApp) {
	out, ok := runClient(t, "wrk", "-t1", "-c1", "-d"+clientSeconds+"s", "--timeout", "20s", "http://"+l.address+"/")
	if ok && (strings.Contains(out, "Socket errors") || strings.Contains(out, "Non-2xx")) {
		t.Errorf("wrk reported errors:\n%s", out)
	}
}

// runAB makes a connection for every request: a POST if the app accepts that.
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

// runABKeepAlive requests keep-alive connections in HTTP/1.0.
func runABKeepAlive(t *testing.T, l *load, _ *realApp) {
	checkAB(t, "-k", "http://"+l.address+"/")
}

var (
	abNoFailure = regexp.MustCompile(`(?m)^Failed requests: +0$`)
	abTrouble   = regexp.MustCompile(`(?m)^(Write errors|Non-2xx responses|Exceptions):`)
)

func checkAB(t *testing.T, args ...string) {
	args = append([]string{"-q", "-t", clientSeconds, "-n", "1000000", "-c", "1", "-s", "20"}, args...)
	out, ok := runClient(t, "ab", args...)
	if ok && (!abNoFailure.MatchString(out) || abTrouble.MatchString(out)) {
		t.Errorf("ab %v reported errors:\n%s", args, out)
	}
}
