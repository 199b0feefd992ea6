package integration

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"lameduck/cmd/lameduck/config"
)

const canary = "c4n4ry"

// secrets are values that get into the wrong variable.
var secrets = []string{
	canary,
	"/nowhere/" + canary,
	"-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----\n",
	"postgres://user:" + canary + "@db:5432/app",
}

// harmless are the variables whose values are numbers, durations, words or addresses. A short word
// in them is no secret, and is printed.
var harmless = map[string]bool{
	"LAMEDUCK_ADMIN": true, "LAMEDUCK_CONTROL": true, "LAMEDUCK_HOLD_MIN": true, "LAMEDUCK_HOLD_QUIET": true, "LAMEDUCK_HOLD_MAX": true,
	"LAMEDUCK_HOLD_RISK": true, "LAMEDUCK_GRACE_PERIOD": true, "LAMEDUCK_APP_STOP": true, "LAMEDUCK_TUNNEL_SPREAD": true,
	"LAMEDUCK_END_EVENT_STREAMS": true, "LAMEDUCK_HOOK_WINDOW": true, "LAMEDUCK_APP_WAIT": true, "LAMEDUCK_KEEP_CLIENT": true,
	"LAMEDUCK_UNREADY_AFTER": true, "LAMEDUCK_HEADER_TIMEOUT": true, "LAMEDUCK_MAX_HEADER_SIZE": true, "LAMEDUCK_MAX_CONNECTIONS": true,
	"LAMEDUCK_SLOW_CLIENT_MEMORY": true,
	"LAMEDUCK_STOP_SIGNAL":        true, "LAMEDUCK_LOG_LEVEL": true, "LAMEDUCK_LOG_FORMAT": true,
}

// TestNoSecretIsPrinted sets each variable, and one that is unknown, to secrets, and reads all that
// lameduck says: at the start, while it serves, and at the end.
func TestNoSecretIsPrinted(t *testing.T) {
	t.Parallel()
	app := startApp(t)
	for _, v := range append(config.Variables(), config.Variable{Name: "LAMEDUCK_PASSWORD"}) {
		for i, secret := range secrets {
			if i == 0 && harmless[v.Name] {
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
		env = append(env, "LAMEDUCK_TLS_KEY="+value) // or the key alone is what is missing
	}
	cmd := newCommand(env, programPath("lameduck"))
	cmd.Dir = t.TempDir() // where the termination log is written if its path is relative
	d.program = startCommand(t, cmd)
	says := ""
	if d.servesOrEnds(t) {
		says = get(t, "http://"+d.admin+"/metrics").body + get(t, "http://"+d.control+"/status").body
		d.signal(t, syscall.SIGTERM)
		d.logged(t, "draining")
		for range 2 { // they shorten a long hold; a short one may be over
			_ = d.cmd.Process.Signal(syscall.SIGINT)
		}
	}
	d.wait(t)
	last, _ := os.ReadFile(d.terminationLog)
	says += d.stdout.String() + d.stderr.String() + string(last)
	if strings.Contains(says, canary) {
		t.Errorf("with %q it says:\n%s", setting, says)
	}
	if d.stderr.String() == "" {
		t.Error("it says nothing")
	}
}

// servesOrEnds waits until lameduck has done one of the two, and reports whether it serves.
func (d *duck) servesOrEnds(t *testing.T) (serves bool) {
	t.Helper()
	eventually(t, "it serves or has ended", func() bool {
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
