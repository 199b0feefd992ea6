package takeover

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// A testChild is a child process whose binds of one port are moved.
type testChild struct {
	*Takeover
	port  *Port
	pid   int
	stdin *os.File
	lines *bufio.Scanner
	ended chan syscall.WaitStatus
}

// taken returns a Takeover of a port on which the test listens until the child does.
func taken(t *testing.T) *Takeover { return takenWith(t, noFront) }

func takenWith(t *testing.T, front Front) *Takeover {
	t.Helper()
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	p, err := NewPort(ln, nil, front)
	if err != nil {
		t.Fatal(err)
	}
	return New([]*Port{p}, zap.NewNop())
}

// startChild starts the child of these tests. PORT in its script is the taken port.
func startChild(t *testing.T, script ...string) *testChild {
	t.Helper()
	return startChildOf(t, taken(t), script...)
}

func startChildOf(t *testing.T, taken *Takeover, script ...string) *testChild {
	t.Helper()
	c := &testChild{Takeover: taken, ended: make(chan syscall.WaitStatus, 1)}
	c.port = c.ports[0]
	childIn, stdin := pipe(t)
	childOut, stdout := pipe(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	argv := []string{"test", "child"}
	if script[0] == "node" { // the name of a Node program, which the child ignores
		argv = append(argv, "/usr/bin/node")
		script = script[1:]
	}
	for _, word := range script {
		argv = append(argv, strings.ReplaceAll(word, "PORT", fmt.Sprint(c.port.route.Port())))
	}
	started := make(chan error)
	go func() { // the parent-death signal is sent when the parent's thread ends
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		pid, err := c.Spawn(self, argv, &syscall.ProcAttr{
			Env: os.Environ(), Files: []uintptr{childIn.Fd(), stdout.Fd(), 2},
			Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
		})
		c.pid = pid
		started <- err
		if err != nil {
			return
		}
		var status syscall.WaitStatus
		for {
			if _, err := syscall.Wait4(pid, &status, 0, nil); err != syscall.EINTR {
				break
			}
		}
		c.ended <- status
	}()
	err = <-started
	_, _ = childIn.Close(), stdout.Close()
	if err != nil {
		t.Fatal(err)
	}
	c.stdin, c.lines = stdin, bufio.NewScanner(childOut)
	t.Cleanup(c.Close)
	t.Cleanup(func() { c.end(t) })
	return c
}

func (c *testChild) end(t *testing.T) {
	_ = c.stdin.Close()
	select {
	case status := <-c.ended:
		if status.ExitStatus() != 7 && !status.Signaled() {
			t.Errorf("the child exited with %v", status)
		}
	case <-time.After(time.Minute):
		t.Error("the child did not exit")
		_ = syscall.Kill(c.pid, syscall.SIGKILL)
	}
}

// wantLine expects a line of the child's output. MOVED in it stands for the port to which the bind
// is moved, PORT for the taken one.
func (c *testChild) wantLine(t *testing.T, want string) {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the child has exited, want %q", want)
	}
	want = strings.NewReplacer("MOVED", fmt.Sprint(c.port.moved),
		"PORT", fmt.Sprint(c.port.route.Port())).Replace(want)
	if got := c.lines.Text(); got != want {
		t.Errorf("the child printed %q, want %q", got, want)
	}
}

// pipe returns the two ends of a pipe.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = r.Close(), w.Close() })
	return r, w
}

func TestTheChildBindsItsOwnSocketAtTheMovedPort(t *testing.T) {
	t.Parallel()
	c := startChild(t,
		"socket:tcp4", "bind:PORT", "listen",
		"socket:only6", "bind:PORT", "listen",
		"socket:mptcp", "bind:0", "socket:tcp4", "bind:PORT")
	c.wantLine(t, "bind ok 127.0.0.1:MOVED")
	c.wantLine(t, "listen ok")
	c.wantLine(t, "bind ok [1]:MOVED")
	c.wantLine(t, "listen ok")
	if !c.lines.Scan() || !strings.HasPrefix(c.lines.Text(), "bind ok 0.0.0.0:") {
		t.Errorf("a bind of port 0 gave %q, want it unchanged", c.lines.Text())
	}
	c.wantLine(t, "bind EADDRINUSE 0.0.0.0:0") // as without takeover
	c.wantLine(t, "end")
	for _, address := range c.port.Addresses() {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Errorf("cannot connect to the child: %v", err)
			continue
		}
		_ = conn.Close()
	}
}

