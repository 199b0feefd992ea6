package integration

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// redirect runs lameduck redirect in the namespace, as the init container of a pod does.
func (ns *namespace) redirect(t *testing.T, args ...string) *program {
	t.Helper()
	return ns.start(t, nil, programPath("lameduck"), append([]string{"redirect"}, args...)...)
}

// startRedirectedPod starts a pod in which the app's port is redirected to the relay.
func startRedirectedPod(t *testing.T, env ...string) *observedPod {
	t.Helper()
	p := startObservedPod(t, append([]string{"LAMEDUCK_ROUTES=18080=8080"}, env...)...)
	p.redirect(t, "8080=18080", "--direct", "18091=8080").wantExit(t, exitOK)
	return p
}

// A caller sends requests, one after the other, from outside the pod.
type caller struct {
	address string
	keeps   bool // it keeps its connection until asked to disconnect

	answered  int
	reused    int         // answers on a reused connection
	unclosing []time.Time // send times of requests answered without the close option
	failures  []error
}

// run sends requests until ctx is done.
func (c *caller) run(ctx context.Context) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	var conn net.Conn
	for ctx.Err() == nil {
		conn = c.exchange(conn)
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	if conn != nil {
		_ = conn.Close()
	}
}

// exchange sends a request, on a new connection if conn is nil. It returns the connection if the
// next request is for it too.
func (c *caller) exchange(conn net.Conn) net.Conn {
	sent, fresh := time.Now(), conn == nil
	closes, conn, err := sendRequest(conn, c.address)
	switch {
	case err != nil:
		c.failures = append(c.failures, err)
	case !closes:
		c.unclosing = append(c.unclosing, sent)
	}
	if err == nil {
		c.answered++
		if !fresh {
			c.reused++
		}
		if c.keeps && !closes {
			return conn
		}
	}
	if conn != nil {
		_ = conn.Close()
	}
	return nil
}

// sendRequest sends a request on a connection, or a new one.
func sendRequest(conn net.Conn, address string) (closes bool, _ net.Conn, err error) {
	if conn == nil {
		if conn, err = net.DialTimeout("tcp", address, waitTimeout); err != nil {
			return false, nil, err
		}
	}
	_ = conn.SetDeadline(time.Now().Add(waitTimeout))
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: app\r\n\r\n"); err != nil {
		return false, conn, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return false, conn, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Close, conn, err
}

// callers are clients with kept and with new connections, over IPv4 and IPv6.
type callers struct {
	all     []*caller
	stop    context.CancelFunc
	running sync.WaitGroup
}

func (ns *namespace) call(t *testing.T) *callers {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := &callers{stop: stop}
	for _, host := range []string{ns.address, ns.address6} {
		for _, keeps := range []bool{true, true, false, false} {
			one := &caller{address: net.JoinHostPort(host, "8080"), keeps: keeps}
			c.all = append(c.all, one)
			c.running.Go(func() { one.run(ctx) })
		}
	}
	t.Cleanup(c.end)
	return c
}

func (c *callers) end() {
	c.stop()
	c.running.Wait()
}

// wantNothingLost expects that every request was answered, and from a time on with the close
// option.
func (c *callers) wantNothingLost(t *testing.T, drain time.Time) {
	t.Helper()
	for _, one := range c.all {
		if len(one.failures) > 0 {
			t.Errorf("%s: %d of %d requests failed, such as: %v",
				one.address, len(one.failures), one.answered, one.failures[0])
		}
		if one.answered == 0 || one.keeps != (one.reused > 0) {
			t.Errorf("%s: %d answers, %d of them on kept connections", one.address, one.answered, one.reused)
		}
		for _, sent := range one.unclosing {
			if sent.After(drain) {
				t.Errorf("%s: no close option %v after the start of the drain", one.address, sent.Sub(drain))
			}
		}
	}
}

func TestRedirect_NothingIsLostAndEveryClientIsAskedToDisconnect(t *testing.T) {
	t.Parallel()
	p := startRedirectedPod(t)
	clients := p.call(t)
	eventually(t, "clients of both families are relayed", func() bool { return p.exchanges(t) > 100 })
	p.wantClientAddresses(t)
	stopped := make(chan struct{})
	time.AfterFunc(lateTraffic, func() { clients.end(); close(stopped) })
	held := p.terminate(t)
	select {
	case <-stopped:
	default:
		t.Errorf("the app was stopped %v after the signal, while clients still sent requests", held)
	}
	clients.end()
	clients.wantNothingLost(t, logTime(t, p.logged(t, "draining")))
	if f := p.logged(t, "stopped"); f["reason"] != "quiet" {
		t.Errorf("the hold ended with the reason %v, want the end of the traffic", f["reason"])
	}
}

