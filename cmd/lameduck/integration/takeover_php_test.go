package integration

import (
	"net"
	"os/user"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// php-fpm speaks FastCGI, so its port is relayed as TCP. A reload replaces the program of its
// parent, which keeps the socket and starts other workers.
func TestPHPFPMLosesNothingAtItsOwnPort(t *testing.T) {
	t.Parallel()
	path := requireProgram(t, "php-fpm", "php-fpm8.4", "php-fpm8.3", "php-fpm8.2")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	d, env := prepare(t, "takeover;proto=tcp", append(realHold, "LAMEDUCK_STOP_SIGNAL=SIGQUIT")...)
	_, port, _ := net.SplitHostPort(d.front)
	root := publicDir(t)
	config := fillIn(t, "php-fpm.conf", root, struct{ Root, Port, User string }{root, port, me.Username})
	script := testdata(t, "hello.php")
	d.program = start(t, env, programPath("lameduck"), "exec", "--", path, "--nodaemonize", "--allow-to-run-as-root",
		"--no-php-ini", "--fpm-config", config)
	d.logged(t, "listening in place of the app")
	get := func() error {
		_, err := getFastCGI(d.front, script)
		return err
	}
	eventually(t, "the app answers", func() bool { return get() == nil })
	if got, err := getFastCGI(d.front, script); got != "It works.\n" {
		t.Fatalf("the script printed %q, error %v", got, err)
	}
	l := startCalls(get)
	parent := onlyChild(t, d.pid())
	before := children(parent)
	d.signal(t, syscall.SIGUSR2)
	eventually(t, "all workers are new", func() bool {
		now := children(parent)
		return len(now) == 2 && !slices.ContainsFunc(now, func(pid int) bool { return slices.Contains(before, pid) })
	})
	l.await(t, 20)
	d.signal(t, syscall.SIGQUIT)
	d.logged(t, "draining")
	<-time.After(lag)
	l.stop(t)
	d.wantExit(t, exitOK)
	d.wantQuietEnd(t)
}

// calls are repeated calls by two callers.
type calls struct {
	done   atomic.Int64
	ended  chan struct{}
	all    sync.WaitGroup
	mu     sync.Mutex
	losses []error
}

func startCalls(call func() error) *calls {
	c := &calls{ended: make(chan struct{})}
	for range 2 {
		c.all.Go(func() {
			for {
				select {
				case <-c.ended:
					return
				default:
				}
				if err := call(); err != nil {
					c.mu.Lock()
					c.losses = append(c.losses, err)
					c.mu.Unlock()
				}
				c.done.Add(1)
				<-time.After(5 * time.Millisecond) // a new connection for each call uses up ports
			}
		})
	}
	return c
}

// await waits for more calls.
func (c *calls) await(t *testing.T, more int64) {
	t.Helper()
	from := c.done.Load()
	eventually(t, "there are more calls", func() bool { return c.done.Load() >= from+more })
}

// stop ends the calls, and expects that none has failed.
func (c *calls) stop(t *testing.T) {
	t.Helper()
	close(c.ended)
	c.all.Wait()
	if len(c.losses) > 0 {
		t.Errorf("%d of %d calls failed: %v", len(c.losses), c.done.Load(), c.losses[0])
	}
}