func TestAProgramOfNodeSeesItsOwnPort(t *testing.T) {
	t.Parallel()
	c := startChild(t, "node", "socket:tcp4", "bind:PORT", "listen", "name", "socket:only6", "bind:PORT", "name",
		"socket:tcp4", "bind:PORT", "name", "socket:udp4", "name")
	c.wantLine(t, "bind ok 0.0.0.0:PORT")
	c.wantLine(t, "listen ok")
	c.wantLine(t, "name 0.0.0.0:PORT")
	c.wantLine(t, "bind ok [0]:PORT")
	c.wantLine(t, "name [0]:PORT")
	c.lines.Scan() // the bind has failed, and its name is kept until the next one
	c.lines.Scan()
	c.wantLine(t, "name 0.0.0.0:0")
}

func TestOnlyProgramsOfNodeAreNotifiedOfGetsockname(t *testing.T) {
	for command, want := range map[string]bool{
		"/usr/local/bin/node server.js":         true,
		"docker-entrypoint.sh node server.js":   true,
		"npm start":                             true,
		"/app/server --name node-1":             false,
		"nginx -g daemon":                       false,
		"java -jar /srv/nodes.jar":              false,
		"python3 -m http.server /usr/bin/nodes": false,
	} {
		argv := strings.Fields(command)
		if got := asksForNames(argv[0], argv); got != want {
			t.Errorf("%q: %v, want %v", command, got, want)
		}
	}
	if !asksForNames("/bin/sh", []string{"sh", "-c", "exec node server.js"}) {
		t.Error("the words of a script were examined")
	}
}

func TestListenersThatShareAPortStayTogether(t *testing.T) {
	t.Parallel()
	c := startChild(t, "socket:tcp4+", "bind:PORT", "listen", "socket:tcp4+", "bind:PORT", "listen",
		"socket:tcp6+", "bind:PORT", "listen", "socket:tcp6+", "bind:PORT", "listen")
	for _, host := range []string{"127.0.0.1", "127.0.0.1", "[1]", "[1]"} {
		c.wantLine(t, "bind ok "+host+":MOVED")
		c.wantLine(t, "listen ok")
	}
}

func TestSocketsOfUDPKeepThePort(t *testing.T) {
	t.Parallel()
	c := startChild(t, "socket:udp4", "bind:PORT")
	c.wantLine(t, "bind ok 0.0.0.0:PORT")
}

func TestMultipathTCPIsMovedToo(t *testing.T) {
	t.Parallel()
	c := startChild(t, "socket:mptcp", "bind:PORT", "listen")
	c.wantLine(t, "bind ok 127.0.0.1:MOVED")
	c.wantLine(t, "listen ok")
}

// Programs compare addresses with their configuration, so the original must be restored.
func TestTheAddressIsPutBackBeforeListen(t *testing.T) {
	t.Parallel()
	c := startChild(t, "keep4:PORT")
	c.wantLine(t, "after bind 127.0.0.1:MOVED")
	c.wantLine(t, "after listen 0.0.0.0:PORT")
	c.wantLine(t, "other memory 1.2.3.4:1")
}

func TestAChildMayBindTenThousandTimes(t *testing.T) {
	t.Parallel()
	c := startChild(t, "many:PORT:10000")
	c.wantLine(t, "many 10000")
	c.Close()
	if n := len(c.notifier.rewrites); n > maxRewrites {
		t.Errorf("%d addresses are kept, want at most %d", n, maxRewrites)
	}
}

func TestBindsFailWhenLameduckHasDied(t *testing.T) {
	t.Parallel()
	c := startChild(t, "socket:tcp4", "wait", "bind:PORT", "listen", "socket:udp4", "bind:0")
	c.Close()
	_, _ = io.WriteString(c.stdin, "\n")
	c.wantLine(t, "bind ENOSYS 0.0.0.0:0")
	c.wantLine(t, "listen ENOSYS")
	c.wantLine(t, "bind ENOSYS 0.0.0.0:0")
	c.wantLine(t, "end")
}

func TestAChildMayBeKilledWhileItBinds(t *testing.T) {
	t.Parallel()
	c := startChild(t, "many:PORT:1000000")
	for range 3 { // at any point of a notification
		if err := syscall.Kill(c.pid, syscall.SIGKILL); err != nil {
			break
		}
	}
	select {
	case <-c.notifier.done:
	case <-time.After(time.Minute):
		t.Error("the notifier still waits for a killed child")
	}
}