// wantClientAddresses expects that the relay's connections come from the clients' own addresses.
func (p *observedPod) wantClientAddresses(t *testing.T) {
	t.Helper()
	ss := requireProgram(t, "ss")
	eventually(t, "the relay has a connection from each address of the clients", func() bool {
		out, err := exec.Command("ip", "netns", "exec", p.name, ss, "-Htn", "sport", "=", ":18080").CombinedOutput()
		if err != nil {
			t.Fatalf("ss: %v: %s", err, out)
		}
		return strings.Contains(string(out), p.gateway) && strings.Contains(string(out), p.gateway6)
	})
}

func TestRedirect_CallsWithinThePodAndTheWayAroundReachTheApp(t *testing.T) {
	t.Parallel()
	p := startRedirectedPod(t)
	before := p.exchanges(t)
	for _, host := range []string{"127.0.0.1", "::1", p.address, p.address6} {
		p.inside(t, func() {
			if _, conn, err := sendRequest(nil, net.JoinHostPort(host, "8080")); err != nil {
				t.Errorf("the pod's own call to %s: %v", host, err)
			} else {
				_ = conn.Close()
			}
		})
	}
	for _, host := range []string{p.address, p.address6} {
		_, conn, err := sendRequest(nil, net.JoinHostPort(host, "18091"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
	if n := p.exchanges(t); n != before {
		t.Errorf("%d of these calls were relayed, want none", n-before)
	}
	_, conn, err := sendRequest(nil, net.JoinHostPort(p.address, "8080"))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	eventually(t, "a call from outside is relayed", func() bool { return p.exchanges(t) == before+1 })
	p.terminate(t)
}

// inside calls f on a thread of the namespace.
func (ns *namespace) inside(t *testing.T, f func()) {
	t.Helper()
	target, err := os.Open("/var/run/netns/" + ns.name)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := receive(t, done, "return from the namespace"); err != nil {
		t.Fatal(err)
	}
}

func TestRedirect_RunTwiceMakesOneTable(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.redirect(t, "8080=18080", "9090=18090").wantExit(t, exitOK)
	ns.redirect(t, "8080=18080", "--direct=18091=8080").wantExit(t, exitOK)
	const want = `table inet lameduck {
	ct timeout short4 {
		protocol tcp
		l3proto ip
		policy = { time_wait : 10, close : 5 }
	}

	ct timeout short6 {
		protocol tcp
		l3proto ip6
		policy = { time_wait : 10, close : 5 }
	}

	chain inbound {
		type nat hook prerouting priority dstnat; policy accept;
		iifname "lo" return
		meta nfproto ipv4 tcp dport 8080 ct timeout set "short4"
		meta nfproto ipv6 tcp dport 8080 ct timeout set "short6"
		tcp dport 8080 fib daddr type local redirect to :18080
		meta nfproto ipv4 tcp dport 18091 ct timeout set "short4"
		meta nfproto ipv6 tcp dport 18091 ct timeout set "short6"
		tcp dport 18091 fib daddr type local redirect to :8080
	}

	chain untracked {
		type filter hook output priority raw; policy accept;
		oifname "lo" tcp dport 8080 notrack
		oifname "lo" tcp sport 8080 notrack
	}
}
`
	if got := ns.insideOutput(t, "nft", "list", "ruleset"); got != want {
		t.Errorf("ruleset\n%swant that of the second run\n%s", got, want)
	}
}

func TestRedirect_IsRefusedWithReasonAndRemedy(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prepare []string // in the namespace
		command []string // before lameduck
		env     []string
		args    []string
		code    int
		want    string
	}{
		"on the node's network": {
			env:  []string{"LAMEDUCK_POD_IP=10.0.0.9", "LAMEDUCK_HOST_IP=10.0.0.9"},
			args: []string{"8080=18080"}, code: exitFailure, want: "hostNetwork",
		},
		"without the capability": {
			command: []string{"setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"},
			args:    []string{"8080=18080"}, code: exitFailure, want: "needs runAsUser 0, the capability NET_ADMIN",
		},
		"with rules of a mesh": {
			prepare: []string{"nft", "table ip nat { chain PREROUTING { " +
				"type nat hook prerouting priority dstnat; tcp dport != 4143 redirect to :4143; }; }"},
			args: []string{"8080=18080"}, code: exitFailure, want: "use --behind-mesh",
		},
		"with an empty chain of another program": {
			prepare: []string{"nft", "table ip nat { chain PREROUTING { type nat hook prerouting priority dstnat; }; }"},
			args:    []string{"8080=18080"}, code: exitOK,
		},
		"with rules of a mesh before ours": {
			prepare: []string{"nft", "table ip nat { chain PREROUTING { " +
				"type nat hook prerouting priority dstnat; tcp dport != 4143 redirect to :4143; }; }"},
			args: []string{"8080=18080", "--behind-mesh", "2102"}, code: exitOK,
		},
		"without ports": {code: exitUsage, want: "nothing to redirect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := newNamespace(t)
			inNamespace := []string{"netns", "exec", ns.name}
			if len(tt.prepare) > 0 {
				requireProgram(t, tt.prepare[0])
				start(t, nil, "ip", append(inNamespace, tt.prepare...)...).wantExit(t, exitOK)
			}
			if len(tt.command) > 0 {
				requireProgram(t, tt.command[0])
			}
			command := append(append([]string{}, tt.command...), programPath("lameduck"), "redirect")
			p := start(t, tt.env, "ip", append(append(inNamespace, command...), tt.args...)...)
			p.wantExit(t, tt.code)
			if text := p.stderr.String(); !strings.Contains(text, tt.want) {
				t.Errorf("the message lacks %q: %s", tt.want, text)
			}
		})
	}
}

func TestRedirect_IsRefusedInTheInitialNamespace(t *testing.T) {
	if os.Getuid() != 0 {
		lack(t, "needs root")
	}
	if _, err := os.Stat("/proc/sys/net/core/netdev_budget"); err != nil {
		t.Skip("these tests run in a network namespace of their own")
	}
	p := start(t, nil, programPath("lameduck"), "redirect", "8080=18080")
	p.wantExit(t, exitFailure)
	if text := p.stderr.String(); !strings.Contains(text, "hostNetwork") {
		t.Errorf("the message lacks the reason: %s", text)
	}
}

// The proxy of a mesh has the connections of clients, and connects to the app's port from within
// the pod. Those are relayed, and those of other programs are not.
func TestRedirect_BehindAMeshItsProxyReachesTheRelay(t *testing.T) {
	t.Parallel()
	p := startObservedPod(t, "LAMEDUCK_ROUTES=18080=8080")
	const proxy = 2102
	p.redirect(t, "8080=18080", "--behind-mesh=2102").wantExit(t, exitOK)
	for _, host := range []string{"127.0.0.1", p.address} {
		before := p.exchanges(t)
		p.curl(t, 0, host)
		if n := p.exchanges(t); n != before {
			t.Errorf("a call of another program to %s was relayed", host)
		}
		p.curl(t, proxy, host)
		eventually(t, "the proxy's call to "+host+" is relayed", func() bool { return p.exchanges(t) == before+1 })
	}
	p.terminate(t)
}

// curl requests a page of the app, within the pod and as a user.
func (p *observedPod) curl(t *testing.T, user int, host string) {
	t.Helper()
	id := "--reuid=" + strconv.Itoa(user)
	p.namespace.start(t, nil, requireProgram(t, "setpriv"), id, "--clear-groups",
		requireProgram(t, "curl"), "-sf", "http://"+host+":8080/").wantExit(t, exitOK)
}

// Connections that bypass the relay show that the rules are gone.
func TestRedirect_RulesThatDoNotStandAreNoticed(t *testing.T) {
	t.Parallel()
	p := startRedirectedPod(t)
	bypassed := func() string {
		out := p.insideOutput(t, "curl", "-sf", "http://127.0.0.1:18082/status")
		if !strings.Contains(out, `"bypassed_connections":`) {
			t.Fatalf("/status does not count connections that bypass the relay: %s", out)
		}
		_, out, _ = strings.Cut(out, `"bypassed_connections":`)
		return out[:strings.IndexAny(out, ",}")]
	}
	get(t, "http://"+p.address+":8080/")
	if n := bypassed(); n != "0" {
		t.Errorf("%s connections bypassed the relay while the rules were in place, want none", n)
	}
	p.insideOutput(t, "nft", "delete", "table", "inet", "lameduck")
	get(t, "http://"+p.address+":8080/")
	eventually(t, "the connection past the relay is in /status", func() bool { return bypassed() == "1" })
	p.logged(t, bypassWarning)
	p.terminate(t)
}

// insideOutput runs a program in the namespace and returns its output.
func (ns *namespace) insideOutput(t *testing.T, name string, args ...string) string {
	t.Helper()
	p := ns.start(t, nil, requireProgram(t, name), args...)
	p.wantExit(t, exitOK)
	return p.stdout.String()
}
