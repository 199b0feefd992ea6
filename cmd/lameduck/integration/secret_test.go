package integration

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"lameduck/cmd/lameduck/config"
)

const canary = "c4n4ry"

// secrets are values that a user may set by mistake.
var secrets = []string{
	canary,
	"/nowhere/" + canary,
	"-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----\n",
	"postgres://user:" + canary + "@db:5432/app",
}

// harmless are the variables for numbers, durations, words or addresses. A short word as their
// value is not a secret, and is printed.
var harmless = []string{
	"LAMEDUCK_ADMIN", "LAMEDUCK_CONTROL", "LAMEDUCK_HOLD_MIN", "LAMEDUCK_HOLD_QUIET",
	"LAMEDUCK_HOLD_MAX", "LAMEDUCK_HOLD_RISK", "LAMEDUCK_HOLD_ESCALATION", "LAMEDUCK_LB_DELAY",
	"LAMEDUCK_GRACE_PERIOD", "LAMEDUCK_APP_STOP",
	"LAMEDUCK_TUNNEL_SPREAD", "LAMEDUCK_END_EVENT_STREAMS", "LAMEDUCK_HOOK_WINDOW",
	"LAMEDUCK_APP_WAIT", "LAMEDUCK_KEEP_CLIENT", "LAMEDUCK_UNREADY_AFTER",
	"LAMEDUCK_HEADER_TIMEOUT", "LAMEDUCK_MAX_HEADER_SIZE", "LAMEDUCK_MAX_CONNECTIONS",
	"LAMEDUCK_SLOW_CLIENT_MEMORY", "LAMEDUCK_STOP_SIGNAL", "LAMEDUCK_LOG_LEVEL",
	"LAMEDUCK_LOG_FORMAT",
}

// TestNoSecretIsPrinted sets each variable, and an unknown one, to secrets. It reads all output of
// lameduck: at the start, while it serves, and at the end.
func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	for _, v := range append(config.Variables(), config.Variable{Name: "LAMEDUCK_PASSWORD"}) {
		for i, secret := range secrets {
			if i == 0 && slices.Contains(harmless, v.Name) {
				continue
			}
			t.Run(fmt.Sprintf("%s %d", v.Name, i), func(t *testing.T) {
				t.Parallel()
				wantNoCanary(t, app.addr, v.Name+"="+secret)
			})
		}
	}
}

func wantNoCanary(t *testing.T, app string, setting string) {
	t.Helper()
	d, env := prepare(t, app, "LAMEDUCK_LOG_LEVEL=debug", "LAMEDUCK_HOLD_MIN=10ms", "LAMEDUCK_HOLD_QUIET=10ms", setting)
	if name, value, _ := strings.Cut(setting, "="); name == "LAMEDUCK_TLS_CERT" {
		env = append(env, "LAMEDUCK_TLS_KEY="+value) // otherwise only a missing key is reported
	}
	cmd := newCommand(env, programPath("lameduck"))
	cmd.Dir = t.TempDir() // where the termination log is written if its path is relative
	d.program = startCommand(t, cmd)
	output := ""
	if d.servesOrEnds(t) {
		output = get(t, "http://"+d.admin+"/metrics").body + get(t, "http://"+d.control+"/status").body
		d.signal(t, syscall.SIGTERM)
		d.logged(t, "draining")
		for range 2 { // two interrupts end a long hold
			_ = d.cmd.Process.Signal(syscall.SIGINT)
		}
	}
	d.wait(t)
	last, _ := os.ReadFile(d.terminationLog)
	output += d.stdout.String() + d.stderr.String() + string(last)
	if strings.Contains(output, canary) {
		t.Errorf("with %q the secret is in the output:\n%s", setting, output)
	}
	if d.stderr.String() == "" {
		t.Error("nothing was logged")
	}
}

// servesOrEnds waits until lameduck serves or has ended, and reports whether it serves.
func (d *lameduck) servesOrEnds(t *testing.T) (serves bool) {
	t.Helper()
	eventually(t, "lameduck serves or has ended", func() bool {
		_, serves, _, _ = d.stderr.find(func(l string) bool { return fields(l)["msg"] == "serving" })
		select {
		case <-d.ended:
			return true
		default:
			return serves
		}
	})
	return serves
}