// The child is killed after its notification has been received, so its thread and memory are gone.
func TestANotificationOfAKilledChildIsNotAFailure(t *testing.T) {
	t.Parallel()
	tk := taken(t)
	conn, theirs, err := socketPair()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	pid, err := tk.startLauncher("/bin/true", []string{"true"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}}, theirs)
	_ = theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	_, fd, err := receive(conn)
	if err != nil || fd < 0 {
		t.Fatalf("no descriptor of the notifications: %v", err)
	}
	n, err := newNotifier(fd, tk.ports, &tk.others, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer n.file.Close()
	in, err := receiveNotification(uintptr(fd)) // of the launcher's bind
	if err != nil {
		t.Fatal(err)
	}
	if !isWaiting(uintptr(fd), in.id) {
		t.Error("the launcher does not wait in its bind")
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	_, _ = syscall.Wait4(pid, nil, 0, nil)
	if isWaiting(uintptr(fd), in.id) {
		t.Error("a killed process still waits")
	}
	_, _ = n.handle(uintptr(fd), &in)
	if err := letContinue(uintptr(fd), in.id); err != unix.ENOENT {
		t.Errorf("the answer to a killed process returned %v, want ENOENT", err)
	}
	n.answer(uintptr(fd)) // it has no notification
	n.run()
	if r := n.trialRefusal(); r != nil {
		t.Errorf("a killed process was reported as a failure: %v", r)
	}
}

// The front is opened once, when the app listens and before its listen returns. Sockets that are
// bound but never listen open none.
func TestTheFrontIsOpenedWhenTheAppListens(t *testing.T) {
	t.Parallel()
	fronts := make(chan string, 10)
	c := startChildOf(t, takenWith(t, func(network string, at netip.AddrPort) error {
		fronts <- network + " " + at.Addr().String()
		return nil
	}), "many:PORT:2000", "socket:tcp4+", "bind:PORT", "wait", "listen", "wait", "socket:tcp4+", "bind:PORT",
		"listen", "socket:only6", "bind:PORT", "listen")
	c.wantLine(t, "many 2000")
	c.wantLine(t, "bind ok 127.0.0.1:MOVED")
	if len(fronts) > 0 {
		t.Errorf("%s was opened before the app listens", <-fronts)
	}
	_, _ = c.stdin.Write([]byte{0})
	c.wantLine(t, "listen ok")
	if got := drained(fronts); !slices.Equal(got, []string{"tcp4 0.0.0.0"}) {
		t.Errorf("opened fronts %q, want one at the app's address", got)
	}
	_, _ = c.stdin.Write([]byte{0})
	c.wantLine(t, "bind ok 127.0.0.1:MOVED")
	c.wantLine(t, "listen ok")
	c.wantLine(t, "bind ok [1]:MOVED")
	c.wantLine(t, "listen ok")
	if got := drained(fronts); !slices.Equal(got, []string{"tcp6 ::"}) {
		t.Errorf("opened fronts %q, want that of the third listener", got)
	}
}

// drained returns all values that wait in a channel.
func drained(c chan string) (all []string) {
	for len(c) > 0 {
		all = append(all, <-c)
	}
	return all
}

func TestTheAppsListenFailsIfTheFrontCannotBeOpened(t *testing.T) {
	t.Parallel()
	failures := 1
	c := startChildOf(t, takenWith(t, func(string, netip.AddrPort) error {
		if failures--; failures < 0 {
			return nil
		}
		return os.NewSyscallError("bind", unix.EACCES)
	}), "socket:tcp4", "bind:PORT", "listen", "listen")
	c.wantLine(t, "bind ok 127.0.0.1:MOVED")
	c.wantLine(t, "listen EACCES")
	c.wantLine(t, "listen ok")
}

func TestAHeldPortAcceptsNothing(t *testing.T) {
	t.Parallel()
	held := hold(t, "127.0.0.1:0")
	d := net.Dialer{Timeout: time.Minute}
	if c, err := d.Dial("tcp", held.Addr().String()); err == nil {
		_ = c.Close()
		t.Error("a connection was accepted")
	} else if !errors.Is(err, unix.ECONNREFUSED) {
		t.Errorf("the connection failed with %v, want it refused", err)
	}
	if ln, err := net.Listen("tcp", held.Addr().String()); err == nil {
		_ = ln.Close()
		t.Error("another program could bind the port")
	}
}

func TestTheErrorOfExecIsReturned(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/program"
	if err := os.WriteFile(path, []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{path: unix.ENOENT, t.TempDir(): unix.EACCES} {
		_, err := taken(t).Spawn(path, []string{"program"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
		if !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
}

func TestTheTrialCoversEveryKindOfListener(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", "::1", "0.0.0.0", "::"} {
		ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			t.Fatal(err)
		}
		p, err := NewPort(ln, nil, noFront)
		if err != nil {
			t.Fatal(err)
		}
		tk := New([]*Port{p}, zap.NewNop())
		pid, err := tk.Spawn("/bin/true", []string{"true"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
		if err != nil {
			t.Errorf("with a listener at %s: %v", host, err)
		} else {
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
		if p.ipv4.Load() || p.ipv6.Load() {
			t.Error("the socket of the trial counts as the app's")
		}
		tk.Close()
		_ = ln.Close()
	}
}
